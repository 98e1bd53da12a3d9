using UdpGateway.Gateway;
using UdpGateway.Gateway.Destinations;
using UdpGateway.Gateway.Observability;
using UdpGateway.Listeners;

namespace UdpGateway.Cli.Dashboard;

/// <param name="Reason">The label of <c>udpgw_drops_total</c>.</param>
internal sealed record DropStatus(string Reason, long Count);

/// <summary>Batches and packets of one destination so far.</summary>
internal sealed record DestinationStatus(string Name, long Batches, long FunctionErrors, long Failures, long Packets, long Skipped, long Queued);

internal sealed record ListenerStatus(
    string Name,
    string LogicalId,
    string Protocol,
    string Endpoint,
    string? PublicKey,
    long PacketsIn,
    long BytesIn,
    long PacketsOut,
    long BytesOut,
    int Peers,
    int HalfOpenPeers,
    IReadOnlyList<DropStatus> Drops,
    IReadOnlyList<DestinationStatus> Destinations);

/// <param name="Name">A public key, or an address of plain UDP.</param>
/// <param name="LastSeen">Null for a declared peer that was not heard yet.</param>
internal sealed record PeerStatus(string Listener, string Name, string Kind, long Packets, long Bytes, long Replies, string Source, DateTimeOffset? LastSeen);

/// <summary>What counters and packet log say at one moment.</summary>
/// <param name="MedianLatency">Milliseconds from the start of a delivery to its answer, of the newest; null before the first.</param>
/// <param name="Missed">Steps that came too fast to be shown.</param>
/// <param name="Forgotten">Packets that gave way to newer ones.</param>
internal sealed record StackStatus(
    IReadOnlyList<ListenerStatus> Listeners, IReadOnlyList<PeerStatus> Peers, double? MedianLatency, double? HighLatency, long Missed, long Forgotten)
{
    private const int ShownPeers = 100;
    private const double High = 0.99;

    public static StackStatus Read(GatewayHost? gateway, PacketTap tap)
    {
        List<ListenerHost> hosts = [.. (gateway?.Listeners ?? []).OrderBy(host => host.Record.LogicalResourceId, StringComparer.Ordinal)];
        return tap.Log.Look(log =>
        {
            List<TimeSpan> latencies = [.. log.Latencies.Order()];
            return new StackStatus(
                [.. hosts.Select(Describe)],
                [.. Seen(hosts, log).Concat(NotSeen(hosts, log)).Take(ShownPeers)],
                At(latencies, 0.5),
                At(latencies, High),
                tap.Missed,
                log.Forgotten);
        });
    }

    private static double? At(List<TimeSpan> sorted, double share) =>
        sorted.Count == 0 ? null : sorted[Math.Min((int)(sorted.Count * share), sorted.Count - 1)].TotalMilliseconds;

    private static IEnumerable<PeerStatus> Seen(List<ListenerHost> hosts, PacketLog log) =>
        from peer in log.Peers
        orderby peer.LastSeen descending
        let protocol = hosts.Find(host => host.Name == peer.Listener)?.Record.Definition.Protocol
        let kind = protocol == ListenerProtocol.Udp ? "plain" : peer.IsNamed ? "named" : "unknown"
        select new PeerStatus(peer.Listener, peer.Name, kind, peer.Packets, peer.Bytes, peer.Replies, peer.Source, peer.LastSeen);

    private static IEnumerable<PeerStatus> NotSeen(List<ListenerHost> hosts, PacketLog log)
    {
        var seen = log.Peers.Select(peer => (peer.Listener, peer.Name)).ToHashSet();
        return from host in hosts
               from peer in host.Record.Definition.Peers
               where !seen.Contains((host.Name, peer.PublicKey))
               select new PeerStatus(host.Name, peer.PublicKey, "named", 0, 0, 0, "", null);
    }

    private static ListenerStatus Describe(ListenerHost host)
    {
        var workers = host.Ports.Select(port => port.Counters).ToList();
        var definition = host.Record.Definition;
        return new ListenerStatus(
            host.Name,
            host.Record.LogicalResourceId,
            definition.Protocol == ListenerProtocol.WireGuard ? "wg" : "udp",
            host.Ports[0].Socket.LocalEndPoint.ToString(),
            host.Record.WireGuardPublicKey,
            workers.Sum(worker => worker.PacketsReceived),
            workers.Sum(worker => worker.BytesReceived),
            workers.Sum(worker => worker.PacketsSent),
            workers.Sum(worker => worker.BytesSent),
            workers.Sum(worker => worker.ConfirmedPeers),
            workers.Sum(worker => worker.HalfOpenPeers),
            [.. from reason in DropReasons.All
                let count = workers.Sum(worker => worker.Drops(reason))
                where count > 0
                orderby count descending
                select new DropStatus(reason.Label(), count)],
            [.. host.Deliveries.Select(Describe)]);
    }

    private static DestinationStatus Describe(DestinationDelivery delivery)
    {
        var counters = delivery.Counters;
        return new DestinationStatus(
            delivery.Name,
            Enum.GetValues<DeliveryResult>().Sum(counters.Batches),
            counters.Batches(DeliveryResult.FunctionError),
            counters.Batches(DeliveryResult.Failed),
            counters.Packets(DeliveryResult.Delivered),
            Enum.GetValues<SkipReason>().Sum(counters.Skipped),
            delivery.QueuedPackets);
    }
}
