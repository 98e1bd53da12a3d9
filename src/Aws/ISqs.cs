namespace UdpGateway.Aws;

/// <summary>The operations of Amazon SQS that gateway and provider call, named after the API's own.</summary>
public interface ISqs
{
    /// <exception cref="AwsServiceException">The call failed.</exception>
    Task<string> GetQueueUrlAsync(string queueName, string ownerAccountId, CancellationToken cancellationToken);

    /// <summary>At most 10 messages and 1 MiB in all. Not repeated on failure.</summary>
    /// <returns>The messages that were not taken.</returns>
    /// <exception cref="AwsServiceException">The call failed as a whole.</exception>
    Task<IReadOnlyList<BatchEntryFailure>> SendMessageBatchAsync(string queueUrl, IReadOnlyList<SqsMessage> messages, CancellationToken cancellationToken);

    /// <summary>Repeated on failure: with equal attributes it changes nothing.</summary>
    /// <param name="tags">Of a queue that is made; one that is there keeps its own.</param>
    /// <returns>The queue's URL.</returns>
    /// <exception cref="AwsServiceException">The call failed.</exception>
    Task<string> CreateQueueAsync(string queueName, IReadOnlyDictionary<string, string> attributes, IReadOnlyDictionary<string, string> tags, CancellationToken cancellationToken);

    /// <exception cref="AwsServiceException">The call failed.</exception>
    Task SetQueueAttributesAsync(string queueUrl, IReadOnlyDictionary<string, string> attributes, CancellationToken cancellationToken);

    /// <exception cref="AwsServiceException">The call failed.</exception>
    Task DeleteQueueAsync(string queueUrl, CancellationToken cancellationToken);

    /// <summary>At most 10 messages; waits up to <paramref name="waitTime"/> (20 s at most) for the first. Not repeated on failure.</summary>
    /// <exception cref="AwsServiceException">The call failed.</exception>
    Task<IReadOnlyList<SqsReceivedMessage>> ReceiveMessageAsync(string queueUrl, TimeSpan waitTime, CancellationToken cancellationToken);

    /// <summary>At most 10 receipt handles.</summary>
    /// <returns>The messages that were not deleted, and will come again.</returns>
    /// <exception cref="AwsServiceException">The call failed as a whole.</exception>
    Task<IReadOnlyList<BatchEntryFailure>> DeleteMessageBatchAsync(string queueUrl, IReadOnlyList<string> receiptHandles, CancellationToken cancellationToken);
}

/// <param name="ReceiptHandle">What deletes it.</param>
public sealed record SqsReceivedMessage(string Body, string ReceiptHandle);

/// <param name="Body">UTF-8; it must not change until the call ends.</param>
/// <param name="GroupId">Order within a FIFO queue, fairness in a standard one; at most 128 characters.</param>
/// <param name="DeduplicationId">FIFO queues only; at most 128 characters.</param>
/// <param name="Attributes">Name, <c>String</c> or <c>Number</c>, and value.</param>
public sealed record SqsMessage(
    ReadOnlyMemory<byte> Body, string? GroupId = null, string? DeduplicationId = null, IReadOnlyList<(string Name, string DataType, string Value)>? Attributes = null);
