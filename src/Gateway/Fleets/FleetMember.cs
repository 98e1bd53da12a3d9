using Microsoft.Extensions.Logging;
using UdpGateway.Aws;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;

namespace UdpGateway.Gateway.Fleets;

/// <summary>What a task must know about its fleet.</summary>
internal sealed record FleetMembership(string FleetName, string LoadBalancerArn, TaskIdentity Task);

/// <summary>
/// A gateway as a task of a fleet. It keeps its own address in the target groups of the listeners that it serves, so that no listener
/// ever redeploys a task, reports what it serves, which is its heartbeat too, and confirms its health once the balancer has reported it
/// healthy in every one of those groups.
/// </summary>
internal sealed partial class FleetMember(
    FleetMembership membership, IFleetStore store, IElasticLoadBalancingV2 balancing, GatewayHost gateway, FleetPeers? peers, TimeProvider time, ILogger<FleetMember> logger) : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan HeartbeatInterval = TimeSpan.FromSeconds(3);

    // Nothing but this and the provider's sweep touches the groups; should one of the two err, it is made good again.
    private static readonly TimeSpan RegistrationInterval = TimeSpan.FromMinutes(5);

    // By physical resource id.
    private readonly Dictionary<string, Registration> _registered = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _leaving = new();
    private Task _running = Task.CompletedTask;
    private long _reportedAt;
    private GatewayTaskReport? _reported;
    private bool _confirmed;
    private bool _fails;

    public void Start() => _running = Task.Run(() => RunAsync(_leaving.Token));

    /// <summary>Takes the address out of every group and says so; to be called when readiness has begun to fail, before the drain ends.</summary>
    public async Task LeaveAsync(CancellationToken cancellationToken)
    {
        await _leaving.CancelAsync();
        await _running;
        try
        {
            await store.WriteReportAsync(Report(gateway.Served) with { IsDraining = true }, cancellationToken);
            foreach (var id in _registered.Keys.ToArray())
                await DeregisterAsync(id, cancellationToken);
            Log.Left(logger, membership.FleetName);
        }
        catch (Exception fault) when (IsFaultOfAws(fault))
        {
            // The balancer finds out by the failing health check, and the provider's sweep removes what is left.
            Log.Fails(logger, fault);
        }
    }

    /// <summary>The task ends; nothing is left to report.</summary>
    public async Task RemoveReportAsync(CancellationToken cancellationToken)
    {
        try
        {
            await store.RemoveReportAsync(membership.FleetName, membership.Task.TaskId, cancellationToken);
        }
        catch (Exception fault) when (IsFaultOfAws(fault))
        {
            Log.Fails(logger, fault);
        }
    }

    public void Dispose() => _leaving.Dispose();

    private static bool IsFaultOfAws(Exception fault) => fault is AwsServiceException or OperationCanceledException;

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await KeepUpAsync(cancellationToken);
                if (_fails)
                    Log.WorksAgain(logger);
                _fails = false;
                await Task.Delay(Pause, time, cancellationToken);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception fault)
            {
                // Whatever it is, serving goes on, and so does trying.
                if (!_fails)
                    Log.Fails(logger, fault);
                _fails = true;
                await Task.Delay(Pause, time, CancellationToken.None);
            }
        }
    }

    private async Task KeepUpAsync(CancellationToken cancellationToken)
    {
        var served = gateway.Served;
        var report = Report(served);
        if (_reported is null || HasNews(_reported, report) || time.GetElapsedTime(_reportedAt) >= HeartbeatInterval)
        {
            await store.WriteReportAsync(report, cancellationToken);
            (_reported, _reportedAt) = (report, time.GetTimestamp());
            peers?.Follow(await store.ReadReportsAsync(membership.FleetName, cancellationToken), membership.Task.TaskId);
        }

        foreach (var gone in _registered.Keys.Except(served.Listeners.Select(listener => listener.PhysicalResourceId), StringComparer.Ordinal).ToArray())
            await DeregisterAsync(gone, cancellationToken);
        await RegisterAsync(served.Listeners, cancellationToken);
        if (!_confirmed && served.Revision >= 0 && await IsHealthyEverywhereAsync(served.Listeners, cancellationToken))
        {
            gateway.ConfirmHealthy();
            _confirmed = true;
            Log.Confirmed(logger, served.Listeners.Count);
        }
    }

    private async Task RegisterAsync(IReadOnlyCollection<ListenerRecord> listeners, CancellationToken cancellationToken)
    {
        var due = listeners.Where(listener => !_registered.TryGetValue(listener.PhysicalResourceId, out var known) || time.GetElapsedTime(known.At) >= RegistrationInterval).ToArray();
        if (due.Length == 0)
            return;

        // A group that no listener of the balancer forwards to yet is not among them; it will be at one of the next looks.
        var groups = (await balancing.DescribeTargetGroupsOfAsync(membership.LoadBalancerArn, cancellationToken)).ToDictionary(group => group.Name, group => group.Arn, StringComparer.Ordinal);
        foreach (var listener in due)
        {
            if (!groups.TryGetValue(FleetNames.TargetGroup(membership.LoadBalancerArn, listener), out var group))
                continue;
            var target = new TargetAddress(membership.Task.Address, listener.TargetPort ?? listener.Port);
            await balancing.RegisterTargetsAsync(group, [target], cancellationToken);
            if (_registered.TryAdd(listener.PhysicalResourceId, new Registration(group, target, time.GetTimestamp())))
                Log.Registered(logger, target.Address, target.Port, listener.PhysicalResourceId);
            else
                _registered[listener.PhysicalResourceId] = new Registration(group, target, time.GetTimestamp());
        }
    }

    private async Task DeregisterAsync(string listener, CancellationToken cancellationToken)
    {
        var (group, target, _) = _registered[listener];
        await balancing.DeregisterTargetsAsync(group, [target], cancellationToken);
        _registered.Remove(listener);
        Log.Deregistered(logger, target.Address, target.Port, listener);
    }

    private async Task<bool> IsHealthyEverywhereAsync(IReadOnlyCollection<ListenerRecord> listeners, CancellationToken cancellationToken)
    {
        foreach (var listener in listeners)
        {
            if (!_registered.TryGetValue(listener.PhysicalResourceId, out var registration))
                return false;
            var targets = await balancing.DescribeTargetHealthAsync(registration.Group, cancellationToken);
            if (!targets.Any(target => target.Target == registration.Target && target.State == "healthy"))
                return false;
        }

        return true;
    }

    private GatewayTaskReport Report(ServedConfiguration served) => new()
    {
        TaskId = membership.Task.TaskId,
        FleetName = membership.FleetName,
        Address = membership.Task.Address,
        ServedRevision = served.Revision,
        Failures = served.Failures,
    };

    private static bool HasNews(GatewayTaskReport before, GatewayTaskReport now) =>
        before.ServedRevision != now.ServedRevision || before.Failures.Count != now.Failures.Count || now.Failures.Any(failure => before.Failures.GetValueOrDefault(failure.Key) != failure.Value);

    private sealed record Registration(string Group, TargetAddress Target, long At);

    private static partial class Log
    {
        [LoggerMessage(1751, LogLevel.Information, "{Address}:{Port} is registered for {Listener}")]
        public static partial void Registered(ILogger logger, string address, int port, string listener);

        [LoggerMessage(1752, LogLevel.Information, "{Address}:{Port} is deregistered for {Listener}")]
        public static partial void Deregistered(ILogger logger, string address, int port, string listener);

        [LoggerMessage(1753, LogLevel.Information, "The balancer reports this task healthy for all its {Count} listeners")]
        public static partial void Confirmed(ILogger logger, int count);

        [LoggerMessage(1754, LogLevel.Error, "The fleet cannot be told what this task serves; serving goes on")]
        public static partial void Fails(ILogger logger, Exception fault);

        [LoggerMessage(1755, LogLevel.Information, "The fleet can be told again what this task serves")]
        public static partial void WorksAgain(ILogger logger);

        [LoggerMessage(1756, LogLevel.Information, "The task has left the fleet {Fleet}")]
        public static partial void Left(ILogger logger, string fleet);
    }
}
