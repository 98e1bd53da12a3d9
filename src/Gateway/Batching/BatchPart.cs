using UdpGateway.Gateway.Destinations;

namespace UdpGateway.Gateway.Batching;

/// <summary>Packets of a batch, in its order, that one call carries.</summary>
internal readonly struct BatchPart
{
    // Null for all of them.
    private readonly ReadOnlyMemory<int>? _packets;

    private BatchPart(PacketBatch batch, ReadOnlyMemory<int>? packets)
    {
        Batch = batch;
        _packets = packets;
    }

    public PacketBatch Batch { get; }

    public int Count => _packets?.Length ?? Batch.Count;

    /// <summary>About what the packets take when they are encoded.</summary>
    public int EncodedSize => (int)(Batch.EncodedSize * Count / Math.Max(Batch.Count, 1));

    /// <summary>The packet's place in the batch.</summary>
    public int this[int place] => _packets is { } packets ? packets.Span[place] : place;

    public static BatchPart Whole(PacketBatch batch) => new(batch, null);

    /// <param name="batch">The batch.</param>
    /// <param name="packets">Places in it, ascending.</param>
    public static BatchPart Of(PacketBatch batch, IEnumerable<int> packets) => new(batch, packets.ToArray());

    /// <summary>All of its packets, with the same reason.</summary>
    public IReadOnlyList<FailedPacket> Fail(string reason)
    {
        var failed = new FailedPacket[Count];
        for (var place = 0; place < failed.Length; place++)
            failed[place] = new FailedPacket(this[place], reason);
        return failed;
    }

    public bool Contains(int packet) => _packets is not { } packets ? packet >= 0 && packet < Batch.Count : packets.Span.BinarySearch(packet) >= 0;

    public (BatchPart First, BatchPart Second) Halves()
    {
        var packets = _packets ?? Enumerable.Range(0, Batch.Count).ToArray();
        var half = packets.Length / 2;
        return (new BatchPart(Batch, packets[..half]), new BatchPart(Batch, packets[half..]));
    }
}
