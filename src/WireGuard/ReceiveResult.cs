namespace UdpGateway.WireGuard;

/// <summary>What one datagram came to. Everything from <see cref="Malformed"/> on is a drop: nothing may be sent for it.</summary>
public enum ReceiveVerdict : byte
{
    /// <summary>An authenticated payload for the destination.</summary>
    Data,

    /// <summary>An authenticated empty payload (paper §6.5).</summary>
    Keepalive,

    /// <summary>A valid initiation; the response is in the reply buffer.</summary>
    InitiationAnswered,

    /// <summary>Under load without a valid mac2; the cookie reply is in the reply buffer (paper §5.4.7).</summary>
    CookieReplied,

    /// <summary>All state of this peer or session lives in another worker: hand the datagram over.</summary>
    BelongsToOtherWorker,

    /// <summary>Unknown type, non-zero reserved bytes, or a length that the type does not have.</summary>
    Malformed,

    /// <summary>A response or cookie reply: a gateway never initiates.</summary>
    UnexpectedType,

    /// <summary>mac1 belongs to no identity of this port.</summary>
    Mac1Invalid,

    /// <summary>The source exceeds its handshake rate under load.</summary>
    RateLimited,

    /// <summary>The share of time for handshakes is used up.</summary>
    HandshakeBudgetExhausted,

    /// <summary>A DH result is all zero (RFC 7748 §6.1).</summary>
    LowOrderPoint,

    /// <summary>The encrypted static key of an initiation does not open.</summary>
    StaticKeyNotAuthentic,

    /// <summary>The static key is no named peer, and unknown peers are refused.</summary>
    UnknownPeer,

    /// <summary>The pre-shared key of this peer is a reference that cannot be read now.</summary>
    PresharedKeyUnavailable,

    /// <summary>The encrypted timestamp of an initiation does not open.</summary>
    TimestampNotAuthentic,

    /// <summary>The timestamp is not greater than the greatest seen from this key (paper §5.1).</summary>
    TimestampReplayed,

    /// <summary>Another initiation of this key within 20 ms.</summary>
    InitiationFlood,

    /// <summary>No room for another half-open handshake.</summary>
    HalfOpenLimit,

    /// <summary>No room for another confirmed peer.</summary>
    PeerLimit,

    /// <summary>No session has the receiver index.</summary>
    UnknownIndex,

    /// <summary>The session is older than REJECT_AFTER_TIME or its counter is used up.</summary>
    SessionExpired,

    /// <summary>The payload does not open.</summary>
    NotAuthentic,

    /// <summary>The counter was seen before or is behind the replay window.</summary>
    Replayed,

    /// <summary>The inner source belongs to another peer or to none that may send it.</summary>
    InnerSourceNotAllowed,

    /// <summary>The payload is no IP packet, and the peer's AllowedIPs are narrower than every address.</summary>
    RawNotAllowed,
}

/// <summary>What an authenticated payload is, judged by its whole header.</summary>
public enum PayloadKind : byte
{
    /// <summary>No valid IP header: passes through untouched and unpadded.</summary>
    Raw,
    IPv4,
    IPv6,
}

/// <summary>The outcome of <see cref="WireGuardEngine.Receive"/>.</summary>
public readonly struct ReceiveResult
{
    public ReceiveVerdict Verdict { get; init; }

    /// <summary>The peer, for <see cref="ReceiveVerdict.Data"/> and <see cref="ReceiveVerdict.Keepalive"/>.</summary>
    public PeerId Peer { get; init; }

    /// <summary>Where the decrypted payload starts within the datagram.</summary>
    public int PayloadOffset { get; init; }

    /// <summary>Bytes of the payload; the padding behind an IP packet is already cut off.</summary>
    public int PayloadLength { get; init; }

    public PayloadKind PayloadKind { get; init; }

    /// <summary>Bytes of the reply buffer to send back to the source; 0 for none.</summary>
    public int ReplyLength { get; init; }

    /// <summary>This packet proved the peer's keys: its handshake is complete now.</summary>
    public bool HandshakeCompleted { get; init; }

    /// <summary>
    /// For <see cref="ReceiveVerdict.InitiationAnswered"/>: responses to this key in a row, with this one, that no packet has
    /// confirmed. From the third on, a wrong pre-shared key or a lost return path is likely; it is never proof.
    /// </summary>
    public int UnconfirmedResponses { get; init; }

    /// <summary>The owner, for <see cref="ReceiveVerdict.BelongsToOtherWorker"/>.</summary>
    public int Worker { get; init; }

    public bool IsDrop => Verdict >= ReceiveVerdict.Malformed;
}
