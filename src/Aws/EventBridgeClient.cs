namespace UdpGateway.Aws;

/// <summary>Amazon EventBridge over HTTPS, JSON protocol.</summary>
/// <remarks>Source: Amazon EventBridge API Reference, version 2015-10-07.</remarks>
public sealed class EventBridgeClient(AwsConnection connection) : IEventBridge
{
    private static readonly AwsService EventBridge = new("EventBridge", SigningName: "events", EndpointPrefix: "events");
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    private readonly IAwsTransport _transport = connection.Open(EventBridge, AwsRetries.None, Timeout);

    public async Task<IReadOnlyList<BatchEntryFailure>> PutEventsAsync(IReadOnlyList<EventBridgeEntry> entries, CancellationToken cancellationToken)
    {
        using var body = new PooledBuffer(entries.Sum(entry => entry.Detail.Length + (entry.Detail.Length / 4) + 512));
        using (var writer = AwsJson.Writer(body))
        {
            writer.WriteStartObject();
            writer.WriteStartArray("Entries");
            foreach (var entry in entries)
            {
                writer.WriteStartObject();
                writer.WriteString("EventBusName", entry.EventBusArn);
                writer.WriteString("Source", entry.Source);
                writer.WriteString("DetailType", entry.DetailType);
                writer.WriteNumber("Time", entry.Time.ToUnixTimeMilliseconds() / 1000.0);
                writer.WriteString("Detail", entry.Detail.Span);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        var request = new PutEvents
        {
            Method = HttpMethod.Post,
            Headers = AwsJson.Headers("AWSEvents.PutEvents", "1.1"),
            Body = body.WrittenMemory,
            Recorded = body.WrittenMemory,
        };
        var response = await _transport.SendAsync(request, cancellationToken);

        using var json = AwsJson.Parse(response, "EventBridge PutEvents");
        return AwsJson.EntryFailures(json.RootElement, "Entries", "ErrorCode");
    }

    private sealed class PutEvents : AwsRequest;
}
