using System.Runtime.InteropServices;
using UdpGateway.WireGuard;

namespace UdpGateway.Gateway.Sockets;

/// <summary>
/// Room for <see cref="Capacity"/> datagrams of the greatest size that UDP has, so that none is ever cut off.
/// The slab is reserved, not touched: pages of long datagrams become real only when one arrives.
/// One worker owns a batch; a slot's bytes are valid until the next receive or send.
/// </summary>
internal sealed unsafe class DatagramBatch : IDisposable
{
    public const int Capacity = 32;

    /// <summary>More than 65,507 bytes of payload and the head and tail that sealing adds.</summary>
    public const int SlotSize = 65_536 + 64;

    private readonly int[] _lengths = new int[Capacity];
    private readonly PeerEndpoint[] _endpoints = new PeerEndpoint[Capacity];
    private readonly IDisposable? _native;
    private byte* _slab = (byte*)NativeMemory.AllocZeroed(Capacity, SlotSize);

    /// <param name="attachNative">Makes what a platform keeps beside the slab; it lives as long as the batch.</param>
    public DatagramBatch(Func<DatagramBatch, IDisposable>? attachNative = null) => _native = attachNative?.Invoke(this);

    /// <summary>Slots in use, from the first.</summary>
    public int Count { get; set; }

    /// <summary>The platform's own part.</summary>
    public IDisposable? Native => _native;

    public byte* Pointer(int slot) => _slab + ((nint)slot * SlotSize);

    /// <summary>The whole slot, to write into.</summary>
    public Span<byte> Slot(int slot) => new(Pointer(slot), SlotSize);

    /// <summary>The datagram in the slot.</summary>
    public Span<byte> Datagram(int slot) => new(Pointer(slot), _lengths[slot]);

    public int Length(int slot) => _lengths[slot];

    /// <summary>Where the datagram came from, or goes to.</summary>
    public ref readonly PeerEndpoint Endpoint(int slot) => ref _endpoints[slot];

    public void Set(int slot, int length, in PeerEndpoint endpoint)
    {
        _lengths[slot] = length;
        _endpoints[slot] = endpoint;
    }

    public void Dispose()
    {
        _native?.Dispose();
        NativeMemory.Free(_slab);
        _slab = null;
    }
}
