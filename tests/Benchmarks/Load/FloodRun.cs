using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using UdpGateway.WireGuard;

namespace UdpGateway.Benchmarks.Load;

/// <summary>What established sessions notice of a flood.</summary>
/// <param name="Quiet">The same traffic before the flood.</param>
/// <param name="FloodPerSecond">What the flood came to.</param>
/// <param name="P99">Of the time from sending a packet to opening its echo.</param>
/// <param name="MemoryGrowth">Resident bytes from the flood's first second to its end.</param>
internal sealed record FloodRun(LoadResult Quiet, LoadResult Flooded, double FloodPerSecond, TimeSpan QuietP99, TimeSpan P50, TimeSpan P99, long MemoryGrowth)
{
    private const int Sessions = 10;
    private const int PayloadLength = 64;

    public double Delivered => 1 - Flooded.Loss;

    /// <param name="packetsPerSecond">Of each of ten sessions.</param>
    /// <param name="startFlood">Makes the flood; what takes time to prepare is prepared here.</param>
    public static FloodRun Measure(LoadGateway gateway, int packetsPerSecond, TimeSpan duration, Func<Flood> startFlood)
    {
        using var crypto = CryptoBackends.CreateBest();
        var clients = Enumerable.Range(0, Sessions)
            .Select(i => new LoadClient(gateway.Endpoint, gateway.PublicKey, new SecretKey(RandomNumberGenerator.GetBytes(SecretKey.Size)), crypto, i, PayloadLength))
            .ToList();
        clients.ForEach(client => client.Connect());
        var rate = packetsPerSecond * Sessions;
        var ages = new List<TimeSpan>((int)(rate * duration.TotalSeconds * 2));
        PacedLoad.Run(clients, rate, 1, TimeSpan.FromSeconds(1), ages);
        ages.Clear();
        var quiet = PacedLoad.Run(clients, rate, 1, duration / 2, ages);
        var quietP99 = Percentile(ages, 0.99);

        using var flood = startFlood();
        flood.Start();
        PacedLoad.Run(clients, rate, 1, TimeSpan.FromSeconds(1), ages);
        ages.Clear();
        var memory = Environment.WorkingSet;
        var (sentBefore, started) = (flood.Sent, Stopwatch.GetTimestamp());
        var flooded = PacedLoad.Run(clients, rate, 1, duration, ages);
        var perSecond = (flood.Sent - sentBefore) / Stopwatch.GetElapsedTime(started).TotalSeconds;
        var growth = Environment.WorkingSet - memory;
        clients.ForEach(client => client.Dispose());
        return new FloodRun(quiet, flooded, perSecond, quietP99, Percentile(ages, 0.5), Percentile(ages, 0.99), growth);
    }

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"flood {FloodPerSecond:N0}/s: {Delivered:P2} of {Flooded.Sent:N0} delivered, p50 {P50.TotalMilliseconds:F2} ms, p99 {P99.TotalMilliseconds:F2} ms (without: {1 - Quiet.Loss:P2}, p99 {QuietP99.TotalMilliseconds:F2} ms), memory {MemoryGrowth / 1024.0:+#,0;-#,0} KiB");

    private static TimeSpan Percentile(List<TimeSpan> ages, double share)
    {
        if (ages.Count == 0)
            return TimeSpan.MaxValue;
        ages.Sort();
        return ages[(int)((ages.Count - 1) * share)];
    }
}
