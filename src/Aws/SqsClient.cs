using System.Globalization;
using System.Text.Json;

namespace UdpGateway.Aws;

/// <summary>Amazon SQS over HTTPS, JSON protocol.</summary>
/// <remarks>Source: Amazon SQS API Reference, version 2012-11-05.</remarks>
public sealed class SqsClient(AwsConnection connection) : ISqs
{
    private static readonly AwsService Sqs = new("SQS", SigningName: "sqs", EndpointPrefix: "sqs");
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    // Of one attempt of a long poll, which waits for up to 20 s.
    private static readonly TimeSpan PollTimeout = TimeSpan.FromSeconds(30);

    private readonly IAwsTransport _transport = connection.Open(Sqs, AwsRetries.None, Timeout);
    private readonly Lazy<IAwsTransport> _repeating = new(() => connection.Open(Sqs, AwsRetries.Standard, Timeout));
    private readonly Lazy<IAwsTransport> _polling = new(() => connection.Open(Sqs, AwsRetries.None, PollTimeout));

    public async Task<string> GetQueueUrlAsync(string queueName, string ownerAccountId, CancellationToken cancellationToken)
    {
        var request = new GetQueueUrl
        {
            Method = HttpMethod.Post,
            Headers = AwsJson.Headers("AmazonSQS.GetQueueUrl", "1.0"),
            Body = JsonSerializer.SerializeToUtf8Bytes(new { QueueName = queueName, QueueOwnerAWSAccountId = ownerAccountId }),
            RecordedAnswer = JsonSerializer.SerializeToUtf8Bytes(new { QueueUrl = $"https://sqs.{connection.Region}.amazonaws.com/{ownerAccountId}/{queueName}" }),
        };

        return ReadQueueUrl(await _transport.SendAsync(request, cancellationToken), "SQS GetQueueUrl");
    }

    public async Task<IReadOnlyList<BatchEntryFailure>> SendMessageBatchAsync(string queueUrl, IReadOnlyList<SqsMessage> messages, CancellationToken cancellationToken)
    {
        using var body = new PooledBuffer(messages.Sum(message => message.Body.Length + (message.Body.Length / 4) + 512));
        Write(body, queueUrl, messages);
        var request = new SendMessageBatch
        {
            Method = HttpMethod.Post,
            Headers = AwsJson.Headers("AmazonSQS.SendMessageBatch", "1.0"),
            Body = body.WrittenMemory,
            Recorded = body.WrittenMemory,
        };

        var response = await _transport.SendAsync(request, cancellationToken);

        using var json = AwsJson.Parse(response, "SQS SendMessageBatch");
        return [.. AwsJson.Items(json.RootElement, "Failed").Select(ReadFailure)];
    }

    public async Task<string> CreateQueueAsync(string queueName, IReadOnlyDictionary<string, string> attributes, IReadOnlyDictionary<string, string> tags, CancellationToken cancellationToken)
    {
        var request = new CreateQueue
        {
            Method = HttpMethod.Post,
            Headers = AwsJson.Headers("AmazonSQS.CreateQueue", "1.0"),
            Body = JsonSerializer.SerializeToUtf8Bytes(new { QueueName = queueName, Attributes = attributes, tags }),
        };

        return ReadQueueUrl(await _repeating.Value.SendAsync(request, cancellationToken), "SQS CreateQueue");
    }

    public Task SetQueueAttributesAsync(string queueUrl, IReadOnlyDictionary<string, string> attributes, CancellationToken cancellationToken)
    {
        var request = new SetQueueAttributes
        {
            Method = HttpMethod.Post,
            Headers = AwsJson.Headers("AmazonSQS.SetQueueAttributes", "1.0"),
            Body = JsonSerializer.SerializeToUtf8Bytes(new { QueueUrl = queueUrl, Attributes = attributes }),
        };
        return _repeating.Value.SendAsync(request, cancellationToken);
    }

    public Task DeleteQueueAsync(string queueUrl, CancellationToken cancellationToken)
    {
        var request = new DeleteQueue
        {
            Method = HttpMethod.Post,
            Headers = AwsJson.Headers("AmazonSQS.DeleteQueue", "1.0"),
            Body = JsonSerializer.SerializeToUtf8Bytes(new { QueueUrl = queueUrl }),
        };
        return _repeating.Value.SendAsync(request, cancellationToken);
    }

    public async Task<IReadOnlyList<SqsReceivedMessage>> ReceiveMessageAsync(string queueUrl, TimeSpan waitTime, CancellationToken cancellationToken)
    {
        var request = new ReceiveMessage
        {
            Method = HttpMethod.Post,
            Headers = AwsJson.Headers("AmazonSQS.ReceiveMessage", "1.0"),
            Body = JsonSerializer.SerializeToUtf8Bytes(new { QueueUrl = queueUrl, MaxNumberOfMessages = 10, WaitTimeSeconds = (int)waitTime.TotalSeconds }),
        };

        var response = await _polling.Value.SendAsync(request, cancellationToken);

        // Without messages moto answers with nothing at all.
        if (response.Body.IsEmpty)
            return [];
        using var json = AwsJson.Parse(response, "SQS ReceiveMessage");
        return [.. AwsJson.Items(json.RootElement, "Messages").Select(message =>
            new SqsReceivedMessage(AwsJson.Text(message, "Body") ?? string.Empty, AwsJson.Text(message, "ReceiptHandle") ?? string.Empty))];
    }

    public async Task<IReadOnlyList<BatchEntryFailure>> DeleteMessageBatchAsync(string queueUrl, IReadOnlyList<string> receiptHandles, CancellationToken cancellationToken)
    {
        var request = new DeleteMessageBatch
        {
            Method = HttpMethod.Post,
            Headers = AwsJson.Headers("AmazonSQS.DeleteMessageBatch", "1.0"),
            Body = JsonSerializer.SerializeToUtf8Bytes(new
            {
                QueueUrl = queueUrl,
                Entries = receiptHandles.Select((handle, index) => new { Id = index.ToString(CultureInfo.InvariantCulture), ReceiptHandle = handle }),
            }),
        };

        var response = await _repeating.Value.SendAsync(request, cancellationToken);

        using var json = AwsJson.Parse(response, "SQS DeleteMessageBatch");
        return [.. AwsJson.Items(json.RootElement, "Failed").Select(ReadFailure)];
    }

    private static string ReadQueueUrl(AwsResponse response, string operation)
    {
        using var json = AwsJson.Parse(response, operation);
        return AwsJson.Text(json.RootElement, "QueueUrl")
            ?? throw AwsServiceException.FromAnswer(operation, response.HttpStatusCode, null, isThrottlingCode: false, "no QueueUrl", null, null);
    }

    private static void Write(PooledBuffer body, string queueUrl, IReadOnlyList<SqsMessage> messages)
    {
        using var writer = AwsJson.Writer(body);
        writer.WriteStartObject();
        writer.WriteString("QueueUrl", queueUrl);
        writer.WriteStartArray("Entries");
        for (var index = 0; index < messages.Count; index++)
            WriteEntry(writer, index, messages[index]);
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void WriteEntry(Utf8JsonWriter writer, int index, SqsMessage message)
    {
        writer.WriteStartObject();
        writer.WriteString("Id", index.ToString(CultureInfo.InvariantCulture));
        writer.WriteString("MessageBody", message.Body.Span);
        if (message.GroupId is { } group)
            writer.WriteString("MessageGroupId", group);
        if (message.DeduplicationId is { } deduplication)
            writer.WriteString("MessageDeduplicationId", deduplication);
        if (message.Attributes is { } attributes)
        {
            writer.WriteStartObject("MessageAttributes");
            foreach (var (name, type, value) in attributes)
            {
                writer.WriteStartObject(name);
                writer.WriteString("DataType", type);
                writer.WriteString("StringValue", value);
                writer.WriteEndObject();
            }

            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }

    private static BatchEntryFailure ReadFailure(JsonElement failed)
    {
        var index = int.TryParse(AwsJson.Text(failed, "Id"), CultureInfo.InvariantCulture, out var id) ? id : -1;
        var senderFault = failed.TryGetProperty("SenderFault", out var fault) && fault.ValueKind == JsonValueKind.True;
        return new BatchEntryFailure(index, AwsJson.Text(failed, "Code") ?? "no code", !senderFault);
    }

    private sealed class GetQueueUrl : AwsRequest;

    private sealed class SendMessageBatch : AwsRequest;

    private sealed class CreateQueue : AwsRequest;

    private sealed class SetQueueAttributes : AwsRequest;

    private sealed class DeleteQueue : AwsRequest;

    private sealed class ReceiveMessage : AwsRequest;

    private sealed class DeleteMessageBatch : AwsRequest;
}
