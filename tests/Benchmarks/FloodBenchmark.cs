using UdpGateway.Benchmarks.Load;

namespace UdpGateway.Benchmarks;

/// <summary>
/// Ten sessions at 1,000 packets a second each, while valid initiations arrive at three times what a worker can answer, and
/// while junk arrives at 200,000 a second. Wanted: 95 % delivered, p99 of 10 ms at most, memory flat.
/// </summary>
internal static class FloodBenchmark
{
    private const int PacketsPerSecond = 1_000;
    private const int JunkPerSecond = 200_000;
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(5);

    public static async Task RunAsync(TextWriter output)
    {
        var answerable = EngineRatios.HandshakesPerSecond();
        await output.WriteLineAsync($"a worker that did nothing else would answer {answerable:N0} initiations/s");
        await using (var gateway = await LoadGateway.StartEchoAsync())
        {
            var perSecond = answerable * 3;
            var count = (int)(perSecond * (Duration.TotalSeconds + 1.5));
            await output.WriteLineAsync($"initiations: {FloodRun.Measure(gateway, PacketsPerSecond, Duration, () => Flood.OfInitiations(gateway.Endpoint, gateway.PublicKey, count, perSecond))}");
        }

        await using (var gateway = await LoadGateway.StartEchoAsync())
            await output.WriteLineAsync($"junk: {FloodRun.Measure(gateway, PacketsPerSecond, Duration, () => Flood.OfJunk(gateway.Endpoint, JunkPerSecond))}");
    }
}
