using UdpGateway.Listeners.Storage;
using UdpGateway.Provider.CloudFormation;

namespace UdpGateway.Provider.Resources;

/// <summary>
/// The records of one kind that an event's owner (StackId + LogicalResourceId) has: usually one generation, for a while two of
/// them during a replacement. What holds for every kind of resource when events come twice, at the same time, late, or without
/// CloudFormation ever seeing the answer.
/// </summary>
internal sealed class OwnedRecords<TRecord>(IListenerStore store)
    where TRecord : ResourceRecord
{
    /// <summary>Oldest first.</summary>
    public Task<IReadOnlyList<TRecord>> OfAsync(CustomResourceEvent request, CancellationToken cancellationToken) =>
        store.FindByOwnerAsync<TRecord>(request.StackId, request.LogicalResourceId, cancellationToken);

    /// <summary>What the event itself made and nobody was told about: a failed event takes it back.</summary>
    public async Task<IEnumerable<TRecord>> MadeByAsync(CustomResourceEvent request, CancellationToken cancellationToken) =>
        (await OfAsync(request, cancellationToken)).Where(record => record.CreatedByRequestId == request.Key.RequestId && !record.Announced);

    /// <exception cref="RequestRefusedException">A newer event of the same owner has arrived.</exception>
    public async Task RequireNewestAsync(CustomResourceEvent request, CancellationToken cancellationToken)
    {
        if (!(await store.BeginRequestAsync(request.Key, cancellationToken)).IsNewest)
            throw RequestRefusedException.Superseded();
    }

    /// <summary>CloudFormation has taken an answer that names the record.</summary>
    public async Task AnnounceAsync(CustomResourceEvent request, string physicalResourceId, CancellationToken cancellationToken)
    {
        while (await store.FindAsync<TRecord>(physicalResourceId, cancellationToken) is { Announced: false } record && request.Owns(record))
        {
            if (await store.TryWriteAsync(record with { Announced = true }, record.Version, cancellationToken))
                return;
        }
    }

    /// <summary>Deletes the record if it was made before that place in the order of events; null when it is gone, or is not that one any more.</summary>
    public async Task<TRecord?> DeleteAsync(TRecord record, long beforeSequence, Func<TRecord, Task> release, CancellationToken cancellationToken)
    {
        for (var found = record; found is not null && HaveSameOwner(found, record) && found.CreatedBySequence < beforeSequence; found = await store.FindAsync<TRecord>(record.PhysicalResourceId, cancellationToken))
        {
            await release(found);
            if (await store.TryDeleteAsync<TRecord>(found.PhysicalResourceId, found.Version, cancellationToken))
                return found;
        }

        return null;
    }

    /// <summary>The generation that a Create or Update changes in place; null when it has to make one.</summary>
    /// <param name="owned">The owner's generations, oldest first.</param>
    /// <param name="request">The event.</param>
    /// <param name="isSame">Whether a generation is already what the event declares.</param>
    /// <param name="mustReplace">Whether a generation cannot become it.</param>
    public static TRecord? Current(IReadOnlyList<TRecord> owned, CustomResourceEvent request, Func<TRecord, bool> isSame, Func<TRecord, bool> mustReplace)
    {
        // The event's own work first, for it may be a repetition. A definition that is there already comes next: a rollback
        // declares the former properties, and may carry the id of either generation.
        var preferred = owned.LastOrDefault(record => record.CreatedByRequestId == request.Key.RequestId)
            ?? owned.FirstOrDefault(record => record.PhysicalResourceId == request.PhysicalResourceId && isSame(record))
            ?? owned.LastOrDefault(isSame)
            ?? owned.FirstOrDefault(record => record.PhysicalResourceId == request.PhysicalResourceId);
        return preferred is not null && !mustReplace(preferred) ? preferred : owned.LastOrDefault(record => !mustReplace(record));
    }

    /// <summary>What an event made whose answer CloudFormation never took: it will not ask for it, nor for its deletion.</summary>
    public static IEnumerable<TRecord> Leftovers(IReadOnlyList<TRecord> owned, CustomResourceEvent request, TRecord? current) =>
        owned.Where(record => !record.Announced && record.PhysicalResourceId != current?.PhysicalResourceId && record.PhysicalResourceId != request.PhysicalResourceId);

    /// <summary>
    /// What a Delete means. An id that was never issued comes when CloudFormation never got an answer to the Create; it means whatever
    /// that Create left. The id of a Create that failed means what that one left, even if a repetition of it succeeded after all: CloudFormation
    /// took the failure. What was made after the Delete arrived stays.
    /// </summary>
    public static IEnumerable<TRecord> ToDelete(IReadOnlyList<TRecord> owned, string physicalResourceId, bool isIssued, long sequence)
    {
        var older = owned.Where(record => record.CreatedBySequence < sequence);
        return isIssued || owned.Any(record => record.ReplacedId == physicalResourceId) ? older.Where(record => record.PhysicalResourceId == physicalResourceId) : older.Where(record => !record.Announced || physicalResourceId == CustomResourceAnswer.FailedCreateId(record.CreatedByRequestId));
    }

    /// <summary>The changed record as the event's.</summary>
    public static TRecord Claim(TRecord changed, CustomResourceEvent request, RequestState state)
    {
        var isNamed = changed.PhysicalResourceId == request.PhysicalResourceId;
        var claimed = changed with { RequestId = request.Key.RequestId, Announced = changed.Announced || isNamed };

        // A generation that comes back to life counts as made now: a Delete that arrived before must not touch it any more.
        // What nobody was told about becomes this event's own work altogether.
        if (!isNamed && changed.CreatedByRequestId != request.Key.RequestId)
            claimed = claimed with { CreatedByRequestId = request.Key.RequestId, CreatedBySequence = state.Sequence };
        return claimed.Announced ? claimed : claimed with { CreatedByRequestId = request.Key.RequestId };
    }

    private static bool HaveSameOwner(TRecord left, TRecord right) =>
        left.StackId == right.StackId && left.LogicalResourceId == right.LogicalResourceId;
}
