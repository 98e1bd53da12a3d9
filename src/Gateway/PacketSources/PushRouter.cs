using Microsoft.Extensions.Logging;
using UdpGateway.Gateway.Observability;

namespace UdpGateway.Gateway.PacketSources;

/// <summary>
/// Brings the packets of one message to their clients: through this task's own sessions, else once through the fleet's other tasks.
/// What cannot be sent is counted and logged with its reason.
/// </summary>
internal sealed partial class PushRouter(ConfigurationFollower follower, ILogger<PushRouter> logger)
{
    private readonly LogGate _malformedLog = new();
    private readonly LogGate _undeliverableLog = new();

    /// <summary>The way to the other tasks; null when there are none.</summary>
    public FleetRelay? Relay { get; set; }

    /// <summary>Returns when every packet was handed to the kernel or counted as dropped.</summary>
    public async Task PushAsync(string listenerName, string message, CancellationToken cancellationToken)
    {
        var document = PushReader.Read(message);
        if (document.Malformed > 0)
        {
            Count(listenerName, DropReason.PushMalformed, document.Malformed);
            if (_malformedLog.TryOpen(out var suppressed))
                Log.Malformed(logger, listenerName, document.Malformed, document.FirstProblem!, suppressed);
        }

        var left = await SendHereAsync(listenerName, document.Packets);
        if (left.Count > 0 && Relay is { } relay)
        {
            var declined = await relay.RelayAsync(listenerName, left, cancellationToken);
            if (HostsOf(listenerName).FirstOrDefault() is { } host)
                host.Ports[0].Counters.CountRelayed(left.Count - declined.Count);
            left = declined;
        }

        if (left.Count == 0)
            return;
        var reason = HostsOf(listenerName).Any() ? DropReason.NoSession : DropReason.ListenerGone;
        Count(listenerName, reason, left.Count);
        if (_undeliverableLog.TryOpen(out var more))
            Log.Undeliverable(logger, listenerName, left.Count, reason.Label(), more);
    }

    /// <summary>Sends what has a session in this task, and returns the rest.</summary>
    public async Task<IReadOnlyList<PushedPacket>> SendHereAsync(string listenerName, IReadOnlyList<PushedPacket> packets)
    {
        var left = packets;
        foreach (var host in HostsOf(listenerName))
        {
            if (left.Count > 0)
                left = await PushSender.SendAsync(host.Ports, left);
        }

        return left;
    }

    /// <summary>Counts what is not sent.</summary>
    public void Count(string listenerName, DropReason reason, long packets) =>
        HostsOf(listenerName).FirstOrDefault()?.Ports[0].Counters.DropReply(reason, packets);

    public bool Serves(string listenerName) => HostsOf(listenerName).Any();

    // During a replacement two generations serve: the newest first.
    private IEnumerable<ListenerHost> HostsOf(string listenerName) =>
        follower.Hosts.Where(host => host.Record.Definition.Name == listenerName && host.Ports.Count > 0).OrderByDescending(host => host.Record.CreatedBySequence);

    private static partial class Log
    {
        [LoggerMessage(1731, LogLevel.Warning, "Listener {Listener}: {Count} packets of a packet source cannot be read: {Problem} ({Suppressed} more such messages since the last line)")]
        public static partial void Malformed(ILogger logger, string listener, int count, string problem, long suppressed);

        [LoggerMessage(1732, LogLevel.Warning, "Listener {Listener}: {Count} packets of a packet source were not sent: {Reason} ({Suppressed} more such messages since the last line)")]
        public static partial void Undeliverable(ILogger logger, string listener, int count, string reason, long suppressed);
    }
}
