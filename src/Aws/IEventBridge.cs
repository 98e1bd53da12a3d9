namespace UdpGateway.Aws;

/// <summary>The operations of Amazon EventBridge that the gateway calls, named after the API's own.</summary>
public interface IEventBridge
{
    /// <summary>At most 10 entries and 256 KiB in all. Not repeated on failure.</summary>
    /// <returns>The entries that were not taken.</returns>
    /// <exception cref="AwsServiceException">The call failed as a whole.</exception>
    Task<IReadOnlyList<BatchEntryFailure>> PutEventsAsync(IReadOnlyList<EventBridgeEntry> entries, CancellationToken cancellationToken);
}

/// <param name="Detail">A JSON object as UTF-8; it must not change until the call ends.</param>
public sealed record EventBridgeEntry(string EventBusArn, string Source, string DetailType, DateTimeOffset Time, ReadOnlyMemory<byte> Detail);
