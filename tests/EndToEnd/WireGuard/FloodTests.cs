using UdpGateway.Benchmarks.Load;
using UdpGateway.EndToEnd.Tests.Harness;
using Xunit.Abstractions;

namespace UdpGateway.EndToEnd.Tests.WireGuard;

/// <summary>
/// Established sessions keep flowing while strangers send: at rates that a shared machine can make. The full rates, and
/// times, are measured by the benchmark <c>flood</c>.
/// </summary>
[Collection(Alone.Name)]
public sealed class FloodTests(ITestOutputHelper output)
{
    private const int PacketsPerSecond = 100;
    private const double Delivered = 0.95;
    private const long MostGrowth = 16 * 1024 * 1024;
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(3);

    [Fact]
    public async Task Of_valid_initiations_leaves_sessions_their_packets_and_memory_as_it_is()
    {
        await using var gateway = await LoadGateway.StartEchoAsync();

        var run = FloodRun.Measure(gateway, PacketsPerSecond, Duration, () => Flood.OfInitiations(gateway.Endpoint, gateway.PublicKey, 3_000, 5_000));

        AssertFlowing(run);
    }

    [Fact]
    public async Task Of_junk_leaves_sessions_their_packets_and_memory_as_it_is()
    {
        await using var gateway = await LoadGateway.StartEchoAsync();

        var run = FloodRun.Measure(gateway, PacketsPerSecond, Duration, () => Flood.OfJunk(gateway.Endpoint, 40_000));

        AssertFlowing(run);
    }

    private void AssertFlowing(FloodRun run)
    {
        output.WriteLine(run.ToString());
        Assert.True(run.Delivered >= Delivered, run.ToString());
        Assert.True(run.MemoryGrowth <= MostGrowth, run.ToString());
    }
}
