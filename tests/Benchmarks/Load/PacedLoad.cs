using System.Diagnostics;

namespace UdpGateway.Benchmarks.Load;

/// <param name="Sent">Packets that the kernel took.</param>
/// <param name="Received">Answers that came back, also after the last packet.</param>
/// <param name="Elapsed">Time in which packets were sent.</param>
internal readonly record struct LoadResult(long Sent, long Received, TimeSpan Elapsed)
{
    public double Loss => Sent == 0 ? 1 : 1 - ((double)Received / Sent);

    public double PerSecond => Received / Elapsed.TotalSeconds;
}

/// <summary>Sends at a given rate whether answers come or not, in runs of one client after the other.</summary>
internal static class PacedLoad
{
    private static readonly TimeSpan LastAnswers = TimeSpan.FromMilliseconds(300);

    /// <param name="packetsPerSecond">Of all clients together.</param>
    /// <param name="run">Packets of one client at once.</param>
    /// <param name="ages">Null to count answers without opening them.</param>
    public static LoadResult Run(IReadOnlyList<LoadClient> clients, double packetsPerSecond, int run, TimeSpan duration, List<TimeSpan>? ages = null)
    {
        var (sent, received) = (0L, 0L);
        var started = Stopwatch.GetTimestamp();
        TimeSpan elapsed;
        for (var turn = 0; (elapsed = Stopwatch.GetElapsedTime(started)) < duration; turn++)
        {
            var due = TimeSpan.FromSeconds((double)turn * run / packetsPerSecond);
            if (due > elapsed)
                received += Wait(clients, started, due, ages);
            var client = clients[turn % clients.Count];
            sent += client.Send(run);
            received += Take(client, ages);
        }

        var last = Stopwatch.GetTimestamp();
        while (received < sent && Stopwatch.GetElapsedTime(last) < LastAnswers)
        {
            Thread.Sleep(1);
            received += TakeAll(clients, ages);
        }

        return new LoadResult(sent, received, elapsed);
    }

    private static long Wait(IReadOnlyList<LoadClient> clients, long started, TimeSpan due, List<TimeSpan>? ages)
    {
        var received = 0L;
        while (Stopwatch.GetElapsedTime(started) < due)
        {
            // A millisecond is the shortest sleep; shorter waits are spent on looking for answers.
            if (due - Stopwatch.GetElapsedTime(started) > TimeSpan.FromMilliseconds(2))
                Thread.Sleep(1);
            received += TakeAll(clients, ages);
        }

        return received;
    }

    private static long TakeAll(IReadOnlyList<LoadClient> clients, List<TimeSpan>? ages)
    {
        var received = 0L;
        for (var i = 0; i < clients.Count; i++)
            received += Take(clients[i], ages);
        return received;
    }

    private static int Take(LoadClient client, List<TimeSpan>? ages) => ages is null ? client.CountReplies() : client.OpenReplies(ages);
}
