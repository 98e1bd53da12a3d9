namespace UdpGateway.Listeners.Storage;

/// <summary>
/// Where listeners, and the resources around them, are kept between the control plane, which writes, and the gateways, which follow the revision.
/// Writes are conditional on <see cref="ResourceRecord.Version"/>, so that parallel or repeated events converge.
/// </summary>
public interface IListenerStore
{
    /// <summary>The newest revision; cheap enough to poll once a second.</summary>
    Task<long> ReadRevisionAsync(CancellationToken cancellationToken);

    /// <summary>All records that gateways serve, with the revision that they belong to.</summary>
    Task<ConfigurationSnapshot> ReadConfigurationAsync(CancellationToken cancellationToken);

    Task<TRecord?> FindAsync<TRecord>(string physicalResourceId, CancellationToken cancellationToken)
        where TRecord : ResourceRecord;

    /// <summary>Every record of the kind that the stack's logical resource owns, in the order of their making.</summary>
    Task<IReadOnlyList<TRecord>> FindByOwnerAsync<TRecord>(string stackId, string logicalResourceId, CancellationToken cancellationToken)
        where TRecord : ResourceRecord;

    /// <summary>
    /// Writes the record if the stored version is <paramref name="expectedVersion"/> (0: must not exist).
    /// The stored record gets the next version. False when somebody else wrote first.
    /// </summary>
    Task<bool> TryWriteAsync(ResourceRecord record, long expectedVersion, CancellationToken cancellationToken);

    /// <summary>Refuses, before anything is made for it, a record that the store cannot hold.</summary>
    /// <exception cref="RecordTooLargeException">It cannot; the message says by how much.</exception>
    void RequireRoom(ResourceRecord record)
    {
    }

    /// <summary>Deletes the record if its version is <paramref name="expectedVersion"/>. False when somebody else wrote first.</summary>
    Task<bool> TryDeleteAsync<TRecord>(string physicalResourceId, long expectedVersion, CancellationToken cancellationToken)
        where TRecord : ResourceRecord;

    /// <summary>
    /// Notes the first arrival of a CloudFormation event and tells what is known about it. Repeating it changes nothing,
    /// so that a retried event keeps its place in the order of events.
    /// </summary>
    Task<RequestState> BeginRequestAsync(RequestKey request, CancellationToken cancellationToken);

    /// <summary>
    /// Stores the answer to an event unless there is one, and returns the answer that holds.
    /// </summary>
    Task<ReadOnlyMemory<byte>> DecideAnswerAsync(RequestKey request, ReadOnlyMemory<byte> answer, CancellationToken cancellationToken);
}

/// <summary>What identifies one CloudFormation event.</summary>
public readonly record struct RequestKey(string StackId, string LogicalResourceId, string RequestId);

/// <param name="Sequence">Place in the order in which the store first saw events; starts at 1.</param>
/// <param name="IsNewest">Whether no later event of the same logical resource has arrived.</param>
/// <param name="Answer">The answer decided first; null while there is none.</param>
public sealed record RequestState(long Sequence, bool IsNewest, ReadOnlyMemory<byte>? Answer);
