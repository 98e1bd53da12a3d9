namespace UdpGateway.Aws;

/// <summary>The operations of Amazon CloudWatch Logs that the gateway calls, named after the API's own.</summary>
public interface ICloudWatchLogs
{
    /// <exception cref="AwsServiceException">The call failed; a group that exists already is no failure.</exception>
    Task CreateLogGroupAsync(string logGroupName, CancellationToken cancellationToken);

    /// <exception cref="AwsServiceException">The call failed; a stream that exists already is no failure.</exception>
    Task CreateLogStreamAsync(string logGroupName, string logStreamName, CancellationToken cancellationToken);

    /// <summary>At most 10,000 events and 1 MiB in all, within 24 hours, in the order of their times. Not repeated on failure.</summary>
    /// <returns>The events that were not taken, for being too old or too new.</returns>
    /// <exception cref="AwsServiceException">The call failed as a whole.</exception>
    Task<IReadOnlyList<BatchEntryFailure>> PutLogEventsAsync(string logGroupName, string logStreamName, IReadOnlyList<LogEvent> events, CancellationToken cancellationToken);
}

/// <param name="Message">UTF-8, not empty; it must not change until the call ends.</param>
public sealed record LogEvent(DateTimeOffset Timestamp, ReadOnlyMemory<byte> Message);
