using UdpGateway.Gateway.InnerPackets;
using UdpGateway.Gateway.Observability;
using UdpGateway.Gateway.Replies;
using UdpGateway.Gateway.Workers;
using UdpGateway.WireGuard;

namespace UdpGateway.Gateway.PacketSources;

/// <summary>Sends pushed packets from a listener's port: through the worker that has the client's session, or for plain UDP through any.</summary>
internal static class PushSender
{
    /// <summary>Packets between two turns of a worker, so that its sockets do not wait long.</summary>
    private const int PacketsPerTurn = 256;

    /// <returns>The packets whose clients have no session here.</returns>
    public static async Task<IReadOnlyList<PushedPacket>> SendAsync(IReadOnlyList<WorkerListener> ports, IReadOnlyList<PushedPacket> packets)
    {
        var left = packets;
        foreach (var port in ports)
        {
            var declined = new List<PushedPacket>();
            foreach (var turn in left.Chunk(PacketsPerTurn))
                await port.Worker.InvokeAsync(() => Send(port, turn, declined));
            left = declined;
        }

        return left;
    }

    private static void Send(WorkerListener port, PushedPacket[] packets, List<PushedPacket> declined)
    {
        if (port.IsClosed)
        {
            declined.AddRange(packets);
            return;
        }

        foreach (var packet in packets)
        {
            var verdict = port.Engine is null ? SendDatagram(port, packet) : SendThroughTunnel(port, port.Engine, packet);
            if (verdict is null)
                port.Counters.PacketsPushed++;
            else if (verdict == DropReason.NoSession)
                declined.Add(packet);
            else
                port.Counters.Drop(verdict.Value);
        }
    }

    private static DropReason? SendDatagram(WorkerListener port, PushedPacket packet)
    {
        // Of an address of the other family the socket would take a part for the whole.
        if (packet.Remote is not { } target || (!target.IsIPv4 && port.Socket.LocalEndPoint.AddressFamily != System.Net.Sockets.AddressFamily.InterNetworkV6))
            return DropReason.PushMalformed;
        // Who may not send is no client; the port must not become a way to reach anything else.
        if (port.AllowedClients.Check(target) is DropReason.SourceNotAllowed)
            return DropReason.SourceNotAllowed;
        return port.Worker.Send(port, new ReplyRoute(ReplyForm.Datagram, target, default, 0, default), packet.Payload);
    }

    private static DropReason? SendThroughTunnel(WorkerListener port, WireGuardEngine engine, PushedPacket packet)
    {
        // A key that has no session here is not made up for by its address: another client may have that now.
        PeerId peer;
        if (packet.PeerKey is { } key ? !engine.TryFindPeer(key, out peer) : !engine.TryFindPeer(packet.Remote ?? default, port.Worker.Clock.Now, out peer))
            return DropReason.NoSession;
        var form = !port.Decapsulates ? ReplyForm.TunnelVerbatim : packet.Inner is null ? ReplyForm.TunnelRaw : ReplyForm.TunnelUdp;
        return port.Worker.Send(port, new ReplyRoute(form, packet.Remote ?? default, peer, port.EngineGeneration, packet.Inner ?? default(InnerFlow)), packet.Payload);
    }
}
