namespace UdpGateway.Listeners.Storage;

/// <summary>
/// Where listeners are kept between the control plane, which writes, and the gateways, which follow the revision.
/// Writes are conditional on <see cref="ListenerRecord.Version"/>, so that parallel or repeated events converge.
/// </summary>
public interface IListenerStore
{
    /// <summary>The newest revision; cheap enough to poll once a second.</summary>
    Task<long> ReadRevisionAsync(CancellationToken cancellationToken);

    /// <summary>All listeners with the revision that they belong to.</summary>
    Task<ConfigurationSnapshot> ReadConfigurationAsync(CancellationToken cancellationToken);

    Task<ListenerRecord?> FindAsync(string physicalResourceId, CancellationToken cancellationToken);

    /// <summary>Every generation that the stack's logical resource owns.</summary>
    Task<IReadOnlyList<ListenerRecord>> FindByOwnerAsync(string stackId, string logicalResourceId, CancellationToken cancellationToken);

    /// <summary>
    /// Writes the record if the stored version is <paramref name="expectedVersion"/> (0: must not exist).
    /// The stored record gets the next version. False when somebody else wrote first.
    /// </summary>
    Task<bool> TryWriteAsync(ListenerRecord record, long expectedVersion, CancellationToken cancellationToken);

    /// <summary>Deletes the record if its version is <paramref name="expectedVersion"/>. False when somebody else wrote first.</summary>
    Task<bool> TryDeleteAsync(string physicalResourceId, long expectedVersion, CancellationToken cancellationToken);
}
