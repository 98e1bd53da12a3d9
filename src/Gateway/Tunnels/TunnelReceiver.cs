using UdpGateway.Gateway.Observability;
using UdpGateway.WireGuard;

namespace UdpGateway.Gateway.Tunnels;

/// <summary>Calls the engine, and speaks of its drops in the gateway's reasons.</summary>
internal static class TunnelReceiver
{
    private const byte HandshakeInitiation = 1; // paper §5.4.2

    /// <summary>As the engine does; what a handshake cost is reported to it, so that it can limit their share of time.</summary>
    public static ReceiveResult Receive(WireGuardEngine engine, GatewayClock clock, Span<byte> datagram, in PeerEndpoint source, TimeSpan now, Span<byte> reply)
    {
        if (datagram.IsEmpty || datagram[0] != HandshakeInitiation)
            return engine.Receive(datagram, source, now, reply);
        var began = clock.Now;
        var result = engine.Receive(datagram, source, now, reply);
        engine.AccountHandshake(clock.Now - began, now);
        return result;
    }

    /// <summary>The reason of the same name.</summary>
    public static DropReason ToDropReason(ReceiveVerdict verdict) => verdict switch
    {
        ReceiveVerdict.UnexpectedType => DropReason.UnexpectedType,
        ReceiveVerdict.Mac1Invalid => DropReason.Mac1Invalid,
        ReceiveVerdict.RateLimited => DropReason.RateLimited,
        ReceiveVerdict.HandshakeBudgetExhausted => DropReason.HandshakeBudgetExhausted,
        ReceiveVerdict.LowOrderPoint => DropReason.LowOrderPoint,
        ReceiveVerdict.StaticKeyNotAuthentic => DropReason.StaticKeyNotAuthentic,
        ReceiveVerdict.UnknownPeer => DropReason.UnknownPeer,
        ReceiveVerdict.PresharedKeyUnavailable => DropReason.PresharedKeyUnavailable,
        ReceiveVerdict.TimestampNotAuthentic => DropReason.TimestampNotAuthentic,
        ReceiveVerdict.TimestampReplayed => DropReason.TimestampReplayed,
        ReceiveVerdict.InitiationFlood => DropReason.InitiationFlood,
        ReceiveVerdict.HalfOpenLimit => DropReason.HalfOpenLimit,
        ReceiveVerdict.PeerLimit => DropReason.PeerLimit,
        ReceiveVerdict.UnknownIndex => DropReason.UnknownIndex,
        ReceiveVerdict.SessionExpired => DropReason.SessionExpired,
        ReceiveVerdict.NotAuthentic => DropReason.NotAuthentic,
        ReceiveVerdict.Replayed => DropReason.Replayed,
        ReceiveVerdict.InnerSourceNotAllowed => DropReason.InnerSourceNotAllowed,
        ReceiveVerdict.RawNotAllowed => DropReason.RawNotAllowed,
        _ => DropReason.Malformed,
    };
}
