using UdpGateway.WireGuard.InnerPackets;
using UdpGateway.WireGuard.Sessions;

namespace UdpGateway.WireGuard.Peers;

/// <summary>
/// The engine's peers: found by static key and tunnel, half-open ones also in the order of their arrival. Both kinds
/// have hard caps of their own, and room for an unconfirmed peer is only ever made among the unconfirmed.
/// </summary>
internal sealed class PeerTable : IDisposable
{
    public const uint None = NativeSlab<Peer>.None;

    private readonly NativeSlab<Peer> _peers;
    private readonly KeyHash _hash;
    private uint[] _buckets = NewBuckets(256);
    private uint _oldestHalfOpen = None;
    private uint _newestHalfOpen = None;

    public PeerTable(uint capacity, KeyHash hash)
    {
        _peers = new NativeSlab<Peer>(capacity);
        _hash = hash;
    }

    public int HalfOpenCount { get; private set; }

    public int ConfirmedCount { get; private set; }

    public int UnknownConfirmedCount { get; private set; }

    public int UnknownHalfOpenCount { get; private set; }

    public uint OldestHalfOpen => _oldestHalfOpen;

    /// <summary>One past the highest slot ever used.</summary>
    public uint End => _peers.End;

    public ref Peer this[uint slot] => ref _peers[slot];

    public void Prefetch(uint slot) => _peers.Prefetch(slot);

    public bool IsCurrent(PeerId id) => id.Slot < _peers.End && _peers[id.Slot].State != PeerState.Free && _peers[id.Slot].Generation == id.Generation;

    public uint Find(ReadOnlySpan<byte> publicKey, int tunnel)
    {
        for (var slot = _buckets[BucketOf(publicKey)]; slot != None; slot = _peers[slot].HashNext)
        {
            ref var peer = ref _peers[slot];
            if (peer.Tunnel == tunnel && peer.PublicKey.SequenceEqual(publicKey))
                return slot;
        }

        return None;
    }

    /// <summary>Room for a named peer is bounded by the configuration; unknown ones wait in the queue of those that may be evicted.</summary>
    public bool TryAddHalfOpen(ReadOnlySpan<byte> publicKey, int tunnel, int namedPeer, out uint slot)
    {
        if (!_peers.TryTake(out slot))
            return false;
        if (_peers.Count > _buckets.Length)
            Grow();
        ref var peer = ref _peers[slot];
        var generation = peer.Generation;
        peer = default;
        publicKey.CopyTo(peer.PublicKey);
        peer.Generation = generation + 1;
        peer.Tunnel = (ushort)tunnel;
        peer.NamedPeer = namedPeer;
        peer.Current = peer.Previous = peer.Next = None;
        peer.State = PeerState.HalfOpen;
        ref var bucket = ref _buckets[BucketOf(publicKey)];
        peer.HashNext = bucket;
        bucket = slot;
        HalfOpenCount++;
        if (namedPeer == AllowedIPs.NoPeer)
            Enqueue(slot);
        return true;
    }

    public void Confirm(uint slot)
    {
        Dequeue(slot);
        HalfOpenCount--;
        ref var peer = ref _peers[slot];
        peer.State = PeerState.Confirmed;
        ConfirmedCount++;
        if (peer.NamedPeer == AllowedIPs.NoPeer)
            UnknownConfirmedCount++;
    }

    /// <summary>A change of the configuration made the peer known by name, or took its name away.</summary>
    public void Rename(uint slot, int namedPeer)
    {
        ref var peer = ref _peers[slot];
        var wasNamed = peer.NamedPeer != AllowedIPs.NoPeer;
        var isNamed = namedPeer != AllowedIPs.NoPeer;
        if (peer.State == PeerState.Confirmed && wasNamed != isNamed)
            UnknownConfirmedCount += wasNamed ? 1 : -1;
        if (peer.State == PeerState.HalfOpen && isNamed)
            Dequeue(slot);
        peer.NamedPeer = namedPeer;
        if (peer.State == PeerState.HalfOpen && wasNamed && !isNamed)
            Enqueue(slot);
    }

    /// <summary>Forgets the peer; its sessions and timer are already gone.</summary>
    public void Remove(uint slot)
    {
        ref var peer = ref _peers[slot];
        if (peer.State == PeerState.HalfOpen)
        {
            Dequeue(slot);
            HalfOpenCount--;
        }
        else
        {
            ConfirmedCount--;
            if (peer.NamedPeer == AllowedIPs.NoPeer)
                UnknownConfirmedCount--;
        }

        ref var link = ref _buckets[BucketOf(peer.PublicKey)];
        while (link != slot)
            link = ref _peers[link].HashNext;
        link = peer.HashNext;
        var generation = peer.Generation;
        _peers.Free(slot);
        _peers[slot].Generation = generation;
    }

    public void Dispose() => _peers.Dispose();

    private static uint[] NewBuckets(int count)
    {
        var buckets = new uint[count];
        buckets.AsSpan().Fill(None);
        return buckets;
    }

    private uint BucketOf(ReadOnlySpan<byte> publicKey) => (uint)_hash.Compute(publicKey) & (uint)(_buckets.Length - 1);

    private void Grow()
    {
        _buckets = NewBuckets(_buckets.Length * 2);
        for (uint slot = 0; slot < _peers.End; slot++)
        {
            ref var peer = ref _peers[slot];
            if (peer.State == PeerState.Free)
                continue;
            ref var bucket = ref _buckets[BucketOf(peer.PublicKey)];
            peer.HashNext = bucket;
            bucket = slot;
        }
    }

    private void Enqueue(uint slot)
    {
        ref var peer = ref _peers[slot];
        peer.ListNext = None;
        peer.ListPrevious = _newestHalfOpen;
        if (_newestHalfOpen == None)
            _oldestHalfOpen = slot;
        else
            _peers[_newestHalfOpen].ListNext = slot;
        _newestHalfOpen = slot;
        UnknownHalfOpenCount++;
    }

    private void Dequeue(uint slot)
    {
        ref var peer = ref _peers[slot];
        if (peer.NamedPeer != AllowedIPs.NoPeer)
            return;
        if (peer.ListPrevious == None)
            _oldestHalfOpen = peer.ListNext;
        else
            _peers[peer.ListPrevious].ListNext = peer.ListNext;
        if (peer.ListNext == None)
            _newestHalfOpen = peer.ListPrevious;
        else
            _peers[peer.ListNext].ListPrevious = peer.ListPrevious;
        UnknownHalfOpenCount--;
    }
}
