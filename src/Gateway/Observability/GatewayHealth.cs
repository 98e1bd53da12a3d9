using UdpGateway.Gateway.Workers;
using UdpGateway.Listeners;

namespace UdpGateway.Gateway.Observability;

/// <summary>What the admin endpoint says of the gateway. Reads only; any thread.</summary>
internal sealed class GatewayHealth(GatewayOptions options, ConfigurationFollower follower, IReadOnlyList<Worker> workers)
{
    private volatile bool _draining;
    private volatile bool _confirmed;

    /// <summary>False when a worker has died: only a restart helps.</summary>
    public bool IsLive => workers.All(worker => worker.IsAlive);

    /// <summary>The configuration was read once, and the gateway does not stop.</summary>
    public bool IsReady => IsLive && !_draining && follower.ServedRevision >= 0;

    /// <summary>
    /// What a container's health check asks. It turns true once and stays so while the gateway lives, also when it drains: false
    /// gets the task stopped.
    /// </summary>
    public bool IsHealthy => IsLive && follower.ServedRevision >= 0 && (_confirmed || !options.WaitsForBalancer);

    public void ConfirmHealthy() => _confirmed = true;

    public void BeginDraining() => _draining = true;

    /// <param name="listener">Physical resource id.</param>
    public bool IsServed(string listener) => IsReady && follower.Hosts.Any(host => host.Name == listener);

    /// <summary>What is served, without keys, roles or the names of secrets.</summary>
    public object Describe() => new
    {
        options.Region,
        options.Domain,
        BindAddress = options.BindAddress.ToString(),
        options.Workers,
        Revision = follower.ServedRevision,
        Listeners = follower.Hosts.OrderBy(host => host.Name, StringComparer.Ordinal).Select(Describe),
        follower.Failures,
    };

    private static object Describe(ListenerHost host)
    {
        var definition = host.Record.Definition;
        return new
        {
            host.Name,
            host.Record.Version,
            host.Record.Port,
            Protocol = definition.Protocol == ListenerProtocol.WireGuard ? "wg" : "udp",
            host.Record.WireGuardPublicKey,
            AllowedNetworks = definition.AllowedNetworks.Select(network => network.ToString()),
            definition.AllowedDomains,
            definition.AllowUnknownPeers,
            UnknownPeerPreSharedKey = Redact(definition.UnknownPeerPreSharedKey),
            definition.DecapsulatedDelivery,
            Peers = definition.Peers.Select(peer => new
            {
                peer.PublicKey,
                AllowedIPs = peer.AllowedIPs.Select(network => network.ToString()),
                SharedSecret = Redact(peer.SharedSecret),
            }),
            Destinations = definition.Destinations.Select(destination => new
            {
                destination.Name,
                destination.Arns,
                Formatter = destination.Formatter.ToString(),
                destination.FilterExpression,
                destination.UseAsyncInvoke,
                destination.UseResponseStreaming,
                destination.Concurrency,
                destination.DeadLetterArn,
                destination.MetricsEnabled,
                destination.LogGroupName,
                destination.Arguments,
                Batching = new { destination.Batching.Count, TimeoutInSeconds = destination.Batching.Timeout.TotalSeconds, destination.Batching.SizeInBytes },
            }),
        };
    }

    private static string? Redact(KeySource? source) => source is null ? null : "(redacted)";
}
