namespace UdpGateway.Aws;

/// <summary>The operations of Amazon SNS that gateway and provider call, named after the API's own.</summary>
public interface ISns
{
    /// <summary>At most 10 messages and 256 KiB in all. Not repeated on failure.</summary>
    /// <returns>The messages that were not taken.</returns>
    /// <exception cref="AwsServiceException">The call failed as a whole.</exception>
    Task<IReadOnlyList<BatchEntryFailure>> PublishBatchAsync(string topicArn, IReadOnlyList<SnsMessage> messages, CancellationToken cancellationToken);

    /// <summary>Repeating it with equal attributes changes nothing.</summary>
    /// <returns>The subscription's ARN; null while the endpoint's owner has to confirm it.</returns>
    /// <exception cref="AwsServiceException">The call failed.</exception>
    Task<string?> SubscribeAsync(string topicArn, string protocol, string endpoint, IReadOnlyDictionary<string, string> attributes, CancellationToken cancellationToken);

    /// <summary>On behalf of the endpoint's owner, who alone knows the token.</summary>
    /// <exception cref="AwsServiceException">The call failed.</exception>
    Task ConfirmSubscriptionAsync(string topicArn, string token, CancellationToken cancellationToken);

    /// <exception cref="AwsServiceException">The call failed.</exception>
    Task UnsubscribeAsync(string subscriptionArn, CancellationToken cancellationToken);

    /// <param name="nextToken">Null for the first page.</param>
    /// <exception cref="AwsServiceException">The call failed.</exception>
    Task<SnsSubscriptionPage> ListSubscriptionsByTopicAsync(string topicArn, string? nextToken, CancellationToken cancellationToken);
}

/// <param name="NextToken">Null after the last page.</param>
public sealed record SnsSubscriptionPage(IReadOnlyList<SnsSubscription> Subscriptions, string? NextToken);

/// <param name="SubscriptionArn">Or <c>PendingConfirmation</c>.</param>
public sealed record SnsSubscription(string SubscriptionArn, string Protocol, string Endpoint);

/// <param name="Message">UTF-8; it must not change until the call ends.</param>
/// <param name="GroupId">Order within a FIFO topic; at most 128 characters.</param>
/// <param name="DeduplicationId">FIFO topics only; at most 128 characters.</param>
public sealed record SnsMessage(ReadOnlyMemory<byte> Message, string? GroupId = null, string? DeduplicationId = null);
