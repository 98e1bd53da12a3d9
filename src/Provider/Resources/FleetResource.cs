using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using UdpGateway.Aws;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;
using UdpGateway.Provider.CloudFormation;

namespace UdpGateway.Provider.Resources;

/// <summary>
/// <c>Custom::UdpGatewayFleet</c>: gateway tasks behind one balancer. Its id is its name, by which listeners find it. It is written before
/// anything is made of it, so that whatever event comes next finds what there is.
/// </summary>
internal sealed partial class FleetResource(IListenerStore store, FleetService service, ISecretStore secrets, ILogger logger) : ICustomResource
{
    private const int RelayKeySize = 32;

    private readonly OwnedRecords<FleetRecord> _records = new(store);

    public async Task<CustomResourceAnswer> ApplyAsync(CustomResourceEvent request, RequestState state, CancellationToken cancellationToken)
    {
        // 2 bind, 3 validate
        var definition = Bind(request);
        var balancer = await service.FindLoadBalancerAsync(definition, cancellationToken);

        // 5 store
        var fleet = await StoreAsync(request, state, definition, balancer, cancellationToken);

        // 6 provision, 7 wait until it is rolled out
        try
        {
            await service.AdmitListenersAsync(fleet, cancellationToken);
            if (definition.Image.Length > 0)
                await RollOutAsync(request, fleet, cancellationToken);
            await _records.RequireNewestAsync(request, cancellationToken);
        }
        catch (Exception exception) when (exception is RequestRefusedException or ProvisioningException)
        {
            // A Delete that came meanwhile could not give back what was made after it.
            if (await store.FindAsync<FleetRecord>(fleet.PhysicalResourceId, cancellationToken) is null)
                await service.DeleteAsync(fleet, cancellationToken);
            throw;
        }

        return CustomResourceAnswer.Success(fleet.PhysicalResourceId, data => WriteAttributes(data, fleet));
    }

    public async Task DeleteAsync(CustomResourceEvent request, RequestState state, CancellationToken cancellationToken)
    {
        var owned = await _records.OfAsync(request, cancellationToken);
        var isIssued = owned.Any(fleet => fleet.PhysicalResourceId == request.PhysicalResourceId);
        foreach (var fleet in OwnedRecords<FleetRecord>.ToDelete(owned, request.PhysicalResourceId, isIssued, state.Sequence))
            await DeleteAsync(fleet, cancellationToken);
    }

    public async Task UndoAsync(CustomResourceEvent request, CancellationToken cancellationToken)
    {
        foreach (var fleet in await _records.MadeByAsync(request, cancellationToken))
            await DeleteAsync(fleet, cancellationToken);
    }

    public Task AcknowledgeAsync(CustomResourceEvent request, string physicalResourceId, CancellationToken cancellationToken) =>
        _records.AnnounceAsync(request, physicalResourceId, cancellationToken);

    private static void WriteAttributes(Utf8JsonWriter data, FleetRecord fleet)
    {
        data.WriteString("Name", fleet.PhysicalResourceId);
        data.WriteString("Domain", fleet.DomainName);
        data.WriteString("ServiceName", FleetService.ServiceName(fleet));
    }

    private FleetDefinition Bind(CustomResourceEvent request)
    {
        var bound = FleetProperties.Bind(request.Properties);
        foreach (var warning in bound.Warnings)
            Log.Warned(logger, request.LogicalResourceId, warning);
        return bound.Definition ?? throw RequestRefusedException.Because(bound.Problems, bound.Warnings);
    }

    private async Task<FleetRecord> StoreAsync(
        CustomResourceEvent request, RequestState state, FleetDefinition definition, LoadBalancerDescription balancer, CancellationToken cancellationToken)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            await _records.RequireNewestAsync(request, cancellationToken);
            var current = await store.FindAsync<FleetRecord>(definition.Name, cancellationToken);
            if (current is not null && !request.Owns(current))
                throw new RequestRefusedException($"Name \"{definition.Name}\" is taken already by the fleet {current.LogicalResourceId} of the stack {current.StackId}; choose another Name.");
            await RequireChangeableAsync(current, definition, cancellationToken);
            var desired = Desire(current, request, state, definition, balancer);
            if (current is not null && AreEqual(current, desired))
                return current;
            if (!await TryWriteAsync(desired, current, cancellationToken))
                continue;

            // A newer event that looked before this write and acted already has to win.
            await _records.RequireNewestAsync(request, cancellationToken);
            return await store.FindAsync<FleetRecord>(definition.Name, cancellationToken) ?? throw RequestRefusedException.Superseded();
        }
    }

    /// <summary>Writes the record, and before it the secret that it names if that is new.</summary>
    private async Task<bool> TryWriteAsync(FleetRecord desired, FleetRecord? current, CancellationToken cancellationToken)
    {
        store.RequireRoom(desired);
        var isNew = desired.RelaySecretId != current?.RelaySecretId;
        var mayBeNamed = false;
        try
        {
            if (isNew)
            {
                var key = Convert.ToBase64String(RandomNumberGenerator.GetBytes(RelayKeySize));
                await secrets.WriteAsync(desired.RelaySecretId!, key, new SecretOwner(desired.StackId, desired.LogicalResourceId), cancellationToken);
            }

            mayBeNamed = true;
            return mayBeNamed = await store.TryWriteAsync(desired, current?.Version ?? 0, cancellationToken);
        }
        finally
        {
            // No record names it. Where no answer came one may, and its key must not be lost; if none does, the sweep finds it.
            if (isNew && !mayBeNamed)
                await secrets.DeleteAsync(desired.RelaySecretId!, CancellationToken.None);
        }
    }

    private async Task RequireChangeableAsync(FleetRecord? current, FleetDefinition definition, CancellationToken cancellationToken)
    {
        if (current is null)
            return;
        if (current.Definition.Cluster != definition.Cluster || current.Definition.LoadBalancerArn != definition.LoadBalancerArn)
            throw new RequestRefusedException("Cluster and LoadBalancerArn of a fleet cannot be changed; declare a fleet with another Name, move the listeners to it, and remove this one.");
        var listeners = await service.ListenersAsync(definition.Name, cancellationToken);
        if (listeners.Count > 0 && definition.Image.Length == 0)
            throw new RequestRefusedException($"Image must not be empty while the fleet serves listeners: {Enumerate(listeners)}.");
        // Their target groups ask at the former port, and go on doing so.
        if (listeners.Count > 0 && definition.HealthPort != current.Definition.HealthPort)
            throw new RequestRefusedException($"HealthPort cannot be changed while the fleet serves listeners: {Enumerate(listeners)}.");
        if (listeners.Count > 0)
            FleetPorts.RequireRoom(definition, listeners.Count);
    }

    private FleetRecord Desire(FleetRecord? current, CustomResourceEvent request, RequestState state, FleetDefinition definition, LoadBalancerDescription balancer)
    {
        var made = new FleetRecord
        {
            PhysicalResourceId = definition.Name,
            StackId = request.StackId,
            LogicalResourceId = request.LogicalResourceId,
            Definition = definition,
            DomainName = definition.DomainName ?? balancer.DnsName,
            VpcId = balancer.VpcId,
            LoadBalancerSecurityGroup = balancer.SecurityGroups.Count > 0 ? balancer.SecurityGroups[0] : null,
            RelaySecretId = current?.RelaySecretId ?? $"{ListenerSecretNames.IdPrefix}fleet-{definition.Name}-{RandomNumberGenerator.GetHexString(16, lowercase: true)}",
            ReplacedId = current is null ? request.KnownId : current.ReplacedId,
            RequestId = request.Key.RequestId,
            CreatedByRequestId = current is { Announced: true } && current.PhysicalResourceId == request.PhysicalResourceId ? current.CreatedByRequestId : request.Key.RequestId,
            CreatedBySequence = current?.CreatedBySequence ?? state.Sequence,
            Announced = current is not null && (current.Announced || current.PhysicalResourceId == request.PhysicalResourceId),
        };
        return current is not null && service.IsSameTask(current, made) ? made with { TaskDefinitionArn = current.TaskDefinitionArn } : made;
    }

    private async Task RollOutAsync(CustomResourceEvent request, FleetRecord fleet, CancellationToken cancellationToken)
    {
        var taskDefinition = fleet.TaskDefinitionArn ?? await service.RegisterAsync(fleet, cancellationToken);
        await service.RollAsync(fleet, taskDefinition, cancellationToken);
        if (fleet.TaskDefinitionArn is null)
            await NoteTaskDefinitionAsync(request, fleet, taskDefinition, cancellationToken);
    }

    private async Task NoteTaskDefinitionAsync(CustomResourceEvent request, FleetRecord fleet, string taskDefinitionArn, CancellationToken cancellationToken)
    {
        for (var found = fleet; !await store.TryWriteAsync(found with { TaskDefinitionArn = taskDefinitionArn }, found.Version, cancellationToken);)
        {
            await _records.RequireNewestAsync(request, cancellationToken);
            found = await store.FindAsync<FleetRecord>(fleet.PhysicalResourceId, cancellationToken) ?? throw RequestRefusedException.Superseded();
            // A repetition of this event came first; its revision is as good.
            if (found.TaskDefinitionArn is not null)
                return;
        }
    }

    private async Task DeleteAsync(FleetRecord record, CancellationToken cancellationToken)
    {
        var deleted = await _records.DeleteAsync(record, record.CreatedBySequence + 1, ReleaseAsync, cancellationToken);
        // Nobody finished it, and who still works on it may have made something after the release.
        if (deleted is { TaskDefinitionArn: null, Definition.Image.Length: > 0 })
            await service.DeleteAsync(deleted, cancellationToken);
        if (deleted?.RelaySecretId is { } secretId)
            await secrets.DeleteAsync(secretId, cancellationToken);

        async Task ReleaseAsync(FleetRecord found)
        {
            if (await service.ListenersAsync(found.PhysicalResourceId, cancellationToken) is { Count: > 0 } listeners)
                throw new RequestRefusedException($"The fleet {found.PhysicalResourceId} still serves listeners: {Enumerate(listeners)}. Delete them, or move them to another Fleet, first.");
            await service.DeleteAsync(found, cancellationToken);
        }
    }

    private static string Enumerate(IReadOnlyList<string> listeners) =>
        listeners.Count <= 5 ? string.Join(", ", listeners) : $"{string.Join(", ", listeners.Take(5))} and {listeners.Count - 5} more";

    private static bool AreEqual(FleetRecord current, FleetRecord desired) =>
        JsonSerializer.Serialize(current, ListenerJson.Default.FleetRecord) == JsonSerializer.Serialize(desired with { RequestId = current.RequestId, Version = current.Version }, ListenerJson.Default.FleetRecord);

    private static partial class Log
    {
        [LoggerMessage(2251, LogLevel.Warning, "{LogicalResourceId}: {Warning}")]
        public static partial void Warned(ILogger logger, string logicalResourceId, PropertyProblem warning);
    }
}
