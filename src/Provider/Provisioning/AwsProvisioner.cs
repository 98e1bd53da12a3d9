using UdpGateway.Aws;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;

namespace UdpGateway.Provider;

/// <summary>
/// Listeners on AWS: a port of a fleet, a target group and a listener of its balancer, and tasks that register themselves. Names follow
/// from the record, and every step looks first, so that any number of events, one after the other or at once, come to the same end.
/// </summary>
internal sealed class AwsProvisioner : IListenerProvisioner
{
    // A port that a listener just gave back may be bound for a moment more.
    private const int FailuresBeforeGivingUp = 5;

    private readonly IListenerStore _store;
    private readonly IFleetStore _fleetStore;
    private readonly IElasticLoadBalancingV2 _balancing;
    private readonly ListenerBalancing _listeners;
    private readonly FleetPorts _ports;
    private readonly RepeatedSteps _steps;

    /// <param name="pause">Between two looks at what AWS and the tasks say.</param>
    public AwsProvisioner(IListenerStore store, IFleetStore fleetStore, IEcs ecs, IElasticLoadBalancingV2 balancing, IEc2 ec2, FleetServiceOptions options, TimeSpan pause)
    {
        _store = store;
        _fleetStore = fleetStore;
        _balancing = balancing;
        _listeners = new ListenerBalancing(balancing, ec2, options.TableName);
        _ports = new FleetPorts(fleetStore, balancing);
        _steps = new RepeatedSteps(options.Time, pause);
        Fleets = new FleetService(ecs, balancing, _listeners, store, _steps, options);
    }

    public FleetService Fleets { get; }

    public async Task RequireRoomAsync(string physicalResourceId, ListenerDefinition definition, CancellationToken cancellationToken)
    {
        var fleet = await FindUsableFleetAsync(definition.Fleet, cancellationToken);
        await _steps.UntilDoneAsync(
            async token =>
            {
                await _ports.RequireRoomAsync(fleet, physicalResourceId, definition.Port, token);
                return null;
            },
            cancellationToken);
    }

    public async Task<ListenerPorts> AllocatePortAsync(string physicalResourceId, string logicalResourceId, ListenerDefinition definition, CancellationToken cancellationToken)
    {
        var fleet = await FindUsableFleetAsync(definition.Fleet, cancellationToken);
        ListenerPorts ports = default;
        await _steps.UntilDoneAsync(
            async token =>
            {
                ports = await _ports.AllocateAsync(fleet, physicalResourceId, definition.Port, token);
                return null;
            },
            cancellationToken);
        return ports;
    }

    public async Task WaitUntilServedAsync(ListenerRecord record, CancellationToken cancellationToken)
    {
        string? group = null;
        var failures = 0;
        try
        {
            await _steps.UntilDoneAsync(
                async token =>
                {
                    if (!await IsStoredAsync(record, token))
                        throw new ProvisioningException($"The listener {record.PhysicalResourceId} was deleted in the meantime.");
                    var fleet = await FindFleetAsync(record.Definition.Fleet, token) ?? throw Unknown(record.Definition.Fleet);
                    group ??= await _listeners.EnsureAsync(fleet, record, token);
                    // Again and again: the deletion of the last other listener may come between.
                    if (await Fleets.ScaleAsync(fleet, token) is not { } service)
                        return $"The fleet {fleet.PhysicalResourceId} has no service yet.";
                    var missing = await FindMissingAsync(fleet, record, group, service, token);
                    if (missing?.Failure is { } failure && ++failures >= FailuresBeforeGivingUp)
                        throw new ProvisioningException(failure);
                    return missing?.Sentence;
                },
                cancellationToken);
        }
        catch (ProvisioningException)
        {
            await ReleaseDeletedAsync(record, cancellationToken);
            throw;
        }

        await ReleaseDeletedAsync(record, cancellationToken);
    }

    public async Task ReleaseAsync(ListenerRecord record, CancellationToken cancellationToken)
    {
        await _steps.UntilDoneAsync(
            async token =>
            {
                // Without its fleet there is nothing left that could hold anything.
                if (await FindFleetAsync(record.Definition.Fleet, token) is not { } fleet)
                    return null;
                if (await _listeners.RemoveAsync(fleet, record, token) is { } left)
                    return left;
                await _ports.ReleaseAsync(fleet.PhysicalResourceId, record.PhysicalResourceId, token);
                await Fleets.ScaleAsync(fleet, token, except: record.PhysicalResourceId);
                return null;
            },
            cancellationToken);
    }

    public async Task ReleaseDeletedAsync(ListenerRecord record, CancellationToken cancellationToken)
    {
        if (!await IsStoredAsync(record, cancellationToken))
            await ReleaseAsync(record, cancellationToken);
    }

    private static ProvisioningException Unknown(string fleet) => new($"There is no fleet named {fleet}; a Custom::UdpGatewayFleet makes one.");

    private static string NoImage(FleetRecord fleet) =>
        $"The fleet {fleet.PhysicalResourceId} has no gateway image. Publish one from the provider's sources with `templates/publish-image --region REGION`, give the name that it prints to the parameter Image of the stack {StackName(fleet.StackId)}, and deploy that stack again.";

    // arn:aws:cloudformation:region:account:stack/name/guid
    private static string StackName(string stackId) => stackId.Split('/') is [_, var name, _] ? name : stackId;

    private async Task<FleetRecord> FindUsableFleetAsync(string name, CancellationToken cancellationToken)
    {
        var fleet = await FindFleetAsync(name, cancellationToken) ?? throw Unknown(name);
        return fleet.Definition.Image.Length > 0 ? fleet : throw new ProvisioningException(NoImage(fleet));
    }

    private async Task<bool> IsStoredAsync(ListenerRecord record, CancellationToken cancellationToken) =>
        await _store.FindAsync<ListenerRecord>(record.PhysicalResourceId, cancellationToken) is not null;

    private Task<FleetRecord?> FindFleetAsync(string name, CancellationToken cancellationToken) => _store.FindAsync<FleetRecord>(name, cancellationToken);

    /// <summary>What keeps the listener from being served; null when every living task serves it and the balancer has one to send to.</summary>
    private async Task<Missing?> FindMissingAsync(FleetRecord fleet, ListenerRecord record, string group, EcsServiceDescription service, CancellationToken cancellationToken)
    {
        var living = (await _fleetStore.ReadReportsAsync(fleet.PhysicalResourceId, cancellationToken)).Where(report => report.IsLiving).ToArray();
        if (living.Length == 0)
            return new Missing($"No gateway task has reported yet. {await Fleets.FindTroubleAsync(fleet, service, cancellationToken)}");
        if (living.FirstOrDefault(report => report.ServedRevision >= record.Version && report.Failures.ContainsKey(record.PhysicalResourceId)) is { } failing)
            return new Missing($"Task {failing.TaskId}: {failing.Failures[record.PhysicalResourceId]}", failing.Failures[record.PhysicalResourceId]);
        if (living.FirstOrDefault(report => report.ServedRevision < record.Version) is { } behind)
            return new Missing($"Task {behind.TaskId} serves revision {behind.ServedRevision} and not yet {record.Version}.");

        var addresses = living.Select(report => report.Address).ToHashSet(StringComparer.Ordinal);
        var targets = await _balancing.DescribeTargetHealthAsync(group, cancellationToken);
        if (targets.Any(target => target.State == "healthy" && addresses.Contains(target.Target.Address)))
            return null;
        var health = targets.Count == 0
            ? "no task has registered itself."
            : string.Join("; ", targets.Select(target => $"{target.Target.Address} is {target.State}{(target.Reason is { } reason ? $" ({reason})" : "")}")) + ".";
        return new Missing($"The balancer has no healthy target: {health}");
    }

    /// <param name="Failure">A task's own word that it cannot serve the listener.</param>
    private sealed record Missing(string Sentence, string? Failure = null);
}
