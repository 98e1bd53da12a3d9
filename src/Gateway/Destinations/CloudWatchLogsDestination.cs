using UdpGateway.Aws;
using UdpGateway.Gateway.Batching;
using UdpGateway.Gateway.Packets;
using UdpGateway.Listeners;

namespace UdpGateway.Gateway.Destinations;

/// <summary>
/// One log event per packet, whose message is the payload as text, so that metric filters see what the client wrote. The stream
/// is <c>LISTENER/DESTINATION/RANDOM</c>, a new one whenever the destination is brought up.
/// </summary>
internal sealed class CloudWatchLogsDestination : IDestination
{
    // https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html; each event counts 26 bytes more.
    private const int MaxEntries = 10_000;
    private const long MaxBytes = 1_048_576;
    private const int EventOverhead = 26;
    private const string NotFound = "ResourceNotFoundException";

    private readonly EntrySender<LogEvent> _sender;
    private readonly PayloadFormatter _formatter;

    public CloudWatchLogsDestination(DestinationContext context)
    {
        // Base64, the default elsewhere, would hide the text that filters look for.
        _formatter = context.Definition.Formatter == PayloadFormatter.Base64 ? PayloadFormatter.Utf8 : context.Definition.Formatter;
        var name = context.Arn.Resource["log-group:".Length..];
        var group = name.EndsWith(":*", StringComparison.Ordinal) ? name[..^2] : name;
        var stream = $"{context.Listener.PhysicalResourceId}/{context.Definition.Name}/{Guid.NewGuid():N}";
        var logs = new CloudWatchLogsClient(context.Connection);
        var isReady = new SharedLookup<bool>(async token =>
        {
            await CreateStreamAsync(logs, group, stream, token);
            return true;
        });
        _sender = new EntrySender<LogEvent>(new EntryLimits(MaxEntries, MaxBytes, MaxBytes), context.Retries, async (events, token) =>
        {
            var ready = isReady.GetAsync(token);
            await ready;
            try
            {
                return await logs.PutLogEventsAsync(group, stream, events, token);
            }
            catch (AwsServiceException failure) when (failure.ErrorCode == NotFound)
            {
                // Somebody has deleted the stream or its group since.
                isReady.Forget(ready);
                await isReady.GetAsync(token);
                return await logs.PutLogEventsAsync(group, stream, events, token);
            }
        });
    }

    public DestinationLimits Limits => DestinationLimits.OneWay;

    public async Task<DeliveryOutcome> DeliverAsync(PacketBatch batch, CancellationToken cancellationToken)
    {
        using var payloads = EncodedPackets.AsText(batch, _formatter);
        var tally = new DeliveryTally();
        var entries = new List<Entry<LogEvent>>(batch.Count);
        // The service wants the events of a call in the order of their times, and clocks are set back at times.
        foreach (var index in Enumerable.Range(0, batch.Count).OrderBy(index => batch[index].Origin.ReceivedAtUnixMilliseconds))
        {
            var payload = payloads[index];
            if (payload.IsEmpty)
                tally.Fail(index, "a packet without payload is no log event: CloudWatch Logs takes no empty messages");
            else
                entries.Add(new Entry<LogEvent>(index, payload.Length + EventOverhead, new LogEvent(DateTimeOffset.FromUnixTimeMilliseconds(batch[index].Origin.ReceivedAtUnixMilliseconds), payload)));
        }

        return await _sender.SendAsync(batch, entries, tally, cancellationToken);
    }

    /// <summary>The group is made only if it is missing: most roles may not make one, and need not.</summary>
    private static async Task CreateStreamAsync(CloudWatchLogsClient logs, string group, string stream, CancellationToken cancellationToken)
    {
        try
        {
            await logs.CreateLogStreamAsync(group, stream, cancellationToken);
        }
        catch (AwsServiceException failure) when (failure.ErrorCode == NotFound)
        {
            await logs.CreateLogGroupAsync(group, cancellationToken);
            await logs.CreateLogStreamAsync(group, stream, cancellationToken);
        }
    }
}
