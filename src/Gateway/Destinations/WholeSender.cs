using System.Diagnostics;
using UdpGateway.Aws;

namespace UdpGateway.Gateway.Destinations;

/// <summary>Delivers to a one-way service that takes a batch as a whole or not at all: repeats what may succeed later.</summary>
internal static class WholeSender
{
    public static async Task<DeliveryOutcome> SendAsync(RetryPolicy retries, int packets, Func<CancellationToken, Task> send, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        for (var attempts = 1; ; attempts++)
        {
            TimeSpan pause;
            var retried = packets * (attempts - 1);
            try
            {
                await send(cancellationToken);
                return new DeliveryOutcome(DeliveryResult.Delivered, FailedPackets: 0, Retried: retried);
            }
            catch (AwsServiceException failure)
            {
                if (!RetryPolicy.IsTransient(failure) || retries.PauseAfter(attempts, Stopwatch.GetElapsedTime(started)) is not { } next)
                    return new DeliveryOutcome(DeliveryResult.Failed, Problem: failure.Message, FailedPackets: packets, Retried: retried);
                pause = next;
            }

            await Task.Delay(pause, cancellationToken);
        }
    }
}
