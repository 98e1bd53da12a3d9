using UdpGateway.Aws;

namespace UdpGateway.Gateway.Observability;

/// <summary>
/// MetricsEnabled: what one destination delivered, minute by minute, for the CloudWatch of its owner. A minute in which
/// nothing happened is not written. What cannot be written is kept for a quarter of an hour.
/// </summary>
internal sealed class CustomerMetrics(ICloudWatch cloudWatch, string metricNamespace, IReadOnlyList<KeyValuePair<string, string>> dimensions)
{
    private const int MaxPendingMinutes = 15;

    private readonly Lock _gate = new();
    private readonly Queue<IReadOnlyList<MetricDatum>> _pending = new();
    private Minute _open;

    /// <summary>A delivery ended. Once per batch, on the thread pool.</summary>
    public void Delivered(int packets, long bytes, bool isError, TimeSpan duration)
    {
        lock (_gate)
        {
            _open.IngressPackets += packets;
            _open.IngressBytes += bytes;
            _open.Errors += isError ? 1 : 0;
            var milliseconds = duration.TotalMilliseconds;
            _open.Latency = _open.Latency.SampleCount == 0
                ? StatisticSet.Of(milliseconds)
                : new StatisticSet(_open.Latency.SampleCount + 1, _open.Latency.Sum + milliseconds, Math.Min(_open.Latency.Minimum, milliseconds), Math.Max(_open.Latency.Maximum, milliseconds));
        }
    }

    /// <summary>Batches for which the destination's queue had no room.</summary>
    public void Refused(long batches, long packets, long bytes)
    {
        lock (_gate)
        {
            _open.IngressPackets += packets;
            _open.IngressBytes += bytes;
            _open.Errors += batches;
        }
    }

    public void Replied(int packets, long bytes)
    {
        lock (_gate)
        {
            _open.EgressPackets += packets;
            _open.EgressBytes += bytes;
        }
    }

    /// <summary>Ends the minute that began then. Returns how many were given up for it, which is 0 or 1.</summary>
    public int EndMinute(DateTimeOffset start)
    {
        lock (_gate)
        {
            if (_open.IngressPackets == 0 && _open.EgressPackets == 0)
                return 0;
            _pending.Enqueue(Describe(_open, start));
            _open = default;
            if (_pending.Count <= MaxPendingMinutes)
                return 0;
            _pending.Dequeue();
            return 1;
        }
    }

    /// <summary>Writes the minutes that have ended; false when there are none. One caller at a time.</summary>
    /// <exception cref="AwsServiceException">They stay, for another attempt.</exception>
    public async Task<bool> WriteAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<MetricDatum>[] minutes;
        lock (_gate)
            minutes = [.. _pending];
        if (minutes.Length == 0)
            return false;
        await cloudWatch.PutMetricDataAsync(metricNamespace, [.. minutes.SelectMany(minute => minute)], cancellationToken);
        lock (_gate)
        {
            while (_pending.TryPeek(out var first) && minutes.Contains(first))
                _pending.Dequeue();
        }

        return true;
    }

    private List<MetricDatum> Describe(in Minute minute, DateTimeOffset start)
    {
        MetricDatum Datum(string name, string unit, StatisticSet values) => new(name, dimensions, start, unit, values);
        var data = new List<MetricDatum>
        {
            Datum("IngressPackets", "Count", StatisticSet.Of(minute.IngressPackets)),
            Datum("IngressBytes", "Bytes", StatisticSet.Of(minute.IngressBytes)),
            Datum("EgressPackets", "Count", StatisticSet.Of(minute.EgressPackets)),
            Datum("EgressBytes", "Bytes", StatisticSet.Of(minute.EgressBytes)),
            Datum("DeliveryErrors", "Count", StatisticSet.Of(minute.Errors)),
        };
        if (minute.Latency.SampleCount > 0)
            data.Add(Datum("BatchLatency", "Milliseconds", minute.Latency));
        return data;
    }

    private struct Minute
    {
        public long IngressPackets;
        public long IngressBytes;
        public long EgressPackets;
        public long EgressBytes;
        public long Errors;
        public StatisticSet Latency;
    }
}
