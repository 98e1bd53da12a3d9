using System.Buffers.Binary;

namespace UdpGateway.WireGuard.Peers;

/// <summary>
/// The peers with a session by the endpoint that they were last heard from, for what is sent to an address and not in
/// answer to a packet. Several may share one endpoint. All but growing takes constant time, however many do.
/// </summary>
internal sealed class EndpointIndex(PeerTable peers, KeyHash hash)
{
    private const int FirstBuckets = 256;

    private uint[] _buckets = NewBuckets(FirstBuckets);
    private int _count;

    /// <summary>The peer heard there most recently for the first time.</summary>
    public uint FirstAt(in PeerEndpoint endpoint) => Search(_buckets[BucketOf(endpoint)], endpoint);

    /// <summary>The next one at the same endpoint.</summary>
    public uint NextAfter(uint slot) => Search(peers[slot].ListNext, peers[slot].Endpoint);

    public void Add(uint slot)
    {
        if (++_count > _buckets.Length)
            Grow();
        Link(slot);
    }

    /// <summary>Before the peer's endpoint changes, or when its session ends.</summary>
    public void Remove(uint slot)
    {
        _count--;
        ref var peer = ref peers[slot];
        if (peer.ListNext != PeerTable.None)
            peers[peer.ListNext].ListPrevious = peer.ListPrevious;
        if (peer.ListPrevious != PeerTable.None)
            peers[peer.ListPrevious].ListNext = peer.ListNext;
        else
            _buckets[BucketOf(peer.Endpoint)] = peer.ListNext;
    }

    private static uint[] NewBuckets(int count)
    {
        var buckets = new uint[count];
        buckets.AsSpan().Fill(PeerTable.None);
        return buckets;
    }

    private uint Search(uint slot, in PeerEndpoint endpoint)
    {
        while (slot != PeerTable.None && peers[slot].Endpoint != endpoint)
            slot = peers[slot].ListNext;
        return slot;
    }

    private void Link(uint slot)
    {
        ref var peer = ref peers[slot];
        ref var bucket = ref _buckets[BucketOf(peer.Endpoint)];
        peer.ListPrevious = PeerTable.None;
        peer.ListNext = bucket;
        if (bucket != PeerTable.None)
            peers[bucket].ListPrevious = slot;
        bucket = slot;
    }

    /// <summary>From the last of a bucket to its first, so that those of one endpoint keep their order.</summary>
    private void Grow()
    {
        var former = _buckets;
        _buckets = NewBuckets(former.Length * 2);
        foreach (var first in former)
        {
            var slot = first;
            while (slot != PeerTable.None && peers[slot].ListNext != PeerTable.None)
                slot = peers[slot].ListNext;
            while (slot != PeerTable.None)
            {
                var previous = peers[slot].ListPrevious;
                Link(slot);
                slot = previous;
            }
        }
    }

    // Clients choose their ports, and some of them their addresses: the hash must not be predictable.
    private int BucketOf(in PeerEndpoint endpoint)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong) * 3];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, endpoint.High);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[sizeof(ulong)..], endpoint.Low);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[(2 * sizeof(ulong))..], (ulong)endpoint.ScopeId << 16 | endpoint.Port);
        return (int)((uint)hash.Compute(bytes) & (uint)(_buckets.Length - 1));
    }
}
