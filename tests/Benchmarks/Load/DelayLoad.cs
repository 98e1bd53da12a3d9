using System.Diagnostics;
using System.Runtime.InteropServices;

namespace UdpGateway.Benchmarks.Load;

/// <summary>
/// Sends at a given rate, and sleeps in between: replies wait in their sockets, with the time of their arrival, until their client's turn.
/// </summary>
internal static partial class DelayLoad
{
    private const int IdlePolicy = 5;
    private const int MonotonicClock = 1;
    private static readonly TimeSpan LastAnswers = TimeSpan.FromMilliseconds(300);

    /// <summary>
    /// From now on the calling thread runs where the gateway leaves a processor idle (SCHED_IDLE), and any thread of the gateway displaces
    /// it: clients and endpoints are on other machines in earnest, and take none of the gateway's time.
    /// </summary>
    public static unsafe void YieldToGateway()
    {
        var priority = 0;
        if (sched_setscheduler(0, IdlePolicy, &priority) != 0)
            throw new InvalidOperationException($"The scheduling policy was refused with error {Marshal.GetLastPInvokeError()}.");
    }

    /// <param name="clients">They send runs in turn.</param>
    /// <param name="packetsPerSecond">Of all clients together.</param>
    /// <param name="run">Packets of one client at once.</param>
    /// <param name="duration">Time in which packets are sent.</param>
    /// <param name="ledger">Knows when packets were sent.</param>
    /// <param name="added">Takes the time of each packet that was answered, without the endpoint's.</param>
    /// <param name="atEndpoint">Takes the endpoint's.</param>
    public static LoadResult Run(
        IReadOnlyList<LoadClient> clients, double packetsPerSecond, int run, TimeSpan duration, DelayLedger ledger, List<TimeSpan> added, List<TimeSpan> atEndpoint)
    {
        var (sent, received) = (0L, 0L);
        var started = Stopwatch.GetTimestamp();
        for (var turn = 0; Stopwatch.GetElapsedTime(started) < duration; turn++)
        {
            SleepUntil(started + (long)(turn * run / packetsPerSecond * Stopwatch.Frequency));
            var client = clients[turn % clients.Count];
            sent += client.Send(run, ledger);
            received += client.OpenReplies(ledger, added, atEndpoint);
        }

        var elapsed = Stopwatch.GetElapsedTime(started);
        Thread.Sleep(LastAnswers);
        foreach (var client in clients)
            received += client.OpenReplies(ledger, added, atEndpoint);
        return new LoadResult(sent, received, elapsed);
    }

    /// <param name="due">Of the stopwatch, which on Linux counts the nanoseconds of the monotonic clock.</param>
    private static unsafe void SleepUntil(long due)
    {
        const int Absolute = 1;
        const long Second = 1_000_000_000;
        var time = stackalloc long[] { due / Second, due % Second };
        while (clock_nanosleep(MonotonicClock, Absolute, time, null) != 0)
        {
            // A signal; the rest of the time remains.
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial int sched_setscheduler(int thread, int policy, int* priority);

    [LibraryImport("libc")]
    private static unsafe partial int clock_nanosleep(int clock, int flags, long* time, long* rest);
}
