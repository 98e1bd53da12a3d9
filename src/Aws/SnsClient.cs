using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Xml;
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
            Method = HttpMethod.Post,
            Headers = FormHeaders(),
            Body = Form(topicArn, messages),
            Recorded = connection.Records ? Json(topicArn, messages) : null,
            RecordedAnswer = "<PublishBatchResponse/>"u8.ToArray(),
        };

        var response = await _transport.SendAsync(request, cancellationToken);

        return [.. Elements(Parse(response), "Failed").Elements().Select(ReadFailure)];
    }

    public async Task<string?> SubscribeAsync(string topicArn, string protocol, string endpoint, IReadOnlyDictionary<string, string> attributes, CancellationToken cancellationToken)
    {
        var form = new List<(string Name, string Value)> { ("TopicArn", topicArn), ("Protocol", protocol), ("Endpoint", endpoint) };
        var number = 0;
        foreach (var (name, value) in attributes)
        {
            number++;
            form.Add((string.Create(CultureInfo.InvariantCulture, $"Attributes.entry.{number}.key"), name));
            form.Add((string.Create(CultureInfo.InvariantCulture, $"Attributes.entry.{number}.value"), value));
        }

        var answer = await CallAsync(new Subscribe { Method = HttpMethod.Post, Headers = FormHeaders(), Body = Form("Subscribe", form) }, cancellationToken);

        var arn = Elements(answer, "SubscriptionArn").FirstOrDefault()?.Value;
        return arn is not null && arn.StartsWith("arn:", StringComparison.Ordinal) ? arn : null;
    }

    public Task UnsubscribeAsync(string subscriptionArn, CancellationToken cancellationToken) =>
        CallAsync(new Unsubscribe { Method = HttpMethod.Post, Headers = FormHeaders(), Body = Form("Unsubscribe", [("SubscriptionArn", subscriptionArn)]) }, cancellationToken);

    public async Task<SnsSubscriptionPage> ListSubscriptionsByTopicAsync(string topicArn, string? nextToken, CancellationToken cancellationToken)
    {
        var form = new List<(string, string)> { ("TopicArn", topicArn) };
        if (nextToken is not null)
            form.Add(("NextToken", nextToken));
        var answer = await CallAsync(new ListSubscriptionsByTopic { Method = HttpMethod.Post, Headers = FormHeaders(), Body = Form("ListSubscriptionsByTopic", form) }, cancellationToken);

        var next = Elements(answer, "NextToken").FirstOrDefault()?.Value;
        return new SnsSubscriptionPage(
            [.. Elements(answer, "Subscriptions").Elements().Select(member => new SnsSubscription(Child(member, "SubscriptionArn"), Child(member, "Protocol"), Child(member, "Endpoint")))],
            string.IsNullOrEmpty(next) ? null : next);
    }

    private async Task<XDocument> CallAsync(AwsRequest request, CancellationToken cancellationToken)
    {
        try
        {
            return Parse(await _repeating.Value.SendAsync(request, cancellationToken));
        }
        catch (AwsServiceException exception) when (exception.ErrorCode is null && ReadError(exception.Body) is var (code, message))
        {
            // Errors of this protocol are XML, which the transport does not read.
            throw AwsServiceException.FromAnswer($"SNS {request.GetType().Name}", exception.StatusCode, code, code.StartsWith("Throttl", StringComparison.Ordinal), message, exception.RequestId, exception, exception.Body.ToArray());
        }
    }

    private static (string Code, string Message)? ReadError(ReadOnlyMemory<byte> body)
    {
        try
        {
            var error = body.IsEmpty ? null : Elements(Load(body), "Error").FirstOrDefault();
            return error is null ? null : (Child(error, "Code"), Child(error, "Message"));
        }
        catch (XmlException)
        {
            // Some proxy's page: the status says all there is.
            return null;
        }
    }

    private static List<KeyValuePair<string, string>> FormHeaders() => [new("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")];

    private static byte[] Form(string action, IEnumerable<(string Name, string Value)> parameters)
    {
        var form = new StringBuilder("Version=2010-03-31&Action=").Append(action);
        foreach (var (name, value) in parameters)
            form.Append('&').Append(name).Append('=').Append(Uri.EscapeDataString(value));
        return Encoding.ASCII.GetBytes(form.ToString());
    }

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

    private static XDocument Parse(AwsResponse response)
    {
        try
        {
            return Load(response.Body);
        }
        catch (XmlException exception)
        {
            throw new AwsServiceException(AwsFailure.ServiceFault, "SNS answered what is no XML", exception);
        }
    }

    private static XDocument Load(ReadOnlyMemory<byte> body)
    {
        using var reader = XmlReader.Create(new MemoryStream(body.ToArray()), new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit });
        return XDocument.Load(reader);
    }

    private static IEnumerable<XElement> Elements(XDocument document, string name) => document.Descendants().Where(element => element.Name.LocalName == name);

    private static string Child(XElement parent, string name) => parent.Elements().FirstOrDefault(element => element.Name.LocalName == name)?.Value ?? string.Empty;

    private static BatchEntryFailure ReadFailure(XElement member)
    {
        string? Value(string name) => member.Elements().FirstOrDefault(element => element.Name.LocalName == name)?.Value;
        var index = int.TryParse(Value("Id"), CultureInfo.InvariantCulture, out var id) ? id : -1;
        return new BatchEntryFailure(index, Value("Code") ?? "no code", Value("SenderFault") != "true");
    }

    private sealed class PublishBatch : AwsRequest;

    private sealed class Subscribe : AwsRequest;

    private sealed class Unsubscribe : AwsRequest;

    private sealed class ListSubscriptionsByTopic : AwsRequest;
}
