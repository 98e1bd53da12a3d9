using UdpGateway.Listeners.Storage;

namespace UdpGateway.Gateway.Fleets;

/// <summary>Where the fleet's other tasks take packets for their sessions, as their heartbeats told last. Any thread.</summary>
/// <param name="relayPort">TCP port, the same for all tasks of a fleet.</param>
internal sealed class FleetPeers(int relayPort)
{
    // Replaced whole.
    private volatile IReadOnlyList<Uri> _others = [];

    public IReadOnlyList<Uri> Others => _others;

    /// <param name="ownTaskId">Who asks itself would ask in vain.</param>
    public void Follow(IEnumerable<GatewayTaskReport> reports, string ownTaskId) =>
        // A task that drains still has its sessions.
        _others = [.. reports.Where(report => report.TaskId != ownTaskId && report.Age <= GatewayTaskReport.LivingAge).Select(report => new Uri($"http://{report.Address}:{relayPort}"))];
}
