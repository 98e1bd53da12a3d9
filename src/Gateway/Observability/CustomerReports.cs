using System.Collections.Concurrent;
using UdpGateway.Gateway.Destinations;

namespace UdpGateway.Gateway.Observability;

/// <summary>
/// Has the reports of all destinations written: logs every second, metrics at the end of each minute. A destination that
/// was changed or removed is reported until its last batch.
/// </summary>
internal sealed class CustomerReports(TimeProvider time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<DestinationDelivery, bool> _deliveries = new();

    public bool IsEmpty => _deliveries.IsEmpty;

    public void Begin(DestinationDelivery delivery)
    {
        if (delivery.Report is not null)
            _deliveries.TryAdd(delivery, false);
    }

    public void End(DestinationDelivery delivery) => _deliveries.TryUpdate(delivery, true, false);

    /// <summary>Runs until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        var minute = MinuteOf(time.GetUtcNow());
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken))
            {
                var now = MinuteOf(time.GetUtcNow());
                foreach (var (delivery, hasEnded) in _deliveries)
                {
                    var isLast = hasEnded && delivery.IsIdle;
                    delivery.Report!.Observe(delivery.Refused);
                    if (isLast || now != minute)
                        delivery.Report.EndMinute(minute);
                    if (isLast)
                        _deliveries.TryRemove(delivery, out _);
                    // Not awaited: the owner of one destination does not wait for another's service. It never throws.
                    _ = delivery.Report.WriteAsync(isLast, CancellationToken.None);
                }

                minute = now;
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // FinishAsync writes the rest.
        }
    }

    /// <summary>Writes what is left, also of the minute that has not ended. After <see cref="RunAsync"/>.</summary>
    public Task FinishAsync(CancellationToken cancellationToken) => Task.WhenAll(_deliveries.Keys.Select(delivery =>
    {
        delivery.Report!.Observe(delivery.Refused);
        delivery.Report.EndMinute(MinuteOf(time.GetUtcNow()));
        return delivery.Report.WriteAsync(isLast: true, cancellationToken);
    }));

    private static DateTimeOffset MinuteOf(DateTimeOffset time) => new(time.Ticks - (time.Ticks % TimeSpan.TicksPerMinute), time.Offset);
}
