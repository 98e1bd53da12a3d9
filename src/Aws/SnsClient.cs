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

    public async Task<IReadOnlyList<BatchEntryFailure>> PublishBatchAsync(string topicArn, IReadOnlyList<SnsMessage> messages, CancellationToken cancellationToken)
    {
        var request = new PublishBatch
        {
            Method = HttpMethod.Post,
            Headers = [new("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")],
            Body = Form(topicArn, messages),
            Recorded = connection.Records ? Json(topicArn, messages) : null,
            RecordedAnswer = "<PublishBatchResponse/>"u8.ToArray(),
        };

        var response = await _transport.SendAsync(request, cancellationToken);

        return [.. AwsQuery.Parse(response, "SNS PublishBatch").Descendants().Where(element => element.Name.LocalName == "Failed").Elements().Select(ReadFailure)];
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

    private static BatchEntryFailure ReadFailure(XElement member)
    {
        string? Value(string name) => AwsQuery.Text(member, name);
        var index = int.TryParse(Value("Id"), CultureInfo.InvariantCulture, out var id) ? id : -1;
        return new BatchEntryFailure(index, Value("Code") ?? "no code", Value("SenderFault") != "true");
    }

    private sealed class PublishBatch : AwsRequest;
}
