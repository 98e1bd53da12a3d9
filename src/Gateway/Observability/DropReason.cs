using System.Text;

namespace UdpGateway.Gateway.Observability;

/// <summary>Why a packet or a reply went no further. The snake_case name is the label of <c>udpgw_drops_total</c>.</summary>
internal enum DropReason
{
    // On the socket.

    /// <summary>The kernel's receive buffer was full (SO_RXQ_OVFL).</summary>
    SocketOverflow,

    /// <summary>The other worker's ring had no room for a datagram that belongs to it.</summary>
    HandoverQueueFull,

    /// <summary>The outer source is in none of the listener's allowed networks and domains.</summary>
    SourceNotAllowed,

    /// <summary>The names that decide on the outer source are still being looked up.</summary>
    SourceUnresolved,

    // In the WireGuard engine; each is the verdict of the same name.

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

    /// <summary>A DH result is all zero.</summary>
    LowOrderPoint,

    /// <summary>The encrypted static key of an initiation does not open.</summary>
    StaticKeyNotAuthentic,

    /// <summary>The static key is no named peer, and unknown peers are refused.</summary>
    UnknownPeer,

    /// <summary>The peer's pre-shared key is a reference that cannot be read now.</summary>
    PresharedKeyUnavailable,

    /// <summary>The encrypted timestamp of an initiation does not open.</summary>
    TimestampNotAuthentic,

    /// <summary>The timestamp is not greater than the greatest seen from this key.</summary>
    TimestampReplayed,

    /// <summary>Another initiation of this key within 20 ms.</summary>
    InitiationFlood,

    /// <summary>No room for another half-open handshake.</summary>
    HalfOpenLimit,

    /// <summary>No room for another confirmed peer.</summary>
    PeerLimit,

    /// <summary>No session has the receiver index.</summary>
    UnknownIndex,

    /// <summary>The session is too old or its counter is used up.</summary>
    SessionExpired,

    /// <summary>The payload does not open.</summary>
    NotAuthentic,

    /// <summary>The counter was seen before or is behind the replay window.</summary>
    Replayed,

    /// <summary>The inner source belongs to another peer or to none that may send it.</summary>
    InnerSourceNotAllowed,

    /// <summary>The payload is no IP packet, and the peer may send only some inner addresses.</summary>
    RawNotAllowed,

    // In the inner packet, with DecapsulatedDelivery.

    /// <summary>The inner packet is neither UDP nor raw.</summary>
    InnerNotUdp,

    /// <summary>The inner packet is a fragment.</summary>
    InnerFragment,

    /// <summary>The inner IP or UDP header contradicts itself, or the UDP checksum is wrong.</summary>
    InnerMalformed,

    // On the way to the destination.

    /// <summary>The destination, or the whole listener, has no ARN for this region.</summary>
    NoDestination,

    /// <summary>The destination does not keep up and its queue is full: the newest packets are dropped.</summary>
    DestinationQueueFull,

    // On the way back.

    /// <summary>The reply's tag is none of its batch.</summary>
    ReplyUnknownTag,

    /// <summary>The destination's answer, or one reply of it, cannot be read.</summary>
    ReplyMalformed,

    /// <summary>The reply does not fit into one datagram.</summary>
    ReplyTooLong,

    /// <summary>The worker's ring had no room for the reply.</summary>
    ReplyQueueFull,

    /// <summary>The peer has no confirmed session, or is gone, by the time of its reply.</summary>
    NoSession,

    /// <summary>The listener was removed while the reply was on its way.</summary>
    ListenerGone,

    /// <summary>A message of a packet source, or one packet of it, cannot be read.</summary>
    PushMalformed,

    /// <summary>A message of a packet source that is not Enabled.</summary>
    SourceDisabled,

    /// <summary>The kernel refused to send the datagram.</summary>
    SendFailed,
}

/// <summary>The label of each reason, made once.</summary>
internal static class DropReasons
{
    public static IReadOnlyList<DropReason> All { get; } = Enum.GetValues<DropReason>();

    public static int Count => All.Count;

    private static readonly string[] Labels = [.. All.Select(reason => ToSnakeCase(reason.ToString()))];

    public static string Label(this DropReason reason) => Labels[(int)reason];

    private static string ToSnakeCase(string name)
    {
        var label = new StringBuilder();
        foreach (var letter in name)
        {
            if (char.IsAsciiLetterUpper(letter) && label.Length > 0)
                label.Append('_');
            label.Append(char.ToLowerInvariant(letter));
        }

        return label.ToString();
    }
}
