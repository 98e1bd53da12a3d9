using System.Globalization;
using Microsoft.Extensions.Logging;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;
using UdpGateway.Provider.CloudFormation;

namespace UdpGateway.Provider.Resources;

/// <summary>
/// <c>Custom::ProxylityUdpGatewayDestinationArn</c>: registers one ARN for one destination and ingress region, from whichever stack.
/// The registration is a record of its own, so that it survives every change of the listener.
/// </summary>
internal sealed partial class DestinationArnResource(ProviderOptions options, IListenerStore store, IListenerProvisioner provisioner, ILogger logger) : ICustomResource
{
    private readonly OwnedRecords<DestinationArnRecord> _records = new(store);

    public async Task<CustomResourceAnswer> ApplyAsync(CustomResourceEvent request, RequestState state, CancellationToken cancellationToken)
    {
        var definition = Bind(request);
        await RemoveLeftoversAsync(request, state, definition, cancellationToken);
        var (record, listener) = await StoreAsync(request, state, definition, cancellationToken);

        // The listener as registered counts as served when a gateway has both records.
        try
        {
            await provisioner.WaitUntilServedAsync(listener with { Version = Math.Max(listener.Version, record.Version) }, cancellationToken);
        }
        catch (OperationCanceledException exception) when (cancellationToken.IsCancellationRequested)
        {
            throw new NotYetServedException("The gateway has not reported the registered ARN as served.", exception);
        }

        await _records.RequireNewestAsync(request, cancellationToken);
        return CustomResourceAnswer.Success(record.PhysicalResourceId);
    }

    public async Task DeleteAsync(CustomResourceEvent request, RequestState state, CancellationToken cancellationToken)
    {
        var owned = await _records.OfAsync(request, cancellationToken);
        foreach (var record in OwnedRecords<DestinationArnRecord>.ToDelete(owned, request.PhysicalResourceId, request.PhysicalResourceId.Contains('/', StringComparison.Ordinal), state.Sequence))
            await DeleteAsync(record, state.Sequence, cancellationToken);
    }

    public async Task UndoAsync(CustomResourceEvent request, CancellationToken cancellationToken)
    {
        foreach (var record in await _records.MadeByAsync(request, cancellationToken))
            await DeleteAsync(record, record.CreatedBySequence + 1, cancellationToken);
    }

    public Task AcknowledgeAsync(CustomResourceEvent request, string physicalResourceId, CancellationToken cancellationToken) =>
        _records.AnnounceAsync(request, physicalResourceId, cancellationToken);

    private DestinationArnDefinition Bind(CustomResourceEvent request)
    {
        var region = Arn.TryParse(request.StackId, out var stack) && stack.Region.Length > 0 ? stack.Region : options.Region;
        var bound = DestinationArnProperties.Bind(request.Properties, region);
        foreach (var warning in bound.Warnings)
            Log.Warned(logger, request.LogicalResourceId, warning);
        return bound.Definition ?? throw RequestRefusedException.Because(bound.Problems, bound.Warnings);
    }

    private async Task<(DestinationArnRecord Record, ListenerRecord Listener)> StoreAsync(
        CustomResourceEvent request, RequestState state, DestinationArnDefinition definition, CancellationToken cancellationToken)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            await _records.RequireNewestAsync(request, cancellationToken);
            var all = await store.ReadConfigurationAsync(cancellationToken);
            DestinationArnRecord[] owned = [.. all.DestinationArns.Where(request.Owns).OrderBy(record => record.CreatedBySequence)];
            var current = Current(owned, request, definition);
            var listener = FindListener(all.Listeners, current, request, definition);
            RequireUnclaimed(all.DestinationArns, listener, request, definition);
            RequireDeliverable(all, listener, request, definition);

            var desired = current is null ? New(NextId(all.DestinationArns, definition), request, state, definition) : current with { Arn = definition.Arn };
            desired = desired with { ListenerName = listener.Definition.Name, ListenerStackId = listener.StackId, ListenerLogicalResourceId = listener.LogicalResourceId };
            if (current is not null)
                desired = OwnedRecords<DestinationArnRecord>.Claim(desired, request, state);
            if (current is not null && current == desired with { RequestId = current.RequestId })
                return (current, listener);
            if (!await store.TryWriteAsync(desired, current?.Version ?? 0, cancellationToken))
                continue;

            // A newer event that looked before this write and acted already has to win.
            await _records.RequireNewestAsync(request, cancellationToken);
            return (await store.FindAsync<DestinationArnRecord>(desired.PhysicalResourceId, cancellationToken) ?? throw RequestRefusedException.Superseded(), listener);
        }
    }

    private async Task RemoveLeftoversAsync(CustomResourceEvent request, RequestState state, DestinationArnDefinition definition, CancellationToken cancellationToken)
    {
        await _records.RequireNewestAsync(request, cancellationToken);
        var owned = await _records.OfAsync(request, cancellationToken);
        foreach (var record in OwnedRecords<DestinationArnRecord>.Leftovers(owned, request, Current(owned, request, definition)))
            await DeleteAsync(record, state.Sequence, cancellationToken);
    }

    private async Task DeleteAsync(DestinationArnRecord record, long beforeSequence, CancellationToken cancellationToken) =>
        await _records.DeleteAsync(record, beforeSequence, _ => Task.CompletedTask, cancellationToken);

    private static DestinationArnRecord? Current(IReadOnlyList<DestinationArnRecord> owned, CustomResourceEvent request, DestinationArnDefinition definition) =>
        OwnedRecords<DestinationArnRecord>.Current(owned, request, record => !MustReplace(record, definition) && record.Arn == definition.Arn, record => MustReplace(record, definition));

    private static bool MustReplace(DestinationArnRecord record, DestinationArnDefinition definition) =>
        record.DestinationName != definition.Destination || record.IngressRegionKey != definition.IngressRegionKey;

    private static DestinationArnRecord New(string physicalId, CustomResourceEvent request, RequestState state, DestinationArnDefinition definition) => new()
    {
        PhysicalResourceId = physicalId,
        StackId = request.StackId,
        LogicalResourceId = request.LogicalResourceId,
        ListenerName = string.Empty,
        DestinationName = definition.Destination,
        IngressRegionKey = definition.IngressRegionKey,
        Arn = definition.Arn,
        RequestId = request.Key.RequestId,
        CreatedByRequestId = request.Key.RequestId,
        CreatedBySequence = state.Sequence,
    };

    // DESTINATION/KEY; with a number where a destination of that name exists in several listeners.
    private static string NextId(IReadOnlyList<DestinationArnRecord> all, DestinationArnDefinition definition)
    {
        var id = $"{definition.Destination}/{definition.IngressRegionKey}";
        var candidates = Enumerable.Range(2, all.Count + 1).Select(number => string.Create(CultureInfo.InvariantCulture, $"{id}.{number}"));
        return candidates.Prepend(id).First(candidate => all.All(record => record.PhysicalResourceId != candidate));
    }

    /// <summary>The newest generation of the listener that has the destination: the one registered with before, else the declaring stack's, else the only one.</summary>
    private static ListenerRecord FindListener(
        IReadOnlyList<ListenerRecord> listeners, DestinationArnRecord? current, CustomResourceEvent request, DestinationArnDefinition definition)
    {
        var candidates = listeners
            .Where(listener => listener.Definition.Destinations.Any(destination => destination.Name == definition.Destination))
            .GroupBy(listener => (listener.StackId, listener.LogicalResourceId))
            .Select(generations => generations.MaxBy(listener => listener.CreatedBySequence)!)
            .ToList();
        if (current is not null && candidates.Find(listener => IsOf(current, listener)) is { } known)
            return known;
        if (candidates.FindAll(listener => listener.StackId == request.StackId) is { Count: > 0 } own)
            candidates = own;
        return candidates switch
        {
            [var only] => only,
            [] => throw new RequestRefusedException($"Destination \"{definition.Destination}\" does not exist: no listener declares a destination of that name; take it from the listener's DestinationNames."),
            _ => throw new RequestRefusedException($"Destination \"{definition.Destination}\" is ambiguous: the listeners {string.Join(", ", candidates.Select(listener => listener.Definition.Name).Order(StringComparer.Ordinal))} each declare a destination of that name; give one of them another Name."),
        };
    }

    private static bool IsOf(DestinationArnRecord record, ListenerRecord listener) =>
        record.ListenerStackId == listener.StackId && record.ListenerLogicalResourceId == listener.LogicalResourceId;

    private static void RequireUnclaimed(IReadOnlyList<DestinationArnRecord> all, ListenerRecord listener, CustomResourceEvent request, DestinationArnDefinition definition)
    {
        if (all.FirstOrDefault(record => !request.Owns(record) && IsOf(record, listener) && !MustReplace(record, definition)) is { } claimant)
            throw new RequestRefusedException($"Destination \"{definition.Destination}\" has an ARN for {definition.IngressRegionKey} already, registered by {claimant.LogicalResourceId} of the stack {claimant.StackId}; remove that one or choose another IngressRegionKey.");
    }

    private void RequireDeliverable(ConfigurationSnapshot all, ListenerRecord listener, CustomResourceEvent request, DestinationArnDefinition definition)
    {
        var destination = listener.Definition.Destinations.First(destination => destination.Name == definition.Destination);
        if (destination.RoleArn is null && !options.MayOmitRole(definition.Arn))
            throw new RequestRefusedException($"Arn \"{definition.Arn}\" needs a role to deliver with, and the destination \"{definition.Destination}\" has none; give the destination a Role.");

        if (DestinationKinds.TryFind(Service(definition.Arn), out var kind) && kind.FindMissing(destination.Arguments) is { } missing)
            throw new RequestRefusedException($"Arn \"{definition.Arn}\" needs {missing}, which the destination \"{definition.Destination}\" does not have in its Arguments; declare it there first.");

        var others = all.DestinationArns
            .Where(record => !request.Owns(record) && IsOf(record, listener) && record.DestinationName == definition.Destination)
            .Select(record => record.Arn)
            .Concat(destination.Arns.Values);
        var service = Service(definition.Arn);
        if (others.FirstOrDefault(other => Service(other) != service) is { } different)
            throw new RequestRefusedException($"Arn must name the same service in every region; \"{definition.Arn}\" was given, and the destination \"{definition.Destination}\" has {different}.");
    }

    private static string Service(string text) => Arn.TryParse(text, out var arn) ? arn.Service : string.Empty;

    private static partial class Log
    {
        [LoggerMessage(2211, LogLevel.Warning, "{LogicalResourceId}: {Warning}")]
        public static partial void Warned(ILogger logger, string logicalResourceId, PropertyProblem warning);
    }
}
