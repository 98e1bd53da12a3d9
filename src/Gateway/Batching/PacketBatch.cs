using UdpGateway.Gateway.Workers;

namespace UdpGateway.Gateway.Batching;

/// <summary>
/// Packets on their way to one destination. Filled by one worker, then owned by the destination's delivery, which
/// gives it back to the worker's pool; nobody keeps a payload span beyond that.
/// </summary>
internal sealed class PacketBatch
{
    private const int InitialPackets = 16;
    private const int InitialBytes = 8 * 1024;

    private BatchedPacket[] _packets = new BatchedPacket[InitialPackets];
    private byte[] _bytes = new byte[InitialBytes];

    /// <summary>Unique within the process; the first part of every tag.</summary>
    public ulong Id { get; private set; }

    /// <summary>Where the packets came from and replies go to.</summary>
    public WorkerListener Listener { get; private set; } = null!;

    public int Count { get; private set; }

    /// <summary>Payload bytes, not encoded.</summary>
    public int Bytes { get; private set; }

    /// <summary>Upper bound of the encoded payload.</summary>
    public long EncodedSize { get; private set; }

    /// <summary>Memory that the batch keeps.</summary>
    public long Footprint => _bytes.Length + ((long)_packets.Length * System.Runtime.CompilerServices.Unsafe.SizeOf<BatchedPacket>());

    public ref readonly BatchedPacket this[int index] => ref _packets[index];

    public ReadOnlySpan<byte> Payload(int index) => _bytes.AsSpan(_packets[index].Offset, _packets[index].Length);

    public void Start(ulong id, WorkerListener listener)
    {
        Id = id;
        Listener = listener;
        Count = 0;
        Bytes = 0;
        EncodedSize = 0;
    }

    public void Add(ReadOnlySpan<byte> payload, in PacketOrigin origin, long encodedSize)
    {
        if (Count == _packets.Length)
            Array.Resize(ref _packets, Count * 2);
        if (payload.Length > _bytes.Length - Bytes)
            Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, Bytes + payload.Length));

        payload.CopyTo(_bytes.AsSpan(Bytes));
        ref var packet = ref _packets[Count];
        packet.Origin = origin;
        packet.Offset = Bytes;
        packet.Length = payload.Length;
        Count++;
        Bytes += payload.Length;
        EncodedSize += encodedSize;
    }
}
