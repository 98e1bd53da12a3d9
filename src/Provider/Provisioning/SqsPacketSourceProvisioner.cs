using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Amazon.Runtime;
using Microsoft.Extensions.Logging;
using UdpGateway.Aws;
using UdpGateway.Listeners.Storage;
using Arn = UdpGateway.Listeners.Arn;

namespace UdpGateway.Provider.Provisioning;

/// <summary>
/// A queue for each packet source, subscribed to the customer's topic through the customer's role. The topic sends only what is
/// meant for this region, and the queue takes only what this topic sends. A topic of another account asks the queue's owner for a
/// confirmation, by a message in the queue.
/// </summary>
/// <param name="own">The provider's own account, in the region where the gateways run.</param>
/// <param name="roles">Assumes the customers' roles.</param>
/// <param name="accountId">The provider's account, which owns the queues.</param>
/// <param name="serviceUrl">Where SNS is called; null takes the SDK's configuration.</param>
/// <param name="permissionPatience">How long a refusal may be a permission that IAM has not spread yet.</param>
/// <param name="confirmationPatience">How long a topic of another account may take to ask for its confirmation.</param>
/// <param name="installation">What the queues are tagged with.</param>
/// <param name="pause">Between two attempts of what may still succeed.</param>
internal sealed partial class SqsPacketSourceProvisioner(
    AwsConnection own, DestinationCredentials roles, string accountId, Uri? serviceUrl, TimeSpan permissionPatience, TimeSpan confirmationPatience, string installation, TimeSpan pause,
    ILogger<SqsPacketSourceProvisioner> logger) : IPacketSourceProvisioner
{
    /// <summary>Names of all queues begin so, which the gateways' permissions may count on.</summary>
    public const string QueueNamePrefix = "udpgw-source-";

    private static readonly TimeSpan ConfirmationPoll = TimeSpan.FromSeconds(5);

    private readonly SqsClient _sqs = new(own);
    private readonly RepeatedSteps _steps = new(TimeProvider.System, pause);

    public async Task<PacketSourceRecord> ProvisionAsync(PacketSourceRecord record, CancellationToken cancellationToken)
    {
        string? queueUrl = null;
        string? subscriptionArn = null;
        var refusals = TimeSpan.Zero;
        var polls = TimeSpan.Zero;
        await _steps.UntilDoneAsync(
            async token =>
            {
                queueUrl ??= await PrepareQueueAsync(record, token);
                if (queueUrl is null)
                    return "A queue of the same name was deleted less than a minute ago.";
                try
                {
                    subscriptionArn = await SubscribeAsync(record, token);
                    if (subscriptionArn is not null)
                        return null;
                    if (polls >= confirmationPatience)
                        throw new ProvisioningException($"{NotConfirmed(record)} within {confirmationPatience.TotalSeconds:F0} s.");
                    // The next request makes SNS ask again, if it still waits.
                    polls += ConfirmationPoll;
                    await ConfirmAsync(record, queueUrl, token);
                    return $"{NotConfirmed(record)} yet.";
                }
                catch (AwsServiceException refusal) when (IsRefusal(refusal) && refusals < permissionPatience)
                {
                    refusals += pause;
                    return NotSubscribed(record, refusal);
                }
                catch (AwsServiceException failure) when (!RepeatedSteps.IsTransient(failure))
                {
                    throw new ProvisioningException(NotSubscribed(record, failure), failure);
                }
            },
            cancellationToken);
        return record with { QueueUrl = queueUrl, SubscriptionArn = subscriptionArn };
    }

    public async Task UnsubscribeAsync(PacketSourceRecord former, CancellationToken cancellationToken)
    {
        try
        {
            using var connection = Connect(former);
            var sns = new SnsClient(connection);
            await _steps.UntilDoneAsync(
                async token =>
                {
                    if (former.SubscriptionArn is { } known)
                        await UnsubscribeAsync(sns, known, token);
                    else
                        await UnsubscribeStaleAsync(sns, former, token);
                    return null;
                },
                cancellationToken);
        }
        catch (Exception exception) when (exception is ProvisioningException or ArgumentException)
        {
            // A stack that is deleted may have lost the role already. The queue no longer takes what the topic sends, or is gone.
            Log.NotUnsubscribed(logger, former.TopicArn, former.PhysicalResourceId, exception.Message);
        }
    }

    public async Task ReleaseAsync(PacketSourceRecord record, CancellationToken cancellationToken)
    {
        await UnsubscribeAsync(record, cancellationToken);
        await _steps.UntilDoneAsync(
            async token =>
            {
                try
                {
                    var queueUrl = record.QueueUrl ?? await _sqs.GetQueueUrlAsync(QueueName(record), accountId, token);
                    await _sqs.DeleteQueueAsync(queueUrl, token);
                }
                catch (AwsServiceException exception) when (IsMissing(exception))
                {
                    Log.AlreadyGone(logger, record.PhysicalResourceId);
                }

                return null;
            },
            cancellationToken);
    }

    /// <returns>The queue's URL; null while its name cannot be had again.</returns>
    private async Task<string?> PrepareQueueAsync(PacketSourceRecord record, CancellationToken cancellationToken)
    {
        var attributes = QueueAttributes(record);
        try
        {
            return await _sqs.CreateQueueAsync(QueueName(record), attributes, ProvisioningTags.Of(installation, record), cancellationToken);
        }
        catch (AwsServiceException exception) when (CodeOf(exception) is "QueueAlreadyExists" or "QueueNameExists")
        {
            var queueUrl = await _sqs.GetQueueUrlAsync(QueueName(record), accountId, cancellationToken);
            await _sqs.SetQueueAttributesAsync(queueUrl, attributes, cancellationToken);
            return queueUrl;
        }
        catch (AwsServiceException exception) when (CodeOf(exception) is "QueueDeletedRecently")
        {
            // For 60 seconds after a failed create took it back.
            return null;
        }
        catch (AwsServiceException exception) when (!RepeatedSteps.IsTransient(exception))
        {
            throw new ProvisioningException($"The queue of the packet source could not be made: {RepeatedSteps.Sentence(exception)}", exception);
        }
    }

    private static string NotSubscribed(PacketSourceRecord record, AwsServiceException failure) =>
        $"The topic {record.TopicArn} could not be subscribed through the role {record.RoleArn}, which needs sns:Subscribe, sns:Unsubscribe and sns:ListSubscriptionsByTopic on it and must trust the gateway: {RepeatedSteps.Sentence(failure)}";

    private string NotConfirmed(PacketSourceRecord record) =>
        $"The topic {record.TopicArn}, which is none of the account {accountId}, has not asked the queue for the confirmation of its subscription";

    /// <returns>The subscription's ARN; null while the topic waits for a confirmation.</returns>
    private async Task<string?> SubscribeAsync(PacketSourceRecord record, CancellationToken cancellationToken)
    {
        using var connection = Connect(record);
        var sns = new SnsClient(connection);
        var attributes = new Dictionary<string, string>
        {
            ["RawMessageDelivery"] = "true",
            ["FilterPolicy"] = JsonSerializer.Serialize(new { EgressRegion = new[] { own.Region } }),
        };
        try
        {
            return await RequestAsync();
        }
        catch (AwsServiceException exception) when (CodeOf(exception) is "InvalidParameter")
        {
            // It may exist with other attributes.
            await UnsubscribeStaleAsync(sns, record, cancellationToken);
            Log.Resubscribing(logger, record.PhysicalResourceId);
            return await RequestAsync();
        }

        Task<string?> RequestAsync() => sns.SubscribeAsync(record.TopicArn, "sqs", QueueArn(record), attributes, cancellationToken);
    }

    /// <summary>Looks for the topic's question in the queue, and answers it as the queue's owner: the token is the proof, no signature is needed.</summary>
    private async Task ConfirmAsync(PacketSourceRecord record, string queueUrl, CancellationToken cancellationToken)
    {
        foreach (var message in await _sqs.ReceiveMessageAsync(queueUrl, ConfirmationPoll, cancellationToken))
        {
            if (SnsSubscriptionQuestion.TryRead(message.Body, out var question) && question.TopicArn == record.TopicArn)
            {
                using var connection = new AwsConnection(new AnonymousAWSCredentials(), RegionOf(record), serviceUrl);
                await new SnsClient(connection).ConfirmSubscriptionAsync(question.TopicArn, question.Token, cancellationToken);
                await _sqs.DeleteMessageBatchAsync(queueUrl, [message.ReceiptHandle], cancellationToken);
                Log.Confirmed(logger, record.PhysicalResourceId, record.TopicArn);
            }
        }
    }

    /// <summary>Ends whatever subscription the topic has for the record's queue, known or not.</summary>
    private async Task UnsubscribeStaleAsync(SnsClient sns, PacketSourceRecord record, CancellationToken cancellationToken)
    {
        string? next = null;
        do
        {
            var page = await sns.ListSubscriptionsByTopicAsync(record.TopicArn, next, cancellationToken);
            foreach (var stale in page.Subscriptions.Where(subscription => subscription.Endpoint == QueueArn(record) && subscription.SubscriptionArn.StartsWith("arn:", StringComparison.Ordinal)))
                await UnsubscribeAsync(sns, stale.SubscriptionArn, cancellationToken);

            next = page.NextToken;
        }
        while (next is not null);
    }

    private static async Task UnsubscribeAsync(SnsClient sns, string subscriptionArn, CancellationToken cancellationToken)
    {
        try
        {
            await sns.UnsubscribeAsync(subscriptionArn, cancellationToken);
        }
        catch (AwsServiceException exception) when (IsMissing(exception))
        {
            return;
        }
    }

    // The external id lets the role say which stack it trusts.
    private AwsConnection Connect(PacketSourceRecord record)
    {
        var credentials = roles.For(record.RoleArn ?? string.Empty, record.StackId, $"udpgw-{record.LogicalResourceId}");
        return new AwsConnection(credentials, RegionOf(record), serviceUrl);
    }

    private string RegionOf(PacketSourceRecord record) => Arn.TryParse(record.TopicArn, out var topic) ? topic.Region : own.Region;

    private Dictionary<string, string> QueueAttributes(PacketSourceRecord record) => new()
    {
        ["SqsManagedSseEnabled"] = "true",
        // What could not be sent for five minutes has lost its meaning, and its client.
        ["MessageRetentionPeriod"] = "300",
        ["VisibilityTimeout"] = "30",
        ["Policy"] = JsonSerializer.Serialize(new
        {
            Version = "2012-10-17",
            Statement = new[]
            {
                new
                {
                    Effect = "Allow",
                    Principal = new { Service = "sns.amazonaws.com" },
                    Action = "sqs:SendMessage",
                    Resource = QueueArn(record),
                    Condition = new { ArnEquals = new Dictionary<string, string> { ["aws:SourceArn"] = record.TopicArn } },
                },
            },
        }),
    };

    private string QueueArn(PacketSourceRecord record)
    {
        var partition = Arn.TryParse(record.TopicArn, out var topic) ? topic.Partition : "aws";
        return $"arn:{partition}:sqs:{own.Region}:{accountId}:{QueueName(record)}";
    }

    /// <summary>The same for every event of one record, so that what a lost event made is found.</summary>
    public static string QueueName(PacketSourceRecord record)
    {
        var digest = SHA256.HashData(Encoding.UTF8.GetBytes($"{record.StackId}\n{record.LogicalResourceId}\n{record.PhysicalResourceId}"));
        return $"{QueueNamePrefix}{record.LogicalResourceId[..Math.Min(record.LogicalResourceId.Length, 40)]}-{Convert.ToHexStringLower(digest, 0, 8)}";
    }

    private static bool IsRefusal(AwsServiceException exception) =>
        exception.Failure is AwsFailure.CredentialsUnavailable || CodeOf(exception) is "AuthorizationError" or "AccessDenied" or "AccessDeniedException";

    public static bool IsMissing(AwsServiceException exception) => CodeOf(exception) is "NotFound" or "NonExistentQueue" or "QueueDoesNotExist";

    // SQS writes com.amazonaws.sqs#QueueDoesNotExist or AWS.SimpleQueueService.NonExistentQueue, by protocol.
    private static string? CodeOf(AwsServiceException exception) => exception.ErrorCode?[(exception.ErrorCode.LastIndexOfAny(['.', '#']) + 1)..];

    private static partial class Log
    {
        [LoggerMessage(2501, LogLevel.Warning, "The subscription of {Topic} by {Source} could not be ended, and sends into nothing from now on: {Cause}")]
        public static partial void NotUnsubscribed(ILogger logger, string topic, string source, string cause);

        [LoggerMessage(2502, LogLevel.Information, "The queue of {Source} was gone already")]
        public static partial void AlreadyGone(ILogger logger, string source);

        [LoggerMessage(2503, LogLevel.Information, "The subscription of {Source} had other attributes and is made anew")]
        public static partial void Resubscribing(ILogger logger, string source);

        [LoggerMessage(2504, LogLevel.Information, "The subscription of {Source} to {Topic}, a topic of another account, is confirmed")]
        public static partial void Confirmed(ILogger logger, string source, string topic);
    }
}
