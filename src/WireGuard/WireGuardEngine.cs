using System.Security.Cryptography;
using UdpGateway.WireGuard.Crypto;
using UdpGateway.WireGuard.Handshake;
using UdpGateway.WireGuard.InnerPackets;
using UdpGateway.WireGuard.Messages;
using UdpGateway.WireGuard.Peers;
using UdpGateway.WireGuard.Sessions;

namespace UdpGateway.WireGuard;

/// <summary>
/// The WireGuard responder of one worker and one UDP port, without sockets or clocks: datagrams and the time go in,
/// verdicts, payloads and datagrams come out. It never throws on wire input, never initiates, and sends nothing on a
/// session that the client has not confirmed. Not thread-safe; its worker owns it.
/// </summary>
/// <remarks>
/// An initiation passes mac1, load, <c>es</c>, owner, policy, <c>ss</c>, timestamp and response in that order, the
/// cheap checks first; nothing is changed until the last one has passed. The new session waits as the peer's
/// <c>next</c> until a transport packet opens under it (paper §5.4.5, §6.1).
/// </remarks>
public sealed class WireGuardEngine : IDisposable
{
    /// <summary>Bytes of a sealed datagram before the payload.</summary>
    public const int HeaderSize = TransportDataMessage.HeaderSize;

    /// <summary>Bytes of a sealed datagram behind the padded payload.</summary>
    public const int TagSize = WireGuardSpecification.TagSize;

    /// <summary>A reply buffer of this size fits every handshake reply.</summary>
    public const int MaxReplySize = HandshakeResponseMessage.Size;

    private const int MaxDatagramSize = 65_507;

    /// <summary>Named peers and their sessions have room of their own beside the strangers' caps.</summary>
    private const uint NamedPeerRoom = 1 << 17;

    private static readonly byte[] ZeroKey = new byte[WireGuardSpecification.KeySize];

    private readonly WireGuardEngineOptions _options;
    private readonly ICryptoBackend _crypto;
    private readonly RandomFill _random;
    private readonly KeyHash _ownerHash;
    private readonly PeerTable _peers;
    private readonly SessionTable _sessions;
    private readonly PeerKeypairs _keypairs;
    private readonly CookieChecker _cookies;
    private readonly SourceRateLimiter _rateLimiter;
    private readonly HandshakeBudget _budget;
    private Tunnel?[] _tunnels = [];

    /// <param name="crypto">Owned by the caller and used by one thread at a time.</param>
    public WireGuardEngine(WireGuardEngineOptions options, ICryptoBackend crypto, RandomFill random)
    {
        _options = options;
        _crypto = crypto;
        _random = random;
        using var seed = new SecretKey(options.SharedSeed ?? Draw(random));
        Span<byte> hashKeys = stackalloc byte[WireGuardSpecification.HashSize];
        Span<byte> indexKey = stackalloc byte[WireGuardSpecification.HashSize];
        Span<byte> cookieKey = stackalloc byte[WireGuardSpecification.HashSize];
        Blake2s.Hmac(seed.Bytes, "hashes"u8, hashKeys);
        Blake2s.Hmac(seed.Bytes, "indices"u8, indexKey);
        Blake2s.Hmac(seed.Bytes, "cookies"u8, cookieKey);
        _ownerHash = new KeyHash(hashKeys[..16]);
        // The owner's hash picks the worker; within one worker another key spreads the buckets.
        var bucketHash = new KeyHash(hashKeys[16..]);
        _peers = new PeerTable((uint)(options.MaxPeers + options.MaxHalfOpen) + NamedPeerRoom, bucketHash);
        _sessions = new SessionTable(
            (uint)(options.MaxPeers * 3 + options.MaxHalfOpen) + NamedPeerRoom, options.MaxReplayRings, options.Worker, options.Workers, SessionIndexCipher.Create(indexKey));
        _cookies = new CookieChecker(crypto, cookieKey, random);
        CryptographicOperations.ZeroMemory(cookieKey);
        _keypairs = new PeerKeypairs(_peers, new EndpointIndex(_peers, bucketHash), _sessions, new Tombstones(bucketHash), options.MaxHalfOpen, options.MaxPeers);
        _rateLimiter = new SourceRateLimiter(bucketHash);
        _budget = new HandshakeBudget(options.HandshakeShare);
    }

    /// <summary>Handshakes that wait for the client's first transport packet.</summary>
    public int HalfOpenCount => _peers.HalfOpenCount;

    /// <summary>Peers that have proved their keys.</summary>
    public int PeerCount => _peers.ConfirmedCount;

    public int SessionCount => _sessions.Count;

    /// <summary>When <see cref="TryTakeDue"/> must next be called; MaxValue for never.</summary>
    public TimeSpan NextDeadline => _keypairs.NextDeadline;

    /// <summary>
    /// Serves exactly these tunnels from now on. Sessions that the change does not concern go on; those of peers that
    /// may no longer connect end at once; a changed pre-shared key counts from a session's next handshake on.
    /// </summary>
    public void Apply(IReadOnlyList<TunnelConfiguration> tunnels, TimeSpan now)
    {
        var before = _tunnels;
        var after = new Tunnel?[Math.Max(before.Length, before.Count(tunnel => tunnel is not null) + tunnels.Count)];
        foreach (var configuration in tunnels)
        {
            var slot = Array.FindIndex(before, tunnel => tunnel?.TunnelId == configuration.TunnelId);
            if (slot < 0)
                slot = Enumerable.Range(0, after.Length).First(i => after[i] is null && (i >= before.Length || before[i] is null));
            after[slot] = new Tunnel(slot, configuration, _crypto);
        }

        _tunnels = after;
        for (uint slot = 0; slot < _peers.End; slot++)
        {
            if (_peers[slot].State != PeerState.Free)
                Reconsider(slot, before[_peers[slot].Tunnel]!);
        }

        foreach (var tunnel in before)
            tunnel?.Dispose();
    }

    /// <summary>
    /// Handles one datagram, decrypting it in place. For a handshake the answer to send back to the source is written to
    /// <paramref name="reply"/>, which holds at least <see cref="MaxReplySize"/> bytes.
    /// </summary>
    public ReceiveResult Receive(Span<byte> datagram, in PeerEndpoint source, TimeSpan now, Span<byte> reply)
    {
        if (!WireGuardMessage.TryClassify(datagram, out var type))
            return Only(ReceiveVerdict.Malformed);
        return type switch
        {
            WireGuardMessageType.TransportData => ReceiveTransportData(datagram, source, now),
            WireGuardMessageType.HandshakeInitiation => ReceiveInitiation(new HandshakeInitiationMessage(datagram), source, now, reply),
            _ => Only(ReceiveVerdict.UnexpectedType),
        };
    }

    /// <summary>
    /// Starts to fetch what <see cref="Receive"/> will need for a datagram that comes after the one at hand, so that the
    /// memory's delay passes while that one is being opened. Any bytes will do; it changes nothing.
    /// </summary>
    public void Prefetch(ReadOnlySpan<byte> datagram)
    {
        if (TransportDataMessage.TryReadReceiverIndex(datagram, out var index))
            _sessions.Prefetch(index);
    }

    /// <summary>The caller's measurement of a <see cref="Receive"/> that was a handshake; it feeds the handshakes' share of time.</summary>
    public void AccountHandshake(TimeSpan elapsed, TimeSpan now) => _budget.Spend(elapsed, now);

    /// <summary>
    /// Seals a payload for a peer in place: it lies behind the first <see cref="HeaderSize"/> bytes of the datagram, and
    /// the buffer has room for padding (up to 15 bytes) and tag behind it.
    /// </summary>
    /// <param name="pad">For IP packets, which carry their own length; raw payloads are never padded.</param>
    public SealResult Seal(PeerId peer, Span<byte> datagram, int payloadLength, bool pad, TimeSpan now)
    {
        if (!_peers.IsCurrent(peer))
            return new SealResult(SealVerdict.UnknownPeer, 0, default);
        ref var record = ref _peers[peer.Slot];
        if (record.Current == SessionTable.None || !_sessions[record.Current].CanSend(now))
            return new SealResult(SealVerdict.NoSession, 0, default);
        var padded = pad ? Padding.PaddedLength(payloadLength, _options.MaximumTransmissionUnit) : payloadLength;
        var length = HeaderSize + padded + TagSize;
        if (length > datagram.Length || length > MaxDatagramSize)
            return new SealResult(SealVerdict.TooLong, 0, default);
        datagram[(HeaderSize + payloadLength)..(HeaderSize + padded)].Clear();
        PeerKeypairs.CancelKeepalive(ref record);
        return new SealResult(SealVerdict.Sealed, _sessions[record.Current].Seal(_crypto, datagram, padded), record.Endpoint);
    }

    /// <summary>The peer with that static key, once it is confirmed; whether its session still sends, <see cref="Seal"/> says.</summary>
    public bool TryFindPeer(ReadOnlySpan<byte> publicKey, out PeerId peer)
    {
        foreach (var tunnel in _tunnels)
        {
            if (tunnel is null || _peers.Find(publicKey, tunnel.Slot) is var slot && (slot == PeerTable.None || _peers[slot].Current == SessionTable.None))
                continue;
            peer = new PeerId(slot, _peers[slot].Generation);
            return true;
        }

        peer = default;
        return false;
    }

    /// <summary>The peer that was last heard from that endpoint and can be sent to; where several share it, one that came there latest.</summary>
    public bool TryFindPeer(in PeerEndpoint endpoint, TimeSpan now, out PeerId peer)
    {
        var slot = _keypairs.FindSendable(endpoint, now);
        peer = slot == PeerTable.None ? default : new PeerId(slot, _peers[slot].Generation);
        return slot != PeerTable.None;
    }

    /// <summary>Runs the timers that are due; true with a keepalive to send. Call it until it says false.</summary>
    /// <param name="datagram">At least 32 bytes.</param>
    public bool TryTakeDue(TimeSpan now, Span<byte> datagram, out int length, out PeerEndpoint endpoint)
    {
        if (_keypairs.TryTakeKeepalive(now, out var slot))
        {
            ref var peer = ref _peers[slot];
            length = _sessions[peer.Current].Seal(_crypto, datagram, 0);
            endpoint = peer.Endpoint;
            return true;
        }

        length = 0;
        endpoint = default;
        return false;
    }

    /// <summary>Who a peer is; false when it is gone. <paramref name="publicKey"/> takes 32 bytes.</summary>
    public bool TryGetPeer(PeerId peer, Span<byte> publicKey, out int tunnelId, out PeerEndpoint endpoint)
    {
        tunnelId = 0;
        endpoint = default;
        if (!_peers.IsCurrent(peer))
            return false;
        ref var record = ref _peers[peer.Slot];
        record.PublicKey.CopyTo(publicKey);
        tunnelId = _tunnels[record.Tunnel]!.TunnelId;
        endpoint = record.Endpoint;
        return true;
    }

    public void Dispose()
    {
        foreach (var tunnel in _tunnels)
            tunnel?.Dispose();
        _tunnels = [];
        _sessions.Dispose();
        _peers.Dispose();
        _cookies.Dispose();
    }

    private static byte[] Draw(RandomFill random)
    {
        var seed = new byte[SecretKey.Size];
        random(seed);
        return seed;
    }

    private static ReceiveResult Only(ReceiveVerdict verdict) => new() { Verdict = verdict };

    private ReceiveResult ReceiveTransportData(Span<byte> datagram, in PeerEndpoint source, TimeSpan now)
    {
        if (!_sessions.TryFind(new TransportDataMessage(datagram).ReceiverIndex, out var sessionSlot, out var worker))
        {
            return worker != _options.Worker && worker < _options.Workers
                ? new ReceiveResult { Verdict = ReceiveVerdict.BelongsToOtherWorker, Worker = worker }
                : Only(ReceiveVerdict.UnknownIndex);
        }

        ref var session = ref _sessions[sessionSlot];
        var slot = session.Peer;
        _peers.Prefetch(slot);
        var verdict = session.TryOpen(_crypto, _sessions.Rings, datagram, now);
        if (verdict > ReceiveVerdict.Keepalive)
            return Only(verdict);

        ref var peer = ref _peers[slot];
        var completed = sessionSlot == peer.Next;
        if (completed && !_keypairs.TryConfirm(slot))
            return Only(ReceiveVerdict.PeerLimit);
        _keypairs.HeardFrom(slot, source);

        var payloadLength = datagram.Length - TransportDataMessage.MinimumSize;
        var kind = PayloadKind.Raw;
        if (verdict == ReceiveVerdict.Data)
        {
            _keypairs.ArmKeepalive(slot, now);
            kind = InnerPacket.Classify(datagram.Slice(HeaderSize, payloadLength), out payloadLength);
            verdict = _tunnels[peer.Tunnel]!.CheckPayload(peer.NamedPeer, kind, datagram.Slice(HeaderSize, payloadLength));
        }

        return new ReceiveResult
        {
            Verdict = verdict,
            Peer = new PeerId(slot, peer.Generation),
            PayloadOffset = HeaderSize,
            PayloadLength = payloadLength,
            PayloadKind = kind,
            HandshakeCompleted = completed,
        };
    }

    private ReceiveResult ReceiveInitiation(HandshakeInitiationMessage message, in PeerEndpoint source, TimeSpan now, Span<byte> reply)
    {
        if (FindIdentity(message) is not { } identity)
            return Only(ReceiveVerdict.Mac1Invalid);
        if (_budget.IsUnderLoad(now))
        {
            if (!_cookies.IsMac2Valid(message.CoveredByMac2, message.Mac2, source, now))
            {
                _cookies.WriteReply(reply, identity, message.SenderIndex, message.Mac1, source, now);
                return new ReceiveResult { Verdict = ReceiveVerdict.CookieReplied, ReplyLength = CookieReplyMessage.Size };
            }

            if (!_rateLimiter.TryTake(source, now))
                return Only(ReceiveVerdict.RateLimited);
        }

        if (_budget.IsExhausted(now))
            return Only(ReceiveVerdict.HandshakeBudgetExhausted);

        Span<byte> staticShared = stackalloc byte[WireGuardSpecification.KeySize];
        var handshake = new ResponderHandshake(_crypto, identity);
        try
        {
            return Answer(ref handshake, staticShared, message, identity, source, now, new HandshakeResponseMessage(reply));
        }
        finally
        {
            handshake.Clear();
            CryptographicOperations.ZeroMemory(staticShared);
        }
    }

    private ServerIdentity? FindIdentity(HandshakeInitiationMessage message)
    {
        Span<byte> mac1 = stackalloc byte[WireGuardSpecification.MacSize];
        foreach (var tunnel in _tunnels)
        {
            if (tunnel is null)
                continue;
            foreach (var identity in tunnel.Identities)
            {
                Blake2s.Mac(identity.Mac1Key, message.CoveredByMac1, mac1);
                if (CryptographicOperations.FixedTimeEquals(mac1, message.Mac1))
                    return identity;
            }
        }

        return null;
    }

    private ReceiveResult Answer(
        ref ResponderHandshake handshake,
        scoped Span<byte> staticShared,
        HandshakeInitiationMessage message,
        ServerIdentity identity,
        in PeerEndpoint source,
        TimeSpan now,
        HandshakeResponseMessage response)
    {
        var verdict = handshake.ConsumeStatic(message);
        if (verdict != ReceiveVerdict.InitiationAnswered)
            return Only(verdict);

        var owner = OwnerOf(handshake.InitiatorStatic);
        if (owner != _options.Worker)
            return new ReceiveResult { Verdict = ReceiveVerdict.BelongsToOtherWorker, Worker = owner };

        var tunnel = _tunnels[identity.Tunnel]!;
        var namedPeer = tunnel.FindNamedPeer(handshake.InitiatorStatic);
        if (namedPeer == AllowedIPs.NoPeer && !tunnel.AllowUnknownPeers)
            return Only(ReceiveVerdict.UnknownPeer);
        var presharedKey = tunnel.PresharedKeyOf(namedPeer);
        if (presharedKey.IsUnavailable)
            return Only(ReceiveVerdict.PresharedKeyUnavailable);

        var slot = _peers.Find(handshake.InitiatorStatic, tunnel.Slot);
        var identityNumber = (byte)(Array.IndexOf(tunnel.Identities, identity) + 1);
        if (slot != PeerTable.None && _peers[slot].StaticSharedIdentity == identityNumber)
            _peers[slot].StaticShared.CopyTo(staticShared);
        else if (!handshake.TryAgreeStatic(staticShared))
            return Only(ReceiveVerdict.LowOrderPoint);

        verdict = handshake.ConsumeTimestamp(message, staticShared, out var timestamp);
        if (verdict == ReceiveVerdict.InitiationAnswered)
            verdict = CheckFreshness(slot, handshake.InitiatorStatic, timestamp, now);
        if (verdict != ReceiveVerdict.InitiationAnswered)
            return Only(verdict);

        if (!_keypairs.TryReserve(slot, namedPeer, out var sessionSlot, out var localIndex))
            return Only(ReceiveVerdict.HalfOpenLimit);
        var triesPrevious = TriesPreviousKey(slot, presharedKey, now);
        var key = triesPrevious ? presharedKey.Previous!.Bytes : presharedKey.Current is { } current ? current.Bytes : ZeroKey;
        verdict = handshake.CreateResponse(response, localIndex, message.SenderIndex, key, _random);
        if (verdict == ReceiveVerdict.InitiationAnswered && slot == PeerTable.None && !_peers.TryAddHalfOpen(handshake.InitiatorStatic, tunnel.Slot, namedPeer, out slot))
            verdict = ReceiveVerdict.HalfOpenLimit;
        if (verdict != ReceiveVerdict.InitiationAnswered)
        {
            _sessions.Remove(sessionSlot);
            return Only(verdict);
        }

        ref var session = ref _sessions[sessionSlot];
        session.Start(localIndex, message.SenderIndex, slot, now);
        handshake.Split(session.ReceivingKey, session.SendingKey);

        ref var peer = ref _peers[slot];
        staticShared.CopyTo(peer.StaticShared);
        peer.StaticSharedIdentity = identityNumber;
        peer.Timestamp = timestamp;
        peer.LastInitiation = now;
        peer.TriedPreviousKey = triesPrevious;
        // A captured initiation may come from anywhere: a live session stays with the endpoint that its packets proved.
        if (peer.Current == SessionTable.None)
            peer.Endpoint = source;
        peer.UnconfirmedResponses = (byte)Math.Min(peer.UnconfirmedResponses + 1, byte.MaxValue);
        _keypairs.SetNext(slot, sessionSlot, now);
        return new ReceiveResult
        {
            Verdict = ReceiveVerdict.InitiationAnswered,
            ReplyLength = HandshakeResponseMessage.Size,
            UnconfirmedResponses = peer.UnconfirmedResponses,
        };
    }

    private int OwnerOf(ReadOnlySpan<byte> publicKey) =>
        _options.Workers == 1 ? 0 : (int)(_ownerHash.Compute(publicKey) % (uint)_options.Workers);

    private ReceiveVerdict CheckFreshness(uint slot, ReadOnlySpan<byte> publicKey, Tai64n timestamp, TimeSpan now)
    {
        var acceptsOlderWhenIdle = _options.TimestampPolicy == TimestampPolicy.AcceptOlderWhenIdle;
        if (slot == PeerTable.None)
            return !acceptsOlderWhenIdle && _keypairs.Forbids(publicKey, timestamp) ? ReceiveVerdict.TimestampReplayed : ReceiveVerdict.InitiationAnswered;
        ref var peer = ref _peers[slot];
        var acceptsOlder = acceptsOlderWhenIdle
            && peer.Current == SessionTable.None
            && timestamp != peer.Timestamp;
        if (timestamp <= peer.Timestamp && !acceptsOlder)
            return ReceiveVerdict.TimestampReplayed;
        return now - peer.LastInitiation < WireGuardSpecification.InitiationInterval ? ReceiveVerdict.InitiationFlood : ReceiveVerdict.InitiationAnswered;
    }

    /// <summary>
    /// While two keys are honoured, successive unconfirmed attempts alternate between them: one response can be bound to
    /// one key only, and which one the client has shows when it confirms.
    /// </summary>
    private bool TriesPreviousKey(uint slot, PresharedKey presharedKey, TimeSpan now)
    {
        if (presharedKey.Previous is null || now >= presharedKey.PreviousUntil || slot == PeerTable.None)
            return false;
        ref var peer = ref _peers[slot];
        return peer.Next != SessionTable.None ? !peer.TriedPreviousKey : peer.ConfirmedPreviousKey;
    }

    /// <summary>After a change of the configuration: may this peer stay, and under which name?</summary>
    private void Reconsider(uint slot, Tunnel before)
    {
        ref var peer = ref _peers[slot];
        var tunnel = _tunnels[peer.Tunnel];
        var namedPeer = tunnel?.FindNamedPeer(peer.PublicKey) ?? AllowedIPs.NoPeer;
        var lostItsName = peer.NamedPeer != AllowedIPs.NoPeer && namedPeer == AllowedIPs.NoPeer;
        if (tunnel is null || lostItsName || (namedPeer == AllowedIPs.NoPeer && !tunnel.AllowUnknownPeers))
        {
            _keypairs.Remove(slot);
            return;
        }

        _peers.Rename(slot, namedPeer);
        if (!HaveSameIdentities(tunnel, before))
            peer.StaticSharedIdentity = 0;
    }

    private static bool HaveSameIdentities(Tunnel left, Tunnel right)
    {
        if (left.Identities.Length != right.Identities.Length)
            return false;
        for (var i = 0; i < left.Identities.Length; i++)
        {
            if (!left.Identities[i].PublicKey.SequenceEqual(right.Identities[i].PublicKey))
                return false;
        }

        return true;
    }
}
