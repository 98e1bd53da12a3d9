using System.Globalization;
using UdpGateway.Benchmarks.Load;

namespace UdpGateway.Benchmarks;

/// <summary>
/// What the gateway adds to the time of an endpoint that answers at once: from sending a packet through WireGuard to opening the reply,
/// without the time that the endpoint had the request. Wanted: a p99 of 2 ms at 5,000 packets/s with one in a batch; and with 100 in a
/// batch, at half the load of <see cref="DeliveryBenchmark"/>, of 5 ms beyond the time in which a batch fills.
/// </summary>
internal static class DelayBenchmark
{
    private const int InnerHeaders = 28;
    private const int PayloadLength = 172;
    private const int Spells = 15;
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Spell = TimeSpan.FromSeconds(1);

    public static async Task RunAsync(TextWriter output, double batchLoad)
    {
        await RunAsync(output, count: 1, packetsPerSecond: 5_000, run: 1, wantedMilliseconds: 2);
        await RunAsync(output, count: 100, packetsPerSecond: batchLoad / 2, DeliveryBenchmark.Run, wantedMilliseconds: 5);
    }

    private static async Task RunAsync(TextWriter output, int count, double packetsPerSecond, int run, double wantedMilliseconds)
    {
        // The first packet of a batch is the one that waited longest.
        using var sink = new HttpSink(replies: true, InnerHeaders);
        await using var gateway = await GatewayProcess.StartAsync("gateway", sink.Url.ToString(), count.ToString(CultureInfo.InvariantCulture), "100");
        using var clients = new LoadClients(gateway, PayloadLength);
        var window = TimeSpan.FromSeconds(count == 1 ? 0 : count / packetsPerSecond);
        var ages = new List<TimeSpan>((int)(packetsPerSecond * WarmUp.TotalSeconds));
        PacedLoad.Run(clients.All, packetsPerSecond, run, WarmUp, ages);
        // Somebody else's work on the machine must not decide: of many short spells, the middle and the best.
        var spells = new List<(double P50, double P99)>();
        for (var spell = 0; spell < Spells; spell++)
        {
            ages.Clear();
            PacedLoad.Run(clients.All, packetsPerSecond, run, Spell, ages);
            ages.Sort();
            spells.Add((Beyond(0.5), Beyond(0.99)));
        }

        spells.Sort((one, other) => one.P99.CompareTo(other.P99));
        var (middle, best) = (spells[Spells / 2], spells[0]);
        await output.WriteLineAsync(string.Create(
            CultureInfo.InvariantCulture,
            $"count {count}, {packetsPerSecond:N0}/s{(count == 1 ? "" : $", beyond the {window.TotalMilliseconds:F1} ms in which a batch fills")}: p99 {middle.P99:F2} ms (p50 {middle.P50:F2}) in the middle one of {Spells} spells, {best.P99:F2} ms (p50 {best.P50:F2}) in the best; wanted {wantedMilliseconds} ms"));

        double Beyond(double share) => ages.Count == 0 ? double.PositiveInfinity : (ages[(int)((ages.Count - 1) * share)] - window).TotalMilliseconds;
    }
}
