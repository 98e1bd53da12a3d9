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
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(12);
    private static readonly TimeSpan Spell = TimeSpan.FromSeconds(4);

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
        for (var spell = 0; spell < 3; spell++)
        {
            ages.Clear();
            var load = PacedLoad.Run(clients.All, packetsPerSecond, run, Spell, ages);
            ages.Sort();
            await output.WriteLineAsync(string.Create(
                CultureInfo.InvariantCulture,
                $"count {count}, {load.Sent / load.Elapsed.TotalSeconds:N0}/s, {ages.Count:N0} replies: p50 {Beyond(0.5):F2} ms, p99 {Beyond(0.99):F2} ms{(count == 1 ? "" : $" beyond the {window.TotalMilliseconds:F1} ms in which a batch fills")}; wanted p99 {wantedMilliseconds} ms"));
        }

        double Beyond(double share) => ages.Count == 0 ? double.NaN : (ages[(int)((ages.Count - 1) * share)] - window).TotalMilliseconds;
    }
}
