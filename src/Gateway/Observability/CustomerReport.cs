using Microsoft.Extensions.Logging;
using UdpGateway.Aws;
using UdpGateway.Gateway.Destinations;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;

namespace UdpGateway.Gateway.Observability;

/// <summary>
/// What the owner of a destination sees of it in their own CloudWatch, written with the destination's role. A report that
/// cannot be written is counted and mentioned once in a while; deliveries never wait for it.
/// </summary>
internal sealed partial class CustomerReport
{
    private static readonly TimeSpan MaxPause = TimeSpan.FromMinutes(1);

    /// <summary>Of log lines that cannot be written; the service takes none of more than a day in one call.</summary>
    private static readonly TimeSpan MaxAge = TimeSpan.FromMinutes(15);

    private readonly string _listener;
    private readonly string _destination;
    private readonly DeliveryCounters _counters;
    private readonly CustomerMetrics? _metrics;
    private readonly CustomerLog? _log;
    private readonly TimeProvider _time;
    private readonly ILogger<CustomerReport> _logger;
    private readonly LogGate _failureLog = new();
    private readonly Attempts _metricAttempts = new();
    private readonly Attempts _logAttempts = new();
    private Refusals _refused;
    private long _notCoap;

    private CustomerReport(ListenerRecord listener, DestinationDefinition destination, GatewayServices services, DeliveryCounters counters)
    {
        _listener = listener.PhysicalResourceId;
        _destination = destination.Name;
        _counters = counters;
        _notCoap = counters.Skipped(SkipReason.NotCoap);
        _time = services.Time;
        _logger = services.Loggers.CreateLogger<CustomerReport>();
        var connection = services.Clients.ConnectCloudWatch(listener, destination);
        if (destination.MetricsEnabled)
        {
            _metrics = new CustomerMetrics(new CloudWatchClient(connection), services.Options.MetricsNamespace,
            [
                new("ListenerName", listener.Definition.Name),
                new("DestinationName", destination.Name),
                new("Region", services.Options.Region),
            ]);
        }

        if (destination.LogGroupName is { } group)
            _log = new CustomerLog(new CloudWatchLogsClient(connection), group, _listener, destination.Name);
    }

    /// <summary>Null when the destination wants none.</summary>
    public static CustomerReport? Create(ListenerRecord listener, DestinationDefinition destination, GatewayServices services, DeliveryCounters counters) =>
        destination.MetricsEnabled || destination.LogGroupName is not null ? new CustomerReport(listener, destination, services, counters) : null;

    /// <summary>Once per batch.</summary>
    public void Delivered(int packets, long bytes, in DeliveryOutcome outcome, TimeSpan duration)
    {
        _metrics?.Delivered(packets, bytes, outcome.Result != DeliveryResult.Delivered, duration);
        if (outcome.Result == DeliveryResult.Delivered)
            return;
        var what = outcome.Result == DeliveryResult.FunctionError ? "function_error" : "delivery_failed";
        Say("ERROR", what, outcome.Problem ?? "the gateway stopped before an answer came", 1, outcome.FailedPackets ?? packets);
    }

    /// <summary>Replies that were on their way to clients, of one batch.</summary>
    public void Replied(int packets, long bytes) => _metrics?.Replied(packets, bytes);

    /// <summary>Replies of one batch that cannot be sent.</summary>
    public void RepliesDropped(int replies, string problem) => Say("WARN", "replies_dropped", problem, 1, replies);

    /// <summary>Takes over what workers only count. Once a second.</summary>
    public void Observe(in Refusals refused)
    {
        var (batches, packets, bytes) = (refused.Batches - _refused.Batches, refused.Packets - _refused.Packets, refused.Bytes - _refused.Bytes);
        _refused = refused;
        if (packets > 0)
        {
            _metrics?.Refused(batches, packets, bytes);
            Say("WARN", "queue_full", "the destination does not keep up, and its queue had no room", batches, packets);
        }

        var notCoap = _counters.Skipped(SkipReason.NotCoap);
        if (notCoap > _notCoap)
            Say("WARN", "not_coap", "packets that are no CoAP messages were left out", 0, notCoap - _notCoap);
        _notCoap = notCoap;
    }

    /// <summary>Ends a minute of the metrics.</summary>
    public void EndMinute(DateTimeOffset start)
    {
        if (_metrics?.EndMinute(start) > 0)
            _counters.ReportsLost(1);
    }

    /// <summary>Writes what waits, unless an earlier write is still under way or failed a moment ago. One caller at a time; never throws.</summary>
    /// <param name="isLast">Try in any case: there is no later.</param>
    public Task WriteAsync(bool isLast, CancellationToken cancellationToken) => Task.WhenAll(
        TryWriteAsync(_metricAttempts, "PutMetricData", isLast, async token => _metrics is not null && await _metrics.WriteAsync(token), cancellationToken),
        TryWriteAsync(_logAttempts, "PutLogEvents", isLast, WriteLogAsync, cancellationToken));

    private async Task<bool> WriteLogAsync(CancellationToken cancellationToken)
    {
        if (_log is null)
            return false;
        _counters.ReportsLost(_log.GiveUpBefore(_time.GetUtcNow() - MaxAge));
        var (wrote, refused) = await _log.WriteAsync(cancellationToken);
        _counters.ReportsLost(refused);
        return wrote;
    }

    private async Task TryWriteAsync(Attempts attempts, string operation, bool isLast, Func<CancellationToken, Task<bool>> write, CancellationToken cancellationToken)
    {
        if (isLast)
            await attempts.Current.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        else if (!attempts.MayBegin(_time))
            return;
        attempts.Current = WriteOnceAsync(attempts, operation, write, cancellationToken);
        await attempts.Current;
    }

    private async Task WriteOnceAsync(Attempts attempts, string operation, Func<CancellationToken, Task<bool>> write, CancellationToken cancellationToken)
    {
        try
        {
            if (await write(cancellationToken))
                _counters.ReportWritten();
            attempts.Succeeded();
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            _counters.ReportFailed();
        }
        catch (Exception fault)
        {
            // Whatever the service or its client throws: the report waits, the deliveries go on.
            attempts.Failed(_time);
            if (_failureLog.TryOpen(out var suppressed))
                Log.NotWritten(_logger, _listener, _destination, operation, fault is AwsServiceException ? fault.Message : $"{fault.GetType().Name}: {fault.Message}", suppressed);
            // Who sees the count finds the line that explains it.
            _counters.ReportFailed();
        }
    }

    private void Say(string level, string what, string problem, long batches, long packets)
    {
        if (_log?.TryAdd(level, what, problem, batches, packets, _time.GetUtcNow()) is false)
            _counters.ReportsLost(1);
    }

    /// <summary>One write at a time, and after failures a pause that doubles.</summary>
    private sealed class Attempts
    {
        private int _failures;
        private long _failedAt;

        /// <summary>The write that is under way, or the last one. It never fails.</summary>
        public Task Current { get; set; } = Task.CompletedTask;

        public bool MayBegin(TimeProvider time) => Current.IsCompleted && (_failures == 0 || time.GetElapsedTime(_failedAt) >= Pause());

        public void Succeeded() => _failures = 0;

        public void Failed(TimeProvider time)
        {
            _failures++;
            _failedAt = time.GetTimestamp();
        }

        private TimeSpan Pause() => TimeSpan.FromSeconds(Math.Min(Math.Pow(2, _failures), MaxPause.TotalSeconds));
    }

    private static partial class Log
    {
        [LoggerMessage(1801, LogLevel.Warning, "Listener {Listener}, destination {Destination}: its owner's CloudWatch cannot be written to by {Operation}: {Problem} ({Suppressed} more since the last line)")]
        public static partial void NotWritten(ILogger logger, string listener, string destination, string operation, string problem, long suppressed);
    }
}

/// <summary>What a destination's queue had no room for since the destination was brought up.</summary>
internal readonly record struct Refusals(long Batches, long Packets, long Bytes);
