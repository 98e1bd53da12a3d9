using System.Text.Json;
using Microsoft.Extensions.Logging;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;
using UdpGateway.Provider.CloudFormation;

namespace UdpGateway.Provider.Resources;

/// <summary>
/// <c>Custom::ProxylityUdpGatewayListener</c>. An owner (StackId + LogicalResourceId) has one generation of a listener, and for a
/// while two of them during a replacement. Every write is conditional on the record's version and on the event being the
/// owner's newest, so that repeated, parallel and late events converge.
/// </summary>
internal sealed partial class ListenerResource(
    ProviderOptions options, IListenerStore store, ListenerSecrets secrets, IListenerProvisioner provisioner, ILogger logger) : ICustomResource
{
    private readonly OwnedRecords<ListenerRecord> _records = new(store);

    public async Task<CustomResourceAnswer> ApplyAsync(CustomResourceEvent request, RequestState state, CancellationToken cancellationToken)
    {
        // 2 bind, 3 validate
        var fleet = await FindFleetAsync(request, cancellationToken);
        var (definition, literals) = Bind(request, fleet);

        // 4 secrets
        await secrets.CheckReferencesAsync(definition, cancellationToken);

        // 5 store, with 6 provision inside: the record holds the port
        await RemoveLeftoversAsync(request, state, definition, cancellationToken);
        var (record, replacedSecretId) = await StoreAsync(request, state, definition, literals, cancellationToken);

        // 7 wait until served
        try
        {
            await provisioner.WaitUntilServedAsync(record, cancellationToken);
        }
        catch (OperationCanceledException exception) when (cancellationToken.IsCancellationRequested)
        {
            throw new NotYetServedException("The gateway has not reported the listener as served.", exception);
        }
        finally
        {
            // Not earlier: until then a gateway may start with the former record.
            if (replacedSecretId is not null)
                await secrets.DeleteAsync(replacedSecretId, CancellationToken.None);
        }

        await _records.RequireNewestAsync(request, cancellationToken);
        return CustomResourceAnswer.Success(record.PhysicalResourceId, data => WriteAttributes(data, record, fleet?.DomainName ?? options.DomainName));
    }

    public async Task DeleteAsync(CustomResourceEvent request, RequestState state, CancellationToken cancellationToken)
    {
        var owned = await _records.OfAsync(request, cancellationToken);
        foreach (var record in Generations.ToDelete(owned, request.PhysicalResourceId, state.Sequence))
            await DeleteGenerationAsync(record, state.Sequence, cancellationToken);
    }

    public async Task UndoAsync(CustomResourceEvent request, CancellationToken cancellationToken)
    {
        foreach (var record in await _records.MadeByAsync(request, cancellationToken))
            await DeleteGenerationAsync(record, record.CreatedBySequence + 1, cancellationToken);
    }

    public Task AcknowledgeAsync(CustomResourceEvent request, string physicalResourceId, CancellationToken cancellationToken) =>
        _records.AnnounceAsync(request, physicalResourceId, cancellationToken);

    private (ListenerDefinition Definition, IReadOnlyDictionary<string, KeyText> Literals) Bind(CustomResourceEvent request, FleetRecord? fleet)
    {
        var bound = ListenerProperties.Bind(request.Properties, new BindingContext
        {
            StackId = request.StackId,
            LogicalResourceId = request.LogicalResourceId,
            MayOmitRole = options.MayOmitRole,
            HasFleet = name => provisioner is not AwsProvisioner || name == fleet?.PhysicalResourceId,
        });
        foreach (var warning in bound.Warnings)
            Log.Warned(logger, request.LogicalResourceId, warning);
        return bound.Definition is { } definition ? (definition, bound.Keys) : throw RequestRefusedException.Because(bound.Problems, bound.Warnings);
    }

    /// <summary>The fleet that the properties name; null in local mode, which has none, or if there is no such fleet.</summary>
    private async Task<FleetRecord?> FindFleetAsync(CustomResourceEvent request, CancellationToken cancellationToken)
    {
        if (provisioner is not AwsProvisioner)
            return null;
        var named = request.PropertyText(nameof(ListenerDefinition.Fleet));
        return await store.FindAsync<FleetRecord>(named.Length == 0 ? FleetDefinition.DefaultName : named, cancellationToken);
    }

    private async Task<(ListenerRecord Record, string? ReplacedSecretId)> StoreAsync(
        CustomResourceEvent request, RequestState state, ListenerDefinition definition, IReadOnlyDictionary<string, KeyText> literals, CancellationToken cancellationToken)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            await _records.RequireNewestAsync(request, cancellationToken);
            var all = (await store.ReadConfigurationAsync(cancellationToken)).Listeners;
            RequireFreeName(all, request, definition);
            var owned = all.Where(request.Owns).OrderBy(record => record.CreatedBySequence).ToArray();
            var current = Generations.Current(owned, request, definition);
            var physicalId = current?.PhysicalResourceId ?? Generations.NextId(definition.Name, owned);
            if (current is null)
            {
                RequireFreePort(all, definition);
                await provisioner.RequireRoomAsync(physicalId, definition, cancellationToken);
            }

            store.RequireRoom(Generations.Longest(current, physicalId, request, state, definition));
            var keys = await secrets.PrepareAsync(physicalId, new SecretOwner(request.StackId, request.LogicalResourceId), current, definition, literals, cancellationToken);
            var written = false;
            var mayBeNamed = false;
            try
            {
                var desired = current is not null
                    ? Generations.Change(current, request, state, definition, keys)
                    : Generations.New(physicalId, request, state, definition, keys, await provisioner.AllocatePortAsync(physicalId, request.LogicalResourceId, definition, cancellationToken));
                if (current is not null && Generations.AreEqual(current, desired))
                    return (current, null);
                mayBeNamed = true;
                written = await store.TryWriteAsync(desired, current?.Version ?? 0, cancellationToken);
                mayBeNamed = written;
            }
            finally
            {
                // No record names the new secret. Where no answer came one may, and its key must not be lost; if none does, the sweep finds it.
                if (!mayBeNamed && keys.IsNew)
                    await secrets.DeleteAsync(keys.SecretId!, CancellationToken.None);
            }

            if (!written)
                continue;

            // A newer event that looked before this write and acted already has to win.
            await _records.RequireNewestAsync(request, cancellationToken);
            var stored = await store.FindAsync<ListenerRecord>(physicalId, cancellationToken) ?? throw RequestRefusedException.Superseded();
            return (stored, keys.IsNew ? current?.SecretId : null);
        }
    }

    // What an event made whose answer CloudFormation never took: it will not ask for it, nor for its deletion.
    private async Task RemoveLeftoversAsync(CustomResourceEvent request, RequestState state, ListenerDefinition definition, CancellationToken cancellationToken)
    {
        await _records.RequireNewestAsync(request, cancellationToken);
        var owned = await _records.OfAsync(request, cancellationToken);
        foreach (var record in OwnedRecords<ListenerRecord>.Leftovers(owned, request, Generations.Current(owned, request, definition)))
            await DeleteGenerationAsync(record, state.Sequence, cancellationToken);
    }

    private async Task DeleteGenerationAsync(ListenerRecord record, long beforeSequence, CancellationToken cancellationToken)
    {
        var deleted = await _records.DeleteAsync(record, beforeSequence, found => provisioner.ReleaseAsync(found, cancellationToken), cancellationToken);
        if (deleted is not null)
            await provisioner.ReleaseDeletedAsync(deleted, cancellationToken);
        if (deleted?.SecretId is { } secretId)
            await secrets.DeleteAsync(secretId, cancellationToken);
    }

    private static void RequireFreeName(IReadOnlyList<ListenerRecord> all, CustomResourceEvent request, ListenerDefinition definition)
    {
        if (all.FirstOrDefault(record => record.Definition.Name == definition.Name && !request.Owns(record)) is { } claimant)
            throw new RequestRefusedException($"Name \"{definition.Name}\" is taken already by the listener {claimant.LogicalResourceId} of the stack {claimant.StackId}; choose another Name.");
    }

    private static void RequireFreePort(IReadOnlyList<ListenerRecord> all, ListenerDefinition definition)
    {
        if (definition.Port is { } port && all.FirstOrDefault(record => record.Port == port && record.Definition.Fleet == definition.Fleet) is { } holder)
            throw new RequestRefusedException($"Port {port} is in use by the listener {holder.PhysicalResourceId}; when a listener is replaced, both serve until the clean-up, so change Port too or remove it.");
    }

    // Never a secret: attributes are readable through the stack's events.
    private static void WriteAttributes(Utf8JsonWriter data, ListenerRecord record, string domainName)
    {
        data.WriteString("Id", record.PhysicalResourceId);
        data.WriteString("Domain", domainName);
        data.WriteNumber("Port", record.Port);
        data.WriteString("Endpoint", $"{domainName}:{record.Port}");
        data.WriteString("Fqdn", domainName);
        data.WriteStartArray("DestinationNames");
        foreach (var destination in record.Definition.Destinations)
            data.WriteStringValue(destination.Name);
        data.WriteEndArray();
        if (record.WireGuardPublicKey is { } publicKey)
            data.WriteString("WireGuardPublicKey", publicKey);
    }

    private static partial class Log
    {
        [LoggerMessage(2201, LogLevel.Warning, "{LogicalResourceId}: {Warning}")]
        public static partial void Warned(ILogger logger, string logicalResourceId, PropertyProblem warning);
    }
}
