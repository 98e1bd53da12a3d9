using UdpGateway.WireGuard.Handshake;
using UdpGateway.WireGuard.InnerPackets;
using UdpGateway.WireGuard.Sessions;

namespace UdpGateway.WireGuard.Peers;

/// <summary>
/// What moves a peer's keypairs between its slots previous, current and next, and what ends them (paper §6): a response
/// makes the next one, the first packet under it makes it the current one, and its age takes it away. Also the timers
/// that follow from this, and who gives way when a table is full.
/// </summary>
internal sealed class PeerKeypairs(PeerTable peers, EndpointIndex endpoints, SessionTable sessions, Tombstones tombstones, int maxHalfOpen, int maxPeers)
{
    /// <summary>Slots that one search for an idle peer looks at, so that a full table never costs more than this.</summary>
    private const int EvictionScan = 64;

    private readonly TimerWheel _timers = new(peers);
    private uint _evictionHand;

    /// <summary>When <see cref="TryTakeKeepalive"/> must next be called; MaxValue for never.</summary>
    public TimeSpan NextDeadline => _timers.NextDeadline;

    /// <summary>Room for a stranger's handshake is only ever made at the cost of the oldest unconfirmed stranger.</summary>
    public bool TryReserve(uint slot, int namedPeer, out uint sessionSlot, out uint index)
    {
        if (slot == PeerTable.None && namedPeer == AllowedIPs.NoPeer && peers.UnknownHalfOpenCount >= maxHalfOpen)
            Remove(peers.OldestHalfOpen);
        return sessions.TryAdd(out sessionSlot, out index);
    }

    /// <summary>Takes a keypair that a response has made. It stays unused until the peer confirms it.</summary>
    public void SetNext(uint slot, uint sessionSlot, TimeSpan now)
    {
        ref var peer = ref peers[slot];
        EndSession(ref peer.Previous);
        EndSession(ref peer.Next);
        peer.Next = sessionSlot;
        SetTimer(slot, now);
    }

    /// <summary>
    /// The first transport packet under the next keypair has opened: it becomes the current one, the current one the
    /// previous. False, and nothing changed, when there is no room for another confirmed stranger.
    /// </summary>
    public bool TryConfirm(uint slot)
    {
        ref var peer = ref peers[slot];
        if (peer.State == PeerState.HalfOpen)
        {
            if (peer.NamedPeer == AllowedIPs.NoPeer && peers.UnknownConfirmedCount >= maxPeers && !TryEvictIdlePeer())
                return false;
            peers.Confirm(slot);
        }

        EndSession(ref peer.Previous);
        if (peer.Current == SessionTable.None)
            endpoints.Add(slot);
        peer.Previous = peer.Current;
        peer.Current = peer.Next;
        peer.Next = SessionTable.None;
        peer.ConfirmedPreviousKey = peer.TriedPreviousKey;
        peer.UnconfirmedResponses = 0;
        return true;
    }

    /// <summary>An authentic packet of the peer came from there, so that what it is sent goes there from now on (paper §2.1, roaming).</summary>
    public void HeardFrom(uint slot, in PeerEndpoint source)
    {
        ref var peer = ref peers[slot];
        if (peer.Endpoint == source)
            return;
        endpoints.Remove(slot);
        peer.Endpoint = source;
        endpoints.Add(slot);
    }

    /// <summary>A peer at that endpoint which can be sent to, or <see cref="PeerTable.None"/>.</summary>
    public uint FindSendable(in PeerEndpoint endpoint, TimeSpan now)
    {
        var slot = endpoints.FirstAt(endpoint);
        while (slot != PeerTable.None && !sessions[peers[slot].Current].CanSend(now))
            slot = endpoints.NextAfter(slot);
        return slot;
    }

    /// <summary>Whether a stranger of this key was evicted with this timestamp or a later one.</summary>
    public bool Forbids(ReadOnlySpan<byte> publicKey, Tai64n timestamp) => tombstones.Forbids(publicKey, timestamp);

    /// <summary>Forgets the peer with all its keypairs.</summary>
    public void Remove(uint slot)
    {
        ref var peer = ref peers[slot];
        EndSession(ref peer.Previous);
        EndCurrent(slot);
        EndSession(ref peer.Next);
        _timers.Cancel(slot);
        peers.Remove(slot);
    }

    /// <summary>Runs the timers that are due until one wants a keepalive sent to the peer, on its current keypair.</summary>
    public bool TryTakeKeepalive(TimeSpan now, out uint slot)
    {
        while (_timers.TryTake(now, out slot))
        {
            EndExpiredSessions(slot, now);
            ref var peer = ref peers[slot];
            if (peer is { State: PeerState.HalfOpen, HasAnySession: false })
            {
                peers.Remove(slot);
                continue;
            }

            var isDue = peer.KeepaliveDue != default && peer.KeepaliveDue <= now;
            if (isDue)
            {
                var another = peer.NeedsAnotherKeepalive;
                CancelKeepalive(ref peer);
                if (another)
                    peer.KeepaliveDue = now + WireGuardSpecification.KeepaliveTimeout;
            }

            SetTimer(slot, now);
            if (isDue && peer.Current != SessionTable.None && sessions[peer.Current].CanSend(now))
                return true;
        }

        return false;
    }

    /// <summary>Paper §6.5: data was received; if nothing goes back within ten seconds, an empty packet does.</summary>
    public void ArmKeepalive(uint slot, TimeSpan now)
    {
        ref var peer = ref peers[slot];
        if (peer.KeepaliveDue != default)
        {
            peer.NeedsAnotherKeepalive = true;
            return;
        }

        peer.KeepaliveDue = now + WireGuardSpecification.KeepaliveTimeout;
        _timers.Set(slot, peer.KeepaliveDue, now);
    }

    /// <summary>Anything authenticated was sent to the peer.</summary>
    public static void CancelKeepalive(ref Peer peer)
    {
        peer.KeepaliveDue = default;
        peer.NeedsAnotherKeepalive = false;
    }

    /// <summary>Evicts a confirmed stranger without any usable session; its timestamp stays behind.</summary>
    private bool TryEvictIdlePeer()
    {
        for (var i = 0; i < EvictionScan && peers.End > 0; i++)
        {
            _evictionHand = (_evictionHand + 1) % peers.End;
            ref var peer = ref peers[_evictionHand];
            if (peer is not { State: PeerState.Confirmed, NamedPeer: AllowedIPs.NoPeer, HasAnySession: false })
                continue;
            tombstones.Bury(peer.PublicKey, peer.Timestamp);
            Remove(_evictionHand);
            return true;
        }

        return false;
    }

    private void EndSession(ref uint slot)
    {
        if (slot == SessionTable.None)
            return;
        sessions.Remove(slot);
        slot = SessionTable.None;
    }

    private void EndCurrent(uint slot)
    {
        ref var peer = ref peers[slot];
        if (peer.Current != SessionTable.None)
            endpoints.Remove(slot);
        EndSession(ref peer.Current);
    }

    private void EndExpiredSessions(uint slot, TimeSpan now)
    {
        ref var peer = ref peers[slot];
        if (IsExpired(peer.Previous, now))
            EndSession(ref peer.Previous);
        if (IsExpired(peer.Current, now))
            EndCurrent(slot);
        if (IsExpired(peer.Next, now))
            EndSession(ref peer.Next);
    }

    private bool IsExpired(uint slot, TimeSpan now) => slot != SessionTable.None && sessions[slot].IsExpired(now);

    private void SetTimer(uint slot, TimeSpan now)
    {
        ref var peer = ref peers[slot];
        var earliest = peer.KeepaliveDue != default ? peer.KeepaliveDue : TimeSpan.MaxValue;
        earliest = Earlier(earliest, peer.Previous);
        earliest = Earlier(earliest, peer.Current);
        earliest = Earlier(earliest, peer.Next);
        if (earliest != TimeSpan.MaxValue)
            _timers.Set(slot, earliest, now);
    }

    private TimeSpan Earlier(TimeSpan deadline, uint sessionSlot)
    {
        if (sessionSlot == SessionTable.None)
            return deadline;
        var expiry = sessions[sessionSlot].Birth + WireGuardSpecification.RejectAfterTime;
        return expiry < deadline ? expiry : deadline;
    }
}
