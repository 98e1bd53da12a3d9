using System.Diagnostics;
using UdpGateway.WireGuard;

namespace UdpGateway.Benchmarks;

/// <summary>Memory of idle confirmed peers, each made by a real handshake on a virtual clock.</summary>
internal static class PeerMemory
{
    public static void Run(TextWriter output, int count)
    {
        using var crypto = CryptoBackends.CreateBest();
        using var fleet = new PeerFleet(crypto);
        using (var first = fleet.NewClient())
            fleet.Connect(first);
        var before = ResidentBytes();
        var started = Stopwatch.GetTimestamp();
        for (var i = 1; i < count; i++)
        {
            using var client = fleet.NewClient();
            fleet.Connect(client);
            // A thousand handshakes take a virtual second, so the first sessions expire while the last peers come.
            fleet.Now += TimeSpan.FromMilliseconds(1);
        }

        var after = ResidentBytes();
        output.WriteLine(
            $"{fleet.Engine.PeerCount} confirmed peers with {fleet.Engine.SessionCount} sessions: {(after - before) / count} bytes each, {after >> 20} MiB resident in all, {Stopwatch.GetElapsedTime(started).TotalSeconds:F0} s");
    }

    private static long ResidentBytes()
    {
        GC.Collect();
        using var process = Process.GetCurrentProcess();
        return process.WorkingSet64;
    }
}
