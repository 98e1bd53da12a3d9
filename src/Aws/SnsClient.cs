using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Xml.Linq;

namespace UdpGateway.Aws;

/// <summary>Amazon SNS over HTTPS, query protocol: a form goes, XML comes.</summary>
/// <remarks>Source: Amazon SNS API Reference, version 2010-03-31.</remarks>
public sealed class SnsClient(AwsConnection connection) : ISns
{
    private static readonly AwsService Sns = new("SNS", SigningName: "sns", EndpointPrefix: "sns");
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    private readonly IAwsTransport _transport = connection.Open(Sns, AwsRetries.None, Timeout);
    private readonly Lazy<IAwsTransport> _repeating = new(() => connection.Open(Sns, AwsRetries.Standard, Timeout));

    public async Task<IReadOnlyList<BatchEntryFailure>> PublishBatchAsync(string topicArn, IReadOnlyList<SnsMessage> messages, CancellationToken cancellationToken)
    {
        var request = new PublishBatch
        {
            Headers = FormHeaders(),
            Body = Form(topicArn, messages),
            Recorded = connection.Records ? Json(topicArn, messages) : null,
            RecordedAnswer = "<PublishBatchResponse/>"u8.ToArray(),
        };

        var response = await _transport.SendAsync(request, cancellationToken);

        return [.. AwsQuery.Parse(response, "SNS PublishBatch").Descendants().Where(element => element.Name.LocalName == "Failed").Elements().Select(ReadFailure)];
    }

    public async Task<string?> SubscribeAsync(string topicArn, string protocol, string endpoint, IReadOnlyDictionary<string, string> attributes, CancellationToken cancellationToken)
    {
        var answer = await CallAsync(
            new Subscribe(
            [
                ("TopicArn", topicArn), ("Protocol", protocol), ("Endpoint", endpoint),
                .. AwsQuery.List<KeyValuePair<string, string>>("Attributes.entry", attributes, attribute => [("key", attribute.Key), ("value", attribute.Value)]),
            ]),
            cancellationToken);

        var arn = Find(answer, "SubscriptionArn")?.Value;
        return arn is not null && arn.StartsWith("arn:", StringComparison.Ordinal) ? arn : null;
    }

    public Task ConfirmSubscriptionAsync(string topicArn, string token, CancellationToken cancellationToken) =>
        CallAsync(new ConfirmSubscription([("TopicArn", topicArn), ("Token", token)]), cancellationToken);

    public Task UnsubscribeAsync(string subscriptionArn, CancellationToken cancellationToken) =>
        CallAsync(new Unsubscribe([("SubscriptionArn", subscriptionArn)]), cancellationToken);

    public async Task<SnsSubscriptionPage> ListSubscriptionsByTopicAsync(string topicArn, string? nextToken, CancellationToken cancellationToken)
    {
        var answer = await CallAsync(new ListSubscriptionsByTopic([("TopicArn", topicArn), ("NextToken", nextToken)]), cancellationToken);

        var next = Find(answer, "NextToken")?.Value;
        return new SnsSubscriptionPage(
            [.. AwsQuery.Members(answer, "Subscriptions").Select(member => new SnsSubscription(TextOf(member, "SubscriptionArn"), TextOf(member, "Protocol"), TextOf(member, "Endpoint")))],
            string.IsNullOrEmpty(next) ? null : next);
    }

    private async Task<XElement> CallAsync(AwsRequest request, CancellationToken cancellationToken)
    {
        var operation = $"SNS {request.GetType().Name}";
        try
        {
            return AwsQuery.Parse(await _repeating.Value.SendAsync(request, cancellationToken), operation);
        }
        catch (AwsServiceException exception) when (exception.ErrorCode is null && AwsQuery.ReadError(exception.Body) is var (code, message))
        {
            throw AwsServiceException.FromAnswer(operation, exception.StatusCode, code, code.StartsWith("Throttl", StringComparison.Ordinal), message, exception.RequestId, exception, exception.Body.ToArray());
        }
    }

    private static XElement? Find(XElement answer, string name) => answer.Descendants().FirstOrDefault(element => element.Name.LocalName == name);

    private static string TextOf(XElement structure, string name) => AwsQuery.Text(structure, name) ?? string.Empty;

    private static List<KeyValuePair<string, string>> FormHeaders() => [new("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")];

    private static byte[] Form(string topicArn, IReadOnlyList<SnsMessage> messages)
    {
        var form = new StringBuilder("Action=PublishBatch&Version=2010-03-31&TopicArn=").Append(Uri.EscapeDataString(topicArn));
        for (var index = 0; index < messages.Count; index++)
        {
            var message = messages[index];
            var entry = string.Create(CultureInfo.InvariantCulture, $"&PublishBatchRequestEntries.member.{index + 1}.");
            form.Append(entry).Append("Id=").Append(CultureInfo.InvariantCulture, $"{index}");
            form.Append(entry).Append("Message=").Append(Uri.EscapeDataString(Encoding.UTF8.GetString(message.Message.Span)));
            if (message.GroupId is { } group)
                form.Append(entry).Append("MessageGroupId=").Append(Uri.EscapeDataString(group));
            if (message.DeduplicationId is { } deduplication)
                form.Append(entry).Append("MessageDeduplicationId=").Append(Uri.EscapeDataString(deduplication));
        }

        return Encoding.ASCII.GetBytes(form.ToString());
    }

    // A form is hard to read: what is recorded is the input as SDKs and the command line take it.
    private static byte[] Json(string topicArn, IReadOnlyList<SnsMessage> messages) => JsonSerializer.SerializeToUtf8Bytes(new
    {
        TopicArn = topicArn,
        PublishBatchRequestEntries = messages.Select((message, index) => new
        {
            Id = index.ToString(CultureInfo.InvariantCulture),
            Message = Encoding.UTF8.GetString(message.Message.Span),
            MessageGroupId = message.GroupId,
            MessageDeduplicationId = message.DeduplicationId,
        }),
    }, AwsJson.Relaxed);

    private static BatchEntryFailure ReadFailure(XElement member)
    {
        string? Value(string name) => AwsQuery.Text(member, name);
        var index = int.TryParse(Value("Id"), CultureInfo.InvariantCulture, out var id) ? id : -1;
        return new BatchEntryFailure(index, Value("Code") ?? "no code", Value("SenderFault") != "true");
    }

    private sealed class PublishBatch : AwsRequest;

    private abstract class Request(params IEnumerable<(string Name, string? Value)> parameters) : AwsQueryRequest("2010-03-31", parameters);

    private sealed class Subscribe(params IEnumerable<(string Name, string? Value)> parameters) : Request(parameters);

    private sealed class ConfirmSubscription(params IEnumerable<(string Name, string? Value)> parameters) : Request(parameters);

    private sealed class Unsubscribe(params IEnumerable<(string Name, string? Value)> parameters) : Request(parameters);

    private sealed class ListSubscriptionsByTopic(params IEnumerable<(string Name, string? Value)> parameters) : Request(parameters);
}
