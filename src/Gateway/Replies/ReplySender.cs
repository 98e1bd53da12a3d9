using UdpGateway.Gateway.InnerPackets;
using UdpGateway.Gateway.Observability;
using UdpGateway.Gateway.Sockets;
using UdpGateway.Gateway.Workers;
using UdpGateway.WireGuard;

namespace UdpGateway.Gateway.Replies;

/// <summary>Step 8 of the packet path: one reply becomes one datagram, sealed in the order in which it is sent.</summary>
internal sealed class ReplySender(SendQueue sendQueue)
{
    /// <summary>65,535 without the headers of UDP and IPv4.</summary>
    private const int MaxDatagram = 65_507;

    /// <summary>Returns why nothing was sent, or null.</summary>
    public DropReason? Send(WorkerListener listener, in ReplyRoute route, ReadOnlySpan<byte> payload, TimeSpan now)
    {
        if (listener.IsClosed)
            return DropReason.ListenerGone;
        if (!route.IsTunnel)
            return SendDatagram(listener, route.Endpoint, payload);
        // A listener that changed its protocol, or got a new engine, no longer knows the peers of the old one.
        return listener.Engine is { } engine && listener.EngineGeneration == route.EngineGeneration
            ? SendThroughTunnel(listener, engine, route, payload, now)
            : DropReason.NoSession;
    }

    private DropReason? SendDatagram(WorkerListener listener, in PeerEndpoint target, ReadOnlySpan<byte> payload)
    {
        if (payload.Length > MaxDatagram)
            return DropReason.ReplyTooLong;
        payload.CopyTo(sendQueue.Next(listener.Socket, listener.Counters));
        sendQueue.Commit(payload.Length, target);
        return null;
    }

    private DropReason? SendThroughTunnel(WorkerListener listener, WireGuardEngine engine, in ReplyRoute route, ReadOnlySpan<byte> payload, TimeSpan now)
    {
        var headerSize = route.Form == ReplyForm.TunnelUdp ? route.Inner.HeaderSize : 0;
        var length = headerSize + payload.Length;
        if (WireGuardEngine.HeaderSize + length + WireGuardEngine.TagSize > MaxDatagram)
            return DropReason.ReplyTooLong;

        var datagram = sendQueue.Next(listener.Socket, listener.Counters);
        var packet = datagram.Slice(WireGuardEngine.HeaderSize, length);
        payload.CopyTo(packet[headerSize..]);
        if (route.Form == ReplyForm.TunnelUdp)
            InnerDatagram.WriteReplyHeaders(packet, route.Inner);

        var pad = route.Form != ReplyForm.TunnelRaw && InnerDatagram.IsIPPacket(packet);
        var result = engine.Seal(route.Peer, datagram, length, pad, now);
        switch (result.Verdict)
        {
            case SealVerdict.Sealed:
                sendQueue.Commit(result.Length, result.Endpoint);
                return null;
            case SealVerdict.TooLong:
                return DropReason.ReplyTooLong;
            default:
                return DropReason.NoSession;
        }
    }
}
