using System.Diagnostics.Metrics;
using Prometheus;
using UdpGateway.Gateway.Destinations;

namespace UdpGateway.Gateway.Observability;

/// <summary>
/// What happened to the batches of one destination and to their packets, counted per batch on the thread pool, and which
/// packets it skipped.
/// </summary>
internal sealed class DeliveryCounters(IHistogram seconds, Histogram<double> times, string listener, string destination)
{
    private readonly long[] _results = new long[Enum.GetValues<DeliveryResult>().Length];
    private readonly long[] _skipped = new long[Enum.GetValues<SkipReason>().Length];

    private readonly long[] _packets = new long[Enum.GetValues<DeliveryResult>().Length];
    private long _retried;
    private long _refused;
    private long _reportsWritten;
    private long _reportsFailed;
    private long _reportsLost;
    private long _deadLetters;
    private long _lostDeadLetters;

    /// <summary>Packets that were sent again to a one-way destination, once for each time.</summary>
    public long Retried => Volatile.Read(ref _retried);

    /// <summary>Packets that the queue had no room for.</summary>
    public long Refused => Volatile.Read(ref _refused);

    /// <summary>Calls of the owner's CloudWatch that succeeded.</summary>
    public long ReportsWritten => Volatile.Read(ref _reportsWritten);

    public long ReportsFailed => Volatile.Read(ref _reportsFailed);

    /// <summary>Log lines and minutes of metrics that were given up.</summary>
    public long LostReports => Volatile.Read(ref _reportsLost);

    public void Delivered(int packets, in DeliveryOutcome outcome, TimeSpan duration)
    {
        var result = outcome.Result;
        var failed = result == DeliveryResult.Delivered ? 0 : outcome.FailedPackets ?? packets;
        Interlocked.Increment(ref _results[(int)result]);
        Interlocked.Add(ref _packets[(int)DeliveryResult.Delivered], packets - failed);
        if (failed > 0)
            Interlocked.Add(ref _packets[(int)result], failed);
        Interlocked.Add(ref _retried, outcome.Retried);
        seconds.Observe(duration.TotalSeconds);
        times.Record(duration.TotalSeconds, new("listener", listener), new("destination", destination));
    }

    public void Refuse(int packets) => Interlocked.Add(ref _refused, packets);

    public void ReportWritten() => Interlocked.Increment(ref _reportsWritten);

    public void ReportFailed() => Interlocked.Increment(ref _reportsFailed);

    public void ReportsLost(int count) => Interlocked.Add(ref _reportsLost, count);

    /// <summary>Packets in the dead-letter queue.</summary>
    public long DeadLetters => Volatile.Read(ref _deadLetters);

    /// <summary>Packets that should be there, and are not.</summary>
    public long LostDeadLetters => Volatile.Read(ref _lostDeadLetters);

    public void DeadLettered(long sent, long lost)
    {
        Interlocked.Add(ref _deadLetters, sent);
        Interlocked.Add(ref _lostDeadLetters, lost);
    }

    public void Skip(SkipReason reason, long packets) => Interlocked.Add(ref _skipped[(int)reason], packets);

    public long Skipped(SkipReason reason) => Volatile.Read(ref _skipped[(int)reason]);

    public long Packets(DeliveryResult result) => Volatile.Read(ref _packets[(int)result]);

    public long Batches(DeliveryResult result) => Volatile.Read(ref _results[(int)result]);
}
