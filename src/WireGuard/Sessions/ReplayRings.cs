using System.Runtime.InteropServices;

namespace UdpGateway.WireGuard.Sessions;

/// <summary>The rings of all replay windows of an engine: a hard cap on what clients with gaps can make it keep.</summary>
/// <param name="capacity">Rings of 1 KiB.</param>
internal sealed unsafe class ReplayRings(int capacity) : IDisposable
{
    private readonly Stack<nint> _free = new();

    /// <summary>Rings in use.</summary>
    public int Count { get; private set; }

    /// <summary>Gives a ring without any bit set; false, and null, when all are in use.</summary>
    public bool TryTake(out ulong* ring)
    {
        ring = null;
        if (Count == capacity)
            return false;
        ring = _free.TryPop(out var free) ? (ulong*)free : (ulong*)NativeMemory.Alloc(ReplayWindow.RingWords, sizeof(ulong));
        NativeMemory.Clear(ring, ReplayWindow.RingWords * sizeof(ulong));
        Count++;
        return true;
    }

    public void Return(ulong* ring)
    {
        _free.Push((nint)ring);
        Count--;
    }

    public void Dispose()
    {
        while (_free.TryPop(out var ring))
            NativeMemory.Free((void*)ring);
    }
}
