using System.Text.Json;
using Microsoft.Extensions.Logging;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;
using UdpGateway.Provider.CloudFormation;

namespace UdpGateway.Provider.Resources;

/// <summary>
/// <c>Custom::ProxylityUdpGatewayPacketSource</c>: a topic whose messages leave through a listener's port. The record is written before
/// anything is made, so that whatever an event leaves half done is found and taken back by its owner.
/// </summary>
internal sealed partial class PacketSourceResource(IListenerStore store, IPacketSourceProvisioner provisioner, ILogger logger) : ICustomResource
{
    private readonly OwnedRecords<PacketSourceRecord> _records = new(store);

    public async Task<CustomResourceAnswer> ApplyAsync(CustomResourceEvent request, RequestState state, CancellationToken cancellationToken)
    {
        var bound = PacketSourceProperties.Bind(request.Properties);
        foreach (var warning in bound.Warnings)
            Log.Warned(logger, request.LogicalResourceId, warning);
        var definition = bound.Definition ?? throw RequestRefusedException.Because(bound.Problems, bound.Warnings);

        var record = await StoreAsync(request, state, definition, cancellationToken);
        return CustomResourceAnswer.Success(record.PhysicalResourceId, data => WriteAttributes(data, record));
    }

    public async Task DeleteAsync(CustomResourceEvent request, RequestState state, CancellationToken cancellationToken)
    {
        var owned = await _records.OfAsync(request, cancellationToken);
        foreach (var record in OwnedRecords<PacketSourceRecord>.ToDelete(owned, request.PhysicalResourceId, request.PhysicalResourceId.Contains('/', StringComparison.Ordinal), state.Sequence))
            await DeleteAsync(record, state.Sequence, cancellationToken);
    }

    public async Task UndoAsync(CustomResourceEvent request, CancellationToken cancellationToken)
    {
        foreach (var record in await _records.MadeByAsync(request, cancellationToken))
            await DeleteAsync(record, record.CreatedBySequence + 1, cancellationToken);
    }

    public Task AcknowledgeAsync(CustomResourceEvent request, string physicalResourceId, CancellationToken cancellationToken) =>
        _records.AnnounceAsync(request, physicalResourceId, cancellationToken);

    private async Task<PacketSourceRecord> StoreAsync(CustomResourceEvent request, RequestState state, PacketSourceDefinition definition, CancellationToken cancellationToken)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            await _records.RequireNewestAsync(request, cancellationToken);
            var listenerName = await FindListenerAsync(definition, cancellationToken);
            var owned = await _records.OfAsync(request, cancellationToken);
            var current = Current(owned, request, definition, listenerName);
            foreach (var leftover in OwnedRecords<PacketSourceRecord>.Leftovers(owned, request, current))
                await DeleteAsync(leftover, state.Sequence, cancellationToken);

            if (current is null)
            {
                // Written again, with queue and subscription, in the next round.
                await store.TryWriteAsync(New(request, state, definition, listenerName), 0, cancellationToken);
                continue;
            }

            if (current.Former is { } former)
            {
                await EndAsync(current, former, cancellationToken);
                continue;
            }

            var desired = OwnedRecords<PacketSourceRecord>.Claim(Change(current, definition), request, state);
            if (current.SubscriptionArn is not null && current == desired with { RequestId = current.RequestId })
                return current;
            desired = await ProvisionAsync(desired, cancellationToken);
            await RequireNotDeletedAsync(request, desired, cancellationToken);
            if (current != desired && !await store.TryWriteAsync(desired, current.Version, cancellationToken))
                continue;

            await _records.RequireNewestAsync(request, cancellationToken);
            if (desired.Former is null)
                return desired;
        }
    }

    /// <summary>Ends the subscription to a former topic. The record names it until then: whoever else reads it knows what is left to be done.</summary>
    private async Task EndAsync(PacketSourceRecord record, FormerTopic former, CancellationToken cancellationToken)
    {
        await provisioner.UnsubscribeAsync(Of(record, former), cancellationToken);
        await store.TryWriteAsync(record with { Former = null }, record.Version, cancellationToken);
    }

    private static PacketSourceRecord Of(PacketSourceRecord record, FormerTopic former) =>
        record with { TopicArn = former.TopicArn, RoleArn = former.RoleArn, SubscriptionArn = former.SubscriptionArn };

    private async Task<PacketSourceRecord> ProvisionAsync(PacketSourceRecord record, CancellationToken cancellationToken)
    {
        try
        {
            return await provisioner.ProvisionAsync(record, cancellationToken);
        }
        catch (OperationCanceledException exception) when (cancellationToken.IsCancellationRequested)
        {
            // What was made is found again, in another invocation if there is one.
            throw new NotYetServedException("Its queue and subscription are not ready.", exception);
        }
    }

    private async Task DeleteAsync(PacketSourceRecord record, long beforeSequence, CancellationToken cancellationToken)
    {
        var deleted = await _records.DeleteAsync(
            record,
            beforeSequence,
            async found =>
            {
                if (found.Former is { } former)
                    await provisioner.UnsubscribeAsync(Of(found, former), cancellationToken);
                await provisioner.ReleaseAsync(found, cancellationToken);
            },
            cancellationToken);
        // Nobody finished it, and who still works on it may have made something after the release.
        if (deleted is { QueueUrl: null })
            await provisioner.ReleaseAsync(deleted, cancellationToken);
    }

    // A Delete that came meanwhile could not give back what was made after it.
    private async Task RequireNotDeletedAsync(CustomResourceEvent request, PacketSourceRecord provisioned, CancellationToken cancellationToken)
    {
        try
        {
            await _records.RequireNewestAsync(request, cancellationToken);
        }
        catch (RequestRefusedException)
        {
            if (await store.FindAsync<PacketSourceRecord>(provisioned.PhysicalResourceId, cancellationToken) is null)
                await provisioner.ReleaseAsync(provisioned, cancellationToken);
            throw;
        }
    }

    private async Task<string> FindListenerAsync(PacketSourceDefinition definition, CancellationToken cancellationToken)
    {
        var listeners = (await store.ReadConfigurationAsync(cancellationToken)).Listeners;
        var listener = listeners.FirstOrDefault(listener => listener.PhysicalResourceId == definition.ListenerName)
            ?? listeners.FirstOrDefault(listener => listener.Definition.Name == definition.ListenerName);
        return listener?.Definition.Name
            ?? throw new RequestRefusedException($"ListenerName \"{definition.ListenerName}\" is no listener of this provider; give the Ref of a Custom::ProxylityUdpGatewayListener.");
    }

    private static PacketSourceRecord? Current(IReadOnlyList<PacketSourceRecord> owned, CustomResourceEvent request, PacketSourceDefinition definition, string listenerName) =>
        OwnedRecords<PacketSourceRecord>.Current(owned, request, record => record.ListenerName == listenerName && Change(record, definition) == record, record => record.ListenerName != listenerName);

    private static PacketSourceRecord Change(PacketSourceRecord record, PacketSourceDefinition definition) => record with
    {
        TopicArn = definition.TopicArn,
        RoleArn = definition.RoleArn,
        Description = definition.Description,
        Enabled = definition.Enabled,
        SubscriptionArn = record.TopicArn == definition.TopicArn ? record.SubscriptionArn : null,
        Former = record.TopicArn == definition.TopicArn ? record.Former : new FormerTopic(record.TopicArn, record.RoleArn, record.SubscriptionArn),
    };

    private static PacketSourceRecord New(CustomResourceEvent request, RequestState state, PacketSourceDefinition definition, string listenerName) => new()
    {
        PhysicalResourceId = $"{listenerName}/{ResourceNames.Generate(request.StackId, request.LogicalResourceId)}",
        StackId = request.StackId,
        LogicalResourceId = request.LogicalResourceId,
        ListenerName = listenerName,
        TopicArn = definition.TopicArn,
        RoleArn = definition.RoleArn,
        Description = definition.Description,
        Enabled = definition.Enabled,
        RequestId = request.Key.RequestId,
        CreatedByRequestId = request.Key.RequestId,
        CreatedBySequence = state.Sequence,
    };

    private static void WriteAttributes(Utf8JsonWriter data, PacketSourceRecord record) => data.WriteString("Id", record.PhysicalResourceId);

    private static partial class Log
    {
        [LoggerMessage(2401, LogLevel.Warning, "{LogicalResourceId}: {Warning}")]
        public static partial void Warned(ILogger logger, string logicalResourceId, PropertyProblem warning);
    }
}
