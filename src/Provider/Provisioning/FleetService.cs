using System.Text.Json;
using UdpGateway.Aws;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;

namespace UdpGateway.Provider;

/// <summary>A fleet's side of ECS: one task definition family and one service, whose number of tasks follows whether there are listeners.</summary>
internal sealed class FleetService(IEcs ecs, IElasticLoadBalancingV2 balancing, ListenerBalancing listenerBalancing, IListenerStore store, RepeatedSteps steps, FleetServiceOptions options)
{
    // A task that cannot start is started again and again; so often it is no accident.
    private const int FailedStarts = 3;

    // A gateway sends open batches and waits for replies after it has drained.
    private const int SecondsAfterDraining = 10;

    private static readonly TimeSpan RecentlyStopped = TimeSpan.FromMinutes(10);

    /// <exception cref="ProvisioningException">It cannot serve a fleet.</exception>
    public async Task<LoadBalancerDescription> FindLoadBalancerAsync(FleetDefinition definition, CancellationToken cancellationToken)
    {
        LoadBalancerDescription? balancer = null;
        await steps.UntilDoneAsync(
            async token =>
            {
                balancer = await balancing.DescribeLoadBalancersAsync(definition.LoadBalancerArn, token);
                return null;
            },
            cancellationToken);
        if (balancer is null)
            throw new ProvisioningException($"LoadBalancerArn names no load balancer of this account and region; \"{definition.LoadBalancerArn}\" was given.");
        return balancer.Type == "network"
            ? balancer
            : throw new ProvisioningException($"LoadBalancerArn must name a Network Load Balancer, for only those take UDP; this one is of the type {balancer.Type}.");
    }

    /// <summary>The names of the fleet's listeners.</summary>
    public async Task<IReadOnlyList<string>> ListenersAsync(string fleetName, CancellationToken cancellationToken, string? except = null) =>
        [.. (await ReadListenersAsync(fleetName, cancellationToken)).Select(listener => listener.PhysicalResourceId).Where(name => name != except)];

    /// <summary>Has the security groups admit the listeners that there are by what the fleet declares now.</summary>
    public Task AdmitListenersAsync(FleetRecord fleet, CancellationToken cancellationToken) => steps.UntilDoneAsync(
        async token =>
        {
            await listenerBalancing.AdmitAsync(fleet, await ReadListenersAsync(fleet.PhysicalResourceId, token), token);
            return null;
        },
        cancellationToken);

    /// <summary>Whether tasks of one fleet can go on as tasks of the other.</summary>
    public bool IsSameTask(FleetRecord left, FleetRecord right) => JsonSerializer.Serialize(TaskOf(left)) == JsonSerializer.Serialize(TaskOf(right));

    /// <summary>Registers what the tasks are to be.</summary>
    /// <returns>ARN of the new revision.</returns>
    public async Task<string> RegisterAsync(FleetRecord fleet, CancellationToken cancellationToken)
    {
        var arn = string.Empty;
        await steps.UntilDoneAsync(
            async token =>
            {
                arn = await ecs.RegisterTaskDefinitionAsync(TaskOf(fleet), token);
                return null;
            },
            cancellationToken);
        return arn;
    }

    /// <summary>Makes or changes the service and waits until its tasks, if there are to be any, are those of the fleet's task definition.</summary>
    /// <exception cref="ProvisioningException">ECS cannot start them; the message is what it says.</exception>
    public async Task RollAsync(FleetRecord fleet, string taskDefinitionArn, CancellationToken cancellationToken)
    {
        var asked = false;
        await steps.UntilDoneAsync(
            async token =>
            {
                var service = await DescribeAsync(fleet, token);
                var wanted = await WantedAsync(fleet, token);
                switch (service?.Status)
                {
                    case null or "INACTIVE":
                        await ecs.CreateServiceAsync(new EcsServiceInput(fleet.Definition.Cluster, ServiceName(fleet), taskDefinitionArn, wanted, NetworkOf(fleet), ProvisioningTags.Of(options.TableName, fleet)), token);
                        asked = true;
                        return "The service is being made.";
                    case "DRAINING":
                        return $"The former service {ServiceName(fleet)} is still stopping its tasks.";
                }

                if (!asked)
                {
                    await ecs.UpdateServiceAsync(new EcsServiceUpdate(fleet.Definition.Cluster, ServiceName(fleet), taskDefinitionArn, wanted, NetworkOf(fleet)), token);
                    asked = true;
                    return "The service is being changed.";
                }

                return wanted == 0 ? null : await FindUnfinishedAsync(fleet, service!, taskDefinitionArn, token);
            },
            cancellationToken);
        await ForgetTaskDefinitionsAsync(fleet, except: taskDefinitionArn, cancellationToken);
    }

    /// <summary>Sets the number of tasks that the listeners need. One of them may be on its way out.</summary>
    /// <returns>The service; null if there is none.</returns>
    public async Task<EcsServiceDescription?> ScaleAsync(FleetRecord fleet, CancellationToken cancellationToken, string? except = null)
    {
        while (await DescribeAsync(fleet, cancellationToken) is { Status: "ACTIVE" } service)
        {
            // Read after the service: what another event does in between it looks at again.
            var wanted = await WantedAsync(fleet, cancellationToken, except);
            if (service.DesiredCount == wanted)
                return service;
            await ecs.UpdateServiceAsync(new EcsServiceUpdate(fleet.Definition.Cluster, ServiceName(fleet), DesiredCount: wanted), cancellationToken);
        }

        return null;
    }

    /// <summary>Removes service and task definitions and waits until the last task is gone: its network interface holds subnets and security groups.</summary>
    public async Task DeleteAsync(FleetRecord fleet, CancellationToken cancellationToken)
    {
        await steps.UntilDoneAsync(
            async token =>
            {
                var service = await DescribeAsync(fleet, token);
                if (service is null or { Status: "INACTIVE" })
                    return null;
                if (service.Status == "ACTIVE")
                    await ecs.DeleteServiceAsync(fleet.Definition.Cluster, ServiceName(fleet), token);
                return $"The service {ServiceName(fleet)} still stops {service.RunningCount + service.PendingCount} tasks.";
            },
            cancellationToken);
        await ForgetTaskDefinitionsAsync(fleet, except: null, cancellationToken);
    }

    /// <summary>What ECS says about tasks that do not come up, for a sentence; it throws when they never will.</summary>
    /// <exception cref="ProvisioningException">ECS has given up, or every task of the last minutes ended.</exception>
    public async Task<string> FindTroubleAsync(FleetRecord fleet, EcsServiceDescription service, CancellationToken cancellationToken)
    {
        var stopped = await ecs.DescribeTasksAsync(
            fleet.Definition.Cluster, await ecs.ListTasksAsync(fleet.Definition.Cluster, ServiceName(fleet), EcsDesiredStatus.Stopped, cancellationToken), cancellationToken);
        var failed = stopped
            .Where(task => task.TaskDefinitionArn == service.TaskDefinitionArn && HasFailed(task) && task.StoppedAt > options.Time.GetUtcNow() - RecentlyStopped)
            .OrderByDescending(task => task.StoppedAt).ToArray();
        var primary = service.Deployments.FirstOrDefault(deployment => deployment.Status == "PRIMARY");
        var said = string.Join(" ", new[]
        {
            failed.Length > 0 ? $"Task {failed[0].Id} stopped: {Sentence(failed[0].StoppedReason ?? failed[0].StopCode)}" : null,
            primary is { RolloutState: "FAILED" } ? Sentence(primary.RolloutStateReason) : null,
            service.LastEvent is { } lastEvent ? $"ECS: {Sentence(lastEvent)}" : null,
        }.OfType<string>());
        if (primary is { RolloutState: "FAILED" } || (service.RunningCount == 0 && failed.Length >= FailedStarts))
            throw new ProvisioningException($"The tasks of the fleet {fleet.PhysicalResourceId} do not start. {said}");
        return said;
    }

    /// <summary>The service is named like the fleet: a cluster is one provider's.</summary>
    public static string ServiceName(FleetRecord fleet) => fleet.PhysicalResourceId;

    private static bool HasFailed(EcsTaskDescription task) =>
        task.StopCode is "TaskFailedToStart" or "EssentialContainerExited" || task.StoppedReason?.Contains("failed", StringComparison.OrdinalIgnoreCase) is true;

    private static string Sentence(string? text) => string.IsNullOrEmpty(text) ? "no reason is given." : text.EndsWith('.') ? text : $"{text}.";

    private static EcsNetwork NetworkOf(FleetRecord fleet) => new(fleet.Definition.Subnets, fleet.Definition.SecurityGroups, fleet.Definition.AssignPublicIp);

    // Families belong to the account, clusters to a provider.
    private static string FamilyOf(FleetRecord fleet) => $"{fleet.Definition.Cluster[(fleet.Definition.Cluster.LastIndexOf('/') + 1)..]}-{fleet.PhysicalResourceId}";

    private async Task<EcsServiceDescription?> DescribeAsync(FleetRecord fleet, CancellationToken cancellationToken) =>
        await ecs.DescribeServicesAsync(fleet.Definition.Cluster, ServiceName(fleet), cancellationToken);

    private async Task<IReadOnlyList<ListenerRecord>> ReadListenersAsync(string fleetName, CancellationToken cancellationToken) =>
        [.. (await store.ReadConfigurationAsync(cancellationToken)).Listeners.Where(listener => listener.Definition.Fleet == fleetName)];

    private async Task<int> WantedAsync(FleetRecord fleet, CancellationToken cancellationToken, string? except = null) =>
        (await ListenersAsync(fleet.PhysicalResourceId, cancellationToken, except)).Count > 0 ? fleet.Definition.DesiredCount : 0;

    private async Task<string?> FindUnfinishedAsync(FleetRecord fleet, EcsServiceDescription service, string taskDefinitionArn, CancellationToken cancellationToken)
    {
        var ours = service.Deployments.FirstOrDefault(deployment => deployment.TaskDefinitionArn == taskDefinitionArn);
        if (ours is { RolloutState: "FAILED" })
            throw new ProvisioningException($"ECS took the change of the fleet {fleet.PhysicalResourceId} back. {Sentence(ours.RolloutStateReason)} {await FindTroubleAsync(fleet, service with { TaskDefinitionArn = taskDefinitionArn }, cancellationToken)}");
        if (ours is { Status: "PRIMARY", RolloutState: "COMPLETED" } && service.Deployments.Count == 1)
            return null;
        return $"{service.RunningCount} of {service.DesiredCount} tasks run, not all of them the new ones. {await FindTroubleAsync(fleet, service, cancellationToken)}";
    }

    // Every attempt to register makes a revision, also one whose answer was lost.
    private Task ForgetTaskDefinitionsAsync(FleetRecord fleet, string? except, CancellationToken cancellationToken) => steps.UntilDoneAsync(
        async token =>
        {
            var family = FamilyOf(fleet);
            foreach (var arn in await ecs.ListTaskDefinitionsAsync(family, token))
            {
                if (arn != except && arn.Contains($":task-definition/{family}:", StringComparison.Ordinal))
                    await ecs.DeregisterTaskDefinitionAsync(arn, token);
            }

            return null;
        },
        cancellationToken);

    private TaskDefinitionInput TaskOf(FleetRecord fleet)
    {
        var definition = fleet.Definition;
        var environment = new Dictionary<string, string>(definition.Environment, StringComparer.Ordinal)
        {
            ["UDPGW_STORE"] = "dynamodb",
            ["UDPGW_TABLE"] = options.TableName,
            ["UDPGW_FLEET"] = fleet.PhysicalResourceId,
            ["UDPGW_LOAD_BALANCER"] = definition.LoadBalancerArn,
            ["UDPGW_DOMAIN"] = fleet.DomainName,
            ["UDPGW_HEALTH_PORT"] = definition.HealthPort.ToString(System.Globalization.CultureInfo.InvariantCulture),
        };
        // The gateway's own drain time is for the longest stop timeout; a shorter one leaves as much for the rest.
        if (definition.StopTimeoutSeconds < FleetDefinition.LongestStopTimeoutSeconds)
            environment.TryAdd("UDPGW_DRAIN_SECONDS", (definition.StopTimeoutSeconds - SecondsAfterDraining).ToString(System.Globalization.CultureInfo.InvariantCulture));
        if (fleet.RelaySecretId is { } relaySecret)
        {
            environment["UDPGW_RELAY_SECRET"] = relaySecret;
            environment["UDPGW_RELAY_PORT"] = definition.RelayPort.ToString(System.Globalization.CultureInfo.InvariantCulture);
        }

        return new TaskDefinitionInput(
            FamilyOf(fleet), "gateway", definition.Image, definition.Cpu, definition.Memory, definition.Architecture, definition.TaskRoleArn, definition.ExecutionRoleArn,
            definition.LogGroupName, options.Region, TimeSpan.FromSeconds(definition.StopTimeoutSeconds), options.HealthCheckCommand, environment, ProvisioningTags.Of(options.TableName, fleet));
    }
}

/// <param name="TableName">The DynamoDB table that tasks follow.</param>
internal sealed record FleetServiceOptions(string Region, string TableName, TimeProvider Time)
{
    /// <summary>The gateway's image asks the gateway in it; it has no shell.</summary>
    public IReadOnlyList<string> HealthCheckCommand { get; init; } = ["/app/UdpGateway.Gateway", "--health"];
}
