using Microsoft.Extensions.Logging;
using UdpGateway.Aws;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;

namespace UdpGateway.Provider;

/// <summary>
/// What nobody was left to clean up: addresses and reports of tasks that were killed, at once; and ports, balancer listeners, target groups,
/// rules, queues and secrets without a record, once they have had none for hours. Tasks and events clean up after themselves; this is for those
/// that could not.
/// It also tells of fleets whose listeners nobody serves, since a task that does not run cannot.
/// </summary>
internal sealed partial class FleetSweep(
    IListenerStore store, IFleetStore fleetStore, IEcs ecs, IElasticLoadBalancingV2 balancing, IEc2 ec2, TaggedOrphans tagged, TimeSpan orphanAge, ILogger<FleetSweep> logger)
{
    /// <summary>Longer than any event of CloudFormation lasts, so that nothing that is being made is taken for forgotten.</summary>
    public static readonly TimeSpan UsualOrphanAge = TimeSpan.FromHours(6);

    // Where what belongs to no fleet is noted; a fleet's name has no such character.
    private const string Everywhere = "*";

    /// <summary>Never throws for what AWS answers: the schedule comes again.</summary>
    public async Task RunAsync(FleetEvent cause, CancellationToken cancellationToken)
    {
        var configuration = await store.ReadConfigurationAsync(cancellationToken);
        foreach (var fleet in configuration.Fleets.Where(cause.Concerns))
        {
            var listeners = configuration.Listeners.Count(listener => listener.Definition.Fleet == fleet.PhysicalResourceId);
            if (cause.StoppedTaskId is null && listeners > 0)
                await TryAsync(fleet.PhysicalResourceId, () => TellOfUnservedListenersAsync(fleet, listeners, cancellationToken));
            await TryAsync(fleet.PhysicalResourceId, () => RemoveKilledTasksAsync(fleet, cause.StoppedTaskId, cancellationToken));
        }

        if (cause.StoppedTaskId is null)
            await TryAsync(Everywhere, () => RemoveOrphansAsync(cancellationToken));
    }

    private async Task TryAsync(string fleet, Func<Task> step)
    {
        try
        {
            await step();
        }
        catch (AwsServiceException failure)
        {
            Log.Failed(logger, fleet, failure.Message);
        }
    }

    /// <summary>An alarm counts the line. While a task ends and its successor starts there may be nobody for a moment, so that it takes two in a row.</summary>
    private async Task TellOfUnservedListenersAsync(FleetRecord fleet, int listeners, CancellationToken cancellationToken)
    {
        if (!(await fleetStore.ReadReportsAsync(fleet.PhysicalResourceId, cancellationToken)).Any(report => report.IsLiving))
            Log.NobodyServes(logger, fleet.PhysicalResourceId, listeners);
    }

    /// <summary>
    /// VPCs reuse addresses: one goes only when no task has it that ECS says is not stopped, and none that reported a moment ago, unless ECS says
    /// that this one is.
    /// </summary>
    private async Task RemoveKilledTasksAsync(FleetRecord fleet, string? stoppedTaskId, CancellationToken cancellationToken)
    {
        // In this order: a task that registers after the first look is in the others.
        var groups = await OwnGroupsAsync(fleet, cancellationToken);
        var registered = new List<(string Group, TargetAddress Target)>();
        foreach (var group in groups)
            registered.AddRange((await balancing.DescribeTargetHealthAsync(group.Arn, cancellationToken)).Where(target => target.State != "draining").Select(target => (group.Arn, target.Target)));
        var tasks = await DescribeTasksAsync(fleet, cancellationToken);
        var reports = await fleetStore.ReadReportsAsync(fleet.PhysicalResourceId, cancellationToken);

        var stopped = tasks.Where(task => task.LastStatus == "STOPPED").Select(task => task.Id).Append(stoppedTaskId).ToHashSet(StringComparer.Ordinal);
        var running = tasks.Where(task => !stopped.Contains(task.Id)).ToArray();
        var gone = reports.Where(report => stopped.Contains(report.TaskId) || (report.Age > GatewayTaskReport.LivingAge && running.All(task => task.Id != report.TaskId))).ToArray();
        var alive = running.Select(task => task.Address).Concat(reports.Except(gone).Select(report => report.Address)).ToHashSet(StringComparer.Ordinal);

        foreach (var (group, target) in registered.Where(entry => !alive.Contains(entry.Target.Address)))
        {
            await balancing.DeregisterTargetsAsync(group, [target], cancellationToken);
            Log.AddressRemoved(logger, target.Address, target.Port, fleet.PhysicalResourceId);
        }

        foreach (var report in gone)
        {
            await fleetStore.RemoveReportAsync(fleet.PhysicalResourceId, report.TaskId, cancellationToken);
            Log.ReportRemoved(logger, report.TaskId, fleet.PhysicalResourceId);
        }
    }

    private async Task<IReadOnlyList<EcsTaskDescription>> DescribeTasksAsync(FleetRecord fleet, CancellationToken cancellationToken)
    {
        var (cluster, service) = (fleet.Definition.Cluster, FleetService.ServiceName(fleet));
        // Those that are to stop and still drain are in the second list.
        var running = await ecs.ListTasksAsync(cluster, service, EcsDesiredStatus.Running, cancellationToken);
        var stopping = await ecs.ListTasksAsync(cluster, service, EcsDesiredStatus.Stopped, cancellationToken);
        return await ecs.DescribeTasksAsync(cluster, [.. running.Union(stopping, StringComparer.Ordinal)], cancellationToken);
    }

    private async Task RemoveOrphansAsync(CancellationToken cancellationToken)
    {
        // Before the records, and before anything is judged: what another installation made on the same balancer has to be known.
        var all = await tagged.ReadAsync(cancellationToken);
        var foreign = all.Where(resource => tagged.AreForeign(resource.Tags)).Select(resource => resource.Arn).ToHashSet(StringComparer.Ordinal);
        var onBalancers = new HashSet<string>(StringComparer.Ordinal);
        foreach (var fleet in (await store.ReadConfigurationAsync(cancellationToken)).Fleets)
            await TryAsync(fleet.PhysicalResourceId, () => RemoveOrphansAsync(fleet, foreign, onBalancers, cancellationToken));

        var configuration = await store.ReadConfigurationAsync(cancellationToken);
        await RemoveOldAsync(Everywhere, await tagged.FindAsync(all, configuration, onBalancers, cancellationToken), cancellationToken);
    }

    private async Task RemoveOrphansAsync(FleetRecord fleet, HashSet<string> foreign, HashSet<string> onBalancers, CancellationToken cancellationToken)
    {
        // What is made belongs to a record that was written before, and a port to one that will be soon: so the records come last.
        var groups = await OwnGroupsAsync(fleet, cancellationToken);
        onBalancers.UnionWith(groups.Select(group => group.Arn));
        var rules = await OwnRulesAsync(fleet, cancellationToken);
        var claims = await fleetStore.ReadPortClaimsAsync(fleet.PhysicalResourceId, cancellationToken);
        var configuration = await store.ReadConfigurationAsync(cancellationToken);

        var found = new List<Orphan>();
        found.AddRange(groups.Where(group => !foreign.Contains(group.Arn)).Select(group => new Orphan(
            $"target group {group.Name}",
            now => Listeners(now).Any(listener => FleetNames.TargetGroup(fleet.Definition.LoadBalancerArn, listener) == group.Name),
            token => DeleteAsync(fleet, group, token))));
        found.AddRange(rules.Select(entry => new Orphan(
            $"rule {entry.Rule.RuleId} of {entry.GroupId}",
            now => Listeners(now).Any(listener => listener.PhysicalResourceId == entry.Rule.Tags[ProvisioningTags.Listener]),
            token => ec2.RevokeSecurityGroupIngressAsync(entry.GroupId, [entry.Rule.RuleId], token))));
        found.AddRange(claims.Select(claim => new Orphan(
            $"port {claim.Key} of {claim.Value}",
            now => Listeners(now).Any(listener => listener.PhysicalResourceId == claim.Value),
            token => fleetStore.ReleasePortAsync(fleet.PhysicalResourceId, claim.Key, claim.Value, token))));
        await RemoveOldAsync(fleet.PhysicalResourceId, [.. found.Where(orphan => !orphan.HasRecord(configuration))], cancellationToken);

        IEnumerable<ListenerRecord> Listeners(ConfigurationSnapshot now) => now.Listeners.Where(listener => listener.Definition.Fleet == fleet.PhysicalResourceId);
    }

    private async Task RemoveOldAsync(string fleet, IReadOnlyList<Orphan> orphans, CancellationToken cancellationToken)
    {
        var ages = await fleetStore.NoteOrphansAsync(fleet, [.. orphans.Select(orphan => orphan.Name)], cancellationToken);
        foreach (var orphan in orphans)
        {
            var age = ages[orphan.Name];
            if (age < orphanAge)
                Log.OrphanFound(logger, orphan.Name, fleet, age);
            else if (!orphan.HasRecord(await store.ReadConfigurationAsync(cancellationToken)))
                await TryAsync(fleet, () => RemoveAsync(orphan));
        }

        async Task RemoveAsync(Orphan orphan)
        {
            await orphan.RemoveAsync(cancellationToken);
            Log.OrphanRemoved(logger, orphan.Name, fleet, ages[orphan.Name]);
        }
    }

    private async Task<IReadOnlyList<TargetGroupDescription>> OwnGroupsAsync(FleetRecord fleet, CancellationToken cancellationToken) =>
        [.. (await balancing.DescribeTargetGroupsOfAsync(fleet.Definition.LoadBalancerArn, cancellationToken)).Where(group => group.Name.StartsWith(FleetNames.TargetGroupPrefix, StringComparison.Ordinal))];

    private async Task<IReadOnlyList<(string GroupId, IngressRuleDescription Rule)>> OwnRulesAsync(FleetRecord fleet, CancellationToken cancellationToken)
    {
        var found = new List<(string, IngressRuleDescription)>();
        foreach (var groupId in new[] { fleet.LoadBalancerSecurityGroup, fleet.Definition.SecurityGroups[0] }.OfType<string>().Distinct(StringComparer.Ordinal))
        {
            var rules = await ec2.DescribeSecurityGroupRulesAsync(groupId, cancellationToken);
            found.AddRange(rules.Where(rule => rule.Tags.GetValueOrDefault(ProvisioningTags.Fleet) == fleet.PhysicalResourceId && rule.Tags.ContainsKey(ProvisioningTags.Listener) && !tagged.AreForeign(rule.Tags)).Select(rule => (groupId, rule)));
        }

        return found;
    }

    private async Task DeleteAsync(FleetRecord fleet, TargetGroupDescription group, CancellationToken cancellationToken)
    {
        foreach (var listener in (await balancing.DescribeListenersAsync(fleet.Definition.LoadBalancerArn, cancellationToken)).Where(listener => listener.TargetGroupArn == group.Arn))
            await balancing.DeleteListenerAsync(listener.Arn, cancellationToken);
        await balancing.DeleteTargetGroupAsync(group.Arn, cancellationToken);
    }

    private static partial class Log
    {
        [LoggerMessage(2551, LogLevel.Information, "{Address}:{Port} of the fleet {Fleet} is deregistered, since no living task has this address")]
        public static partial void AddressRemoved(ILogger logger, string address, int port, string fleet);

        [LoggerMessage(2552, LogLevel.Information, "The report of task {Task} of the fleet {Fleet} is removed, since the task is gone")]
        public static partial void ReportRemoved(ILogger logger, string task, string fleet);

        [LoggerMessage(2553, LogLevel.Warning, "The {Orphan} (fleet: {Fleet}) belongs to no record, for {Age} so far")]
        public static partial void OrphanFound(ILogger logger, string orphan, string fleet, TimeSpan age);

        [LoggerMessage(2554, LogLevel.Warning, "The {Orphan} (fleet: {Fleet}) belonged to no record for {Age} and is removed")]
        public static partial void OrphanRemoved(ILogger logger, string orphan, string fleet, TimeSpan age);

        [LoggerMessage(2555, LogLevel.Error, "What nobody cleaned up (fleet: {Fleet}) could not be looked for or removed; the schedule comes again: {Cause}")]
        public static partial void Failed(ILogger logger, string fleet, string cause);

        [LoggerMessage(2556, LogLevel.Warning, "The fleet {Fleet} has {Listeners} listeners and no gateway task that serves them; ECS's events of the service say why")]
        public static partial void NobodyServes(ILogger logger, string fleet, int listeners);
    }
}
