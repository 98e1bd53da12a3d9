using Prometheus;
using UdpGateway.Gateway.Destinations;

namespace UdpGateway.Gateway.Observability;

/// <summary>What happened to the batches of one destination, counted on the thread pool, and which packets it skipped.</summary>
internal sealed class DeliveryCounters(IHistogram seconds)
{
    private readonly long[] _results = new long[Enum.GetValues<DeliveryResult>().Length];
    private readonly long[] _skipped = new long[Enum.GetValues<SkipReason>().Length];

    public void Delivered(DeliveryResult result, TimeSpan duration)
    {
        Interlocked.Increment(ref _results[(int)result]);
        seconds.Observe(duration.TotalSeconds);
    }

    public void Skip(SkipReason reason, long packets) => Interlocked.Add(ref _skipped[(int)reason], packets);

    public long Skipped(SkipReason reason) => Volatile.Read(ref _skipped[(int)reason]);

    public long Batches(DeliveryResult result) => Volatile.Read(ref _results[(int)result]);
}
