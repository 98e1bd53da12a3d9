using System.Text.Json;

namespace UdpGateway.Aws;

/// <summary>Amazon CloudWatch Logs over HTTPS, JSON protocol.</summary>
/// <remarks>Source: Amazon CloudWatch Logs API Reference, version 2014-03-28.</remarks>
public sealed class CloudWatchLogsClient(AwsConnection connection) : ICloudWatchLogs
{
    private static readonly AwsService Logs = new("CloudWatch Logs", SigningName: "logs", EndpointPrefix: "logs");
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    private readonly IAwsTransport _transport = connection.Open(Logs, AwsRetries.None, Timeout);

    public Task CreateLogGroupAsync(string logGroupName, CancellationToken cancellationToken) => CreateAsync(
        new CreateLogGroup
        {
            Method = HttpMethod.Post,
            Headers = AwsJson.Headers("Logs_20140328.CreateLogGroup", "1.1"),
            Body = JsonSerializer.SerializeToUtf8Bytes(new { logGroupName }),
        },
        cancellationToken);

    public Task CreateLogStreamAsync(string logGroupName, string logStreamName, CancellationToken cancellationToken) => CreateAsync(
        new CreateLogStream
        {
            Method = HttpMethod.Post,
            Headers = AwsJson.Headers("Logs_20140328.CreateLogStream", "1.1"),
            Body = JsonSerializer.SerializeToUtf8Bytes(new { logGroupName, logStreamName }),
        },
        cancellationToken);

    public async Task<IReadOnlyList<BatchEntryFailure>> PutLogEventsAsync(string logGroupName, string logStreamName, IReadOnlyList<LogEvent> events, CancellationToken cancellationToken)
    {
        using var body = new PooledBuffer(events.Sum(logEvent => logEvent.Message.Length + 64));
        using (var writer = AwsJson.Writer(body))
        {
            writer.WriteStartObject();
            writer.WriteString("logGroupName", logGroupName);
            writer.WriteString("logStreamName", logStreamName);
            writer.WriteStartArray("logEvents");
            foreach (var logEvent in events)
            {
                writer.WriteStartObject();
                writer.WriteNumber("timestamp", logEvent.Timestamp.ToUnixTimeMilliseconds());
                writer.WriteString("message", logEvent.Message.Span);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        var request = new PutLogEvents
        {
            Method = HttpMethod.Post,
            Headers = AwsJson.Headers("Logs_20140328.PutLogEvents", "1.1"),
            Body = body.WrittenMemory,
            Recorded = body.WrittenMemory,
        };
        var response = await _transport.SendAsync(request, cancellationToken);

        using var json = AwsJson.Parse(response, "CloudWatch Logs PutLogEvents");
        return json.RootElement.TryGetProperty("rejectedLogEventsInfo", out var rejected) && rejected.ValueKind == JsonValueKind.Object
            ? ReadRejected(rejected, events.Count)
            : [];
    }

    /// <summary>Events are in the order of their times, so the answer names the end of those that are too old, and the start of those that are too new.</summary>
    private static List<BatchEntryFailure> ReadRejected(JsonElement rejected, int count)
    {
        int? Index(string name) => rejected.TryGetProperty(name, out var value) && value.TryGetInt32(out var index) ? Math.Clamp(index, 0, count) : null;
        var expired = Index("expiredLogEventEndIndex") ?? 0;
        var tooOld = Math.Max(Index("tooOldLogEventEndIndex") ?? 0, expired);
        var tooNew = Index("tooNewLogEventStartIndex") ?? count;
        return
        [
            .. Enumerable.Range(0, tooOld).Select(index => new BatchEntryFailure(index, index < expired ? "expired" : "too old", IsTransient: false)),
            .. Enumerable.Range(0, count).Skip(Math.Max(tooOld, tooNew)).Select(index => new BatchEntryFailure(index, "too new", IsTransient: false)),
        ];
    }

    private async Task CreateAsync(AwsRequest request, CancellationToken cancellationToken)
    {
        try
        {
            await _transport.SendAsync(request, cancellationToken);
        }
        catch (AwsServiceException failure) when (failure.ErrorCode == "ResourceAlreadyExistsException")
        {
            // Somebody else was first.
        }
    }

    private sealed class CreateLogGroup : AwsRequest;

    private sealed class CreateLogStream : AwsRequest;

    private sealed class PutLogEvents : AwsRequest;
}
