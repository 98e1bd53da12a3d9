namespace UdpGateway.Aws;

/// <summary>The operations of Amazon SNS that the gateway calls, named after the API's own.</summary>
public interface ISns
{
    /// <summary>At most 10 messages and 256 KiB in all. Not repeated on failure.</summary>
    /// <returns>The messages that were not taken.</returns>
    /// <exception cref="AwsServiceException">The call failed as a whole.</exception>
    Task<IReadOnlyList<BatchEntryFailure>> PublishBatchAsync(string topicArn, IReadOnlyList<SnsMessage> messages, CancellationToken cancellationToken);
}

/// <param name="Message">UTF-8; it must not change until the call ends.</param>
/// <param name="GroupId">Order within a FIFO topic; at most 128 characters.</param>
/// <param name="DeduplicationId">FIFO topics only; at most 128 characters.</param>
public sealed record SnsMessage(ReadOnlyMemory<byte> Message, string? GroupId = null, string? DeduplicationId = null);
