using System.Diagnostics;

namespace UdpGateway.EndToEnd.Tests.Harness;

/// <summary>Waits for a condition instead of for a time.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    public static Task TrueAsync(Func<bool> condition, TimeSpan timeout) => TrueAsync(() => Task.FromResult(condition()), timeout);

    public static async Task TrueAsync(Func<Task<bool>> condition, TimeSpan timeout)
    {
        var watch = Stopwatch.StartNew();
        while (!await condition())
        {
            if (watch.Elapsed > timeout)
                throw new TimeoutException($"The condition did not come true within {timeout}.");
            await Task.Delay(Pause);
        }
    }
}
