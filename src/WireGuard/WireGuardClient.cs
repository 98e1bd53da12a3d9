using System.Security.Cryptography;
using UdpGateway.WireGuard.Crypto;
using UdpGateway.WireGuard.Handshake;
using UdpGateway.WireGuard.Messages;
using UdpGateway.WireGuard.Sessions;

namespace UdpGateway.WireGuard;

/// <summary>
/// The initiator of one tunnel, without sockets or clocks: it drives <c>udpgw send</c>, the load generator and the tests.
/// Timers are those of paper §6. Not thread-safe.
/// </summary>
/// <remarks>After every call the caller takes datagrams with <see cref="TryTakeDatagram"/> until it says false.</remarks>
public sealed class WireGuardClient : IDisposable
{
    /// <summary>Payloads that wait for a session; the oldest gives way.</summary>
    private const int MaxStaged = 128;

    private const int MaximumTransmissionUnit = 1420;

    /// <summary>Retransmissions before the client gives up: REKEY_ATTEMPT_TIME / REKEY_TIMEOUT.</summary>
    private static readonly int MaxAttempts = (int)(WireGuardSpecification.RekeyAttemptTime / WireGuardSpecification.RekeyTimeout);

    /// <summary>A rekey because of received data starts this early, so that it is done before the session expires (§6.2).</summary>
    private static readonly TimeSpan RekeyAfterTimeReceiving =
        WireGuardSpecification.RejectAfterTime - WireGuardSpecification.KeepaliveTimeout - WireGuardSpecification.RekeyTimeout;

    private readonly ICryptoBackend _crypto;
    private readonly RandomFill _random;
    private readonly X25519Key _static;
    private readonly byte[] _publicKey = new byte[WireGuardSpecification.KeySize];
    private readonly byte[] _serverPublicKey;
    private readonly byte[] _cookieKey = new byte[WireGuardSpecification.HashSize];
    private readonly SecretKey? _presharedKey;
    private readonly TimeSpan _persistentKeepalive;
    private readonly NativeSlab<Session> _sessions = new(2);
    private readonly ReplayRings _rings = new(2);
    private readonly Queue<Staged> _staged = new();
    private readonly Queue<byte[]> _ready = new();
    private readonly byte[] _cookie = GC.AllocateArray<byte>(WireGuardSpecification.MacSize, pinned: true);
    private readonly byte[] _lastMac1 = new byte[WireGuardSpecification.MacSize];

    private InitiatorHandshake? _handshake;
    private uint _handshakeIndex;
    private bool _wantsHandshake;
    private int _attempts;
    private Tai64n _lastTimestamp;
    private TimeSpan _cookieReceived = TimeSpan.MinValue;
    private bool _hasSentMac1;
    private uint _current = NativeSlab<Session>.None;
    private uint _previous = NativeSlab<Session>.None;
    private bool _rekeyedOnReceive;

    private TimeSpan _retransmitDue = TimeSpan.MaxValue;
    private TimeSpan _newHandshakeDue = TimeSpan.MaxValue;
    private TimeSpan _keepaliveDue = TimeSpan.MaxValue;
    private TimeSpan _persistentDue = TimeSpan.MaxValue;
    private TimeSpan _zeroKeysDue = TimeSpan.MaxValue;
    private bool _needsAnotherKeepalive;
    private bool _isDisposed;

    /// <param name="serverPublicKey">32 bytes.</param>
    /// <param name="presharedKey">Null for none. Not owned.</param>
    /// <param name="persistentKeepalive">Zero for none.</param>
    public WireGuardClient(
        SecretKey privateKey, ReadOnlySpan<byte> serverPublicKey, SecretKey? presharedKey, ICryptoBackend crypto, RandomFill random, TimeSpan persistentKeepalive = default)
    {
        _crypto = crypto;
        _random = random;
        _static = crypto.ImportPrivateKey(privateKey.Bytes, _publicKey);
        _serverPublicKey = serverPublicKey.ToArray();
        _presharedKey = presharedKey;
        _persistentKeepalive = persistentKeepalive;
        Blake2s.Hash(WireGuardSpecification.LabelCookie, _serverPublicKey, _cookieKey);
    }

    /// <summary>The client's own static key.</summary>
    public ReadOnlySpan<byte> PublicKey => _publicKey;

    /// <summary>A session exists; whether it is still young enough shows when something is sent.</summary>
    public bool IsConnected => _current != NativeSlab<Session>.None;

    /// <summary>Initiations sent so far.</summary>
    public int InitiationsSent { get; private set; }

    /// <summary>Sessions derived so far.</summary>
    public int HandshakesCompleted { get; private set; }

    /// <summary>When <see cref="TryTakeDatagram"/> must next be called; MaxValue for never.</summary>
    public TimeSpan NextDeadline
    {
        get
        {
            var earliest = _retransmitDue;
            foreach (var deadline in (ReadOnlySpan<TimeSpan>)[_newHandshakeDue, _keepaliveDue, _persistentDue, _zeroKeysDue])
                earliest = deadline < earliest ? deadline : earliest;
            return earliest;
        }
    }

    /// <summary>Starts a handshake even if there is nothing to send.</summary>
    public void Connect(TimeSpan now)
    {
        _attempts = 0;
        RequestHandshake(now);
    }

    /// <summary>Seals a payload, or keeps it until a handshake has made a session.</summary>
    /// <param name="pad">For IP packets; raw payloads are sent as they are.</param>
    public void Send(ReadOnlySpan<byte> payload, bool pad, TimeSpan now)
    {
        if (CanSend(now))
        {
            var datagram = new byte[TransportDataMessage.MinimumSize + payload.Length + WireGuardSpecification.PaddingMultiple];
            payload.CopyTo(datagram.AsSpan(TransportDataMessage.HeaderSize));
            if (TrySeal(datagram, payload.Length, pad, now, out var length))
                _ready.Enqueue(datagram[..length]);
            return;
        }

        if (_staged.Count == MaxStaged)
            _staged.Dequeue();
        _staged.Enqueue(new Staged(payload.ToArray(), pad));
        if (_handshake is null && !_wantsHandshake)
            Connect(now);
    }

    /// <summary>
    /// Seals in place without allocating, for load generators: the payload lies behind the first 16 bytes and has room for
    /// padding and tag behind it. False while there is no session.
    /// </summary>
    public bool TrySeal(Span<byte> datagram, int payloadLength, bool pad, TimeSpan now, out int length)
    {
        length = 0;
        if (!CanSend(now))
            return false;
        var padded = pad ? Padding.PaddedLength(payloadLength, MaximumTransmissionUnit) : payloadLength;
        datagram[(TransportDataMessage.HeaderSize + payloadLength)..(TransportDataMessage.HeaderSize + padded)].Clear();
        ref var session = ref _sessions[_current];
        length = session.Seal(_crypto, datagram, padded);
        if (payloadLength > 0 && _newHandshakeDue == TimeSpan.MaxValue)
            _newHandshakeDue = now + WireGuardSpecification.KeepaliveTimeout + WireGuardSpecification.RekeyTimeout + Jitter();
        _keepaliveDue = TimeSpan.MaxValue;
        _needsAnotherKeepalive = false;
        AnyAuthenticatedPacket(now);
        if (session.SendingCounter > WireGuardSpecification.RekeyAfterMessages || now - session.Birth >= WireGuardSpecification.RekeyAfterTime)
            Rekey(now);
        return true;
    }

    /// <summary>Handles one datagram of the server, decrypting it in place; true with a payload.</summary>
    /// <param name="payloadLength">Bytes from <paramref name="payloadOffset"/>, padding included: trimming is the inner packet's business.</param>
    public bool Receive(Span<byte> datagram, TimeSpan now, out int payloadOffset, out int payloadLength)
    {
        payloadOffset = TransportDataMessage.HeaderSize;
        payloadLength = 0;
        if (!WireGuardMessage.TryClassify(datagram, out var type))
            return false;
        switch (type)
        {
            case WireGuardMessageType.HandshakeResponse:
                ReceiveResponse(new HandshakeResponseMessage(datagram), now);
                return false;
            case WireGuardMessageType.CookieReply:
                ReceiveCookie(new CookieReplyMessage(datagram), now);
                return false;
            case WireGuardMessageType.TransportData:
                return ReceiveTransportData(datagram, now, out payloadLength);
            default:
                return false;
        }
    }

    /// <summary>Runs due timers and takes the next datagram to send: initiation, data or keepalive.</summary>
    /// <param name="wallClock">The time that an initiation's timestamp tells.</param>
    public bool TryTakeDatagram(TimeSpan now, DateTimeOffset wallClock, Span<byte> datagram, out int length)
    {
        RunTimers(now);
        if (_wantsHandshake)
        {
            _wantsHandshake = false;
            if (TryCreateInitiation(now, wallClock, datagram, out length))
                return true;
        }

        length = 0;
        if (!_ready.TryDequeue(out var ready))
            return false;
        ready.CopyTo(datagram);
        length = ready.Length;
        return true;
    }

    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        _handshake?.Dispose();
        EndSession(ref _current);
        EndSession(ref _previous);
        _sessions.Dispose();
        _rings.Dispose();
        _crypto.Release(_static);
        CryptographicOperations.ZeroMemory(_cookie);
    }

    /// <summary>Only for tests of the counter's end.</summary>
    internal void SetSendingCounter(ulong counter) => _sessions[_current].SetSendingCounter(counter);

    private bool CanSend(TimeSpan now) => _current != NativeSlab<Session>.None && _sessions[_current].CanSend(now);

    private bool TryCreateInitiation(TimeSpan now, DateTimeOffset wallClock, Span<byte> datagram, out int length)
    {
        length = HandshakeInitiationMessage.Size;
        var message = new HandshakeInitiationMessage(datagram);
        Span<byte> index = stackalloc byte[sizeof(uint)];
        _random(index);
        _handshakeIndex = BitConverter.ToUInt32(index);
        var timestamp = Tai64n.From(wallClock);
        if (timestamp <= _lastTimestamp)
            timestamp = _lastTimestamp.NextDistinguishable();
        _handshake?.Dispose();
        _handshake = InitiatorHandshake.Create(_crypto, _static, _publicKey, _serverPublicKey, message, _handshakeIndex, timestamp, _random);
        if (_handshake is null)
            return false;
        _lastTimestamp = timestamp;
        message.Mac1.CopyTo(_lastMac1);
        _hasSentMac1 = true;
        if (_cookieReceived != TimeSpan.MinValue && now - _cookieReceived < WireGuardSpecification.CookieSecretMaxAge - WireGuardSpecification.CookieSecretLatency)
            Blake2s.Mac(_cookie, message.CoveredByMac2, message.Mac2);
        _retransmitDue = now + WireGuardSpecification.RekeyTimeout + Jitter();
        InitiationsSent++;
        AnyAuthenticatedPacket(now);
        return true;
    }

    private void ReceiveResponse(HandshakeResponseMessage message, TimeSpan now)
    {
        if (_handshake is null || message.ReceiverIndex != _handshakeIndex)
            return;
        Span<byte> mac1 = stackalloc byte[WireGuardSpecification.MacSize];
        Span<byte> mac1Key = stackalloc byte[WireGuardSpecification.HashSize];
        Blake2s.Hash(WireGuardSpecification.LabelMac1, _publicKey, mac1Key);
        Blake2s.Mac(mac1Key, message.CoveredByMac1, mac1);
        if (!CryptographicOperations.FixedTimeEquals(mac1, message.Mac1))
            return;

        Span<byte> sendingKey = stackalloc byte[WireGuardSpecification.KeySize];
        Span<byte> receivingKey = stackalloc byte[WireGuardSpecification.KeySize];
        Span<byte> zeroKey = stackalloc byte[WireGuardSpecification.KeySize];
        zeroKey.Clear();
        if (!_handshake.TryConsumeResponse(message, _presharedKey is null ? zeroKey : _presharedKey.Bytes, sendingKey, receivingKey))
            return;

        _handshake.Dispose();
        _handshake = null;
        EndSession(ref _previous);
        _previous = _current;
        if (!_sessions.TryTake(out _current))
            throw new InvalidOperationException("A client has at most two sessions.");
        ref var session = ref _sessions[_current];
        session.Start(_handshakeIndex, message.SenderIndex, 0, now);
        sendingKey.CopyTo(session.SendingKey);
        receivingKey.CopyTo(session.ReceivingKey);
        CryptographicOperations.ZeroMemory(sendingKey);
        CryptographicOperations.ZeroMemory(receivingKey);

        HandshakesCompleted++;
        _attempts = 0;
        _rekeyedOnReceive = false;
        _retransmitDue = TimeSpan.MaxValue;
        _zeroKeysDue = now + WireGuardSpecification.RejectAfterTime * 3;
        AuthenticatedPacketReceived(now);
        // Only a transport packet confirms the session, so one goes out even when nothing is staged.
        if (_staged.Count == 0)
            SendKeepalive(now);
        while (_staged.TryDequeue(out var staged))
            Send(staged.Payload, staged.Pad, now);
    }

    /// <summary>Accepted only for a message that we sent and only once for each; it says nothing about the endpoint (§5.4.7).</summary>
    private void ReceiveCookie(CookieReplyMessage message, TimeSpan now)
    {
        if (!_hasSentMac1 || message.ReceiverIndex != _handshakeIndex)
            return;
        Span<byte> cookie = stackalloc byte[WireGuardSpecification.MacSize];
        if (!XChaCha20Poly1305.TryOpen(_crypto, _cookieKey, message.Nonce, message.EncryptedCookie, _lastMac1, cookie))
            return;
        cookie.CopyTo(_cookie);
        _cookieReceived = now;
        _hasSentMac1 = false;
    }

    private bool ReceiveTransportData(Span<byte> datagram, TimeSpan now, out int payloadLength)
    {
        payloadLength = 0;
        var slot = FindSession(new TransportDataMessage(datagram).ReceiverIndex);
        if (slot == NativeSlab<Session>.None)
            return false;
        ref var session = ref _sessions[slot];
        var verdict = session.TryOpen(_crypto, _rings, datagram, now);
        if (verdict > ReceiveVerdict.Keepalive)
            return false;
        AuthenticatedPacketReceived(now);
        if (slot == _current && !_rekeyedOnReceive && now - session.Birth >= RekeyAfterTimeReceiving)
        {
            _rekeyedOnReceive = true;
            Rekey(now);
        }

        if (verdict == ReceiveVerdict.Keepalive)
            return false;
        if (_keepaliveDue == TimeSpan.MaxValue)
            _keepaliveDue = now + WireGuardSpecification.KeepaliveTimeout;
        else
            _needsAnotherKeepalive = true;
        payloadLength = datagram.Length - TransportDataMessage.MinimumSize;
        return true;
    }

    private uint FindSession(uint index)
    {
        if (_current != NativeSlab<Session>.None && _sessions[_current].LocalIndex == index)
            return _current;
        return _previous != NativeSlab<Session>.None && _sessions[_previous].LocalIndex == index ? _previous : NativeSlab<Session>.None;
    }

    private void AuthenticatedPacketReceived(TimeSpan now)
    {
        _newHandshakeDue = TimeSpan.MaxValue;
        AnyAuthenticatedPacket(now);
    }

    private void AnyAuthenticatedPacket(TimeSpan now)
    {
        if (_persistentKeepalive > TimeSpan.Zero)
            _persistentDue = now + _persistentKeepalive;
    }

    private void Rekey(TimeSpan now)
    {
        if (_handshake is null)
            Connect(now);
    }

    /// <summary>At most one initiation per REKEY_TIMEOUT; a request within it is served by the retransmission.</summary>
    private void RequestHandshake(TimeSpan now)
    {
        if (_handshake is null || now >= _retransmitDue)
            _wantsHandshake = true;
    }

    private void RunTimers(TimeSpan now)
    {
        if (now >= _retransmitDue)
        {
            _retransmitDue = TimeSpan.MaxValue;
            if (++_attempts > MaxAttempts)
            {
                _handshake?.Dispose();
                _handshake = null;
                _staged.Clear();
            }
            else
            {
                _wantsHandshake = true;
            }
        }

        if (now >= _newHandshakeDue)
        {
            _newHandshakeDue = TimeSpan.MaxValue;
            Rekey(now);
        }

        if (now >= _keepaliveDue)
        {
            var another = _needsAnotherKeepalive;
            _keepaliveDue = TimeSpan.MaxValue;
            SendKeepalive(now);
            if (another)
                _keepaliveDue = now + WireGuardSpecification.KeepaliveTimeout;
        }

        if (now >= _persistentDue)
        {
            _persistentDue = now + _persistentKeepalive;
            SendKeepalive(now);
        }

        if (now >= _zeroKeysDue)
        {
            _zeroKeysDue = TimeSpan.MaxValue;
            EndSession(ref _current);
            EndSession(ref _previous);
        }
    }

    private void SendKeepalive(TimeSpan now)
    {
        if (CanSend(now))
            Send([], pad: false, now);
        else if (_handshake is null)
            Connect(now);
    }

    private TimeSpan Jitter()
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        _random(bytes);
        return WireGuardSpecification.RekeyTimeoutJitter * (BitConverter.ToUInt32(bytes) / (double)uint.MaxValue);
    }

    private void EndSession(ref uint slot)
    {
        if (slot == NativeSlab<Session>.None)
            return;
        _sessions[slot].Release(_rings);
        _sessions.Free(slot);
        slot = NativeSlab<Session>.None;
    }

    private readonly record struct Staged(byte[] Payload, bool Pad);
}
