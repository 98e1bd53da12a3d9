using System.Globalization;
using System.Text.Json;

namespace UdpGateway.Aws;

/// <summary>Amazon SQS over HTTPS, JSON protocol.</summary>
/// <remarks>Source: Amazon SQS API Reference, version 2012-11-05.</remarks>
public sealed class SqsClient(AwsConnection connection) : ISqs
{
    private static readonly AwsService Sqs = new("SQS", SigningName: "sqs", EndpointPrefix: "sqs");
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    private readonly IAwsTransport _transport = connection.Open(Sqs, AwsRetries.None, Timeout);

    public async Task<string> GetQueueUrlAsync(string queueName, string ownerAccountId, CancellationToken cancellationToken)
    {
        var request = new GetQueueUrl
        {
            Method = HttpMethod.Post,
            Headers = AwsJson.Headers("AmazonSQS.GetQueueUrl", "1.0"),
            Body = JsonSerializer.SerializeToUtf8Bytes(new { QueueName = queueName, QueueOwnerAWSAccountId = ownerAccountId }),
            RecordedAnswer = JsonSerializer.SerializeToUtf8Bytes(new { QueueUrl = $"https://sqs.{connection.Region}.amazonaws.com/{ownerAccountId}/{queueName}" }),
        };

        var response = await _transport.SendAsync(request, cancellationToken);

        using var json = AwsJson.Parse(response, "SQS GetQueueUrl");
        return AwsJson.Text(json.RootElement, "QueueUrl")
            ?? throw AwsServiceException.FromAnswer("SQS GetQueueUrl", response.HttpStatusCode, null, isThrottlingCode: false, "no QueueUrl", null, null);
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
}
