using Prometheus;
using UdpGateway.Gateway.Destinations;

namespace UdpGateway.Gateway.Observability;

/// <summary>What happened to the batches of one destination. Counted per batch, on the thread pool.</summary>
internal sealed class DeliveryCounters(IHistogram seconds)
{
    private readonly long[] _results = new long[Enum.GetValues<DeliveryResult>().Length];

    public void Delivered(DeliveryResult result, TimeSpan duration)
    {
        Interlocked.Increment(ref _results[(int)result]);
        seconds.Observe(duration.TotalSeconds);
    }

    public long Batches(DeliveryResult result) => Volatile.Read(ref _results[(int)result]);
}
