using System.Globalization;
using System.Security.Cryptography;
using UdpGateway.Benchmarks.Load;
using UdpGateway.WireGuard;

namespace UdpGateway.Benchmarks;

/// <summary>
/// WireGuard in, JSON batches out: 64 clients send 200-byte packets in runs of 16 (UDP_SEGMENT), and the gateway, one worker in a process
/// of its own, signs every batch and hands it to a local HTTP endpoint as an invocation. Wanted: 300,000 packets for each second of
/// processor time, all threads, user and kernel, with 1,000 packets in a batch.
/// </summary>
internal static class DeliveryBenchmark
{
    public const int Clients = 64;
    public const int Run = 16;
    private const int PayloadLength = 172; // and 28 bytes of inner headers
    private const double Wanted = 300_000;
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Spell = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan Window = TimeSpan.FromMilliseconds(100);

    public static async Task RunAsync(TextWriter output, double packetsPerSecond)
    {
        foreach (var count in (int[])[1_000, 100])
        {
            using var sink = new HttpSink();
            await using var gateway = await GatewayProcess.StartAsync("gateway", sink.Url.ToString(), count.ToString(CultureInfo.InvariantCulture), Window.TotalMilliseconds.ToString(CultureInfo.InvariantCulture));
            using var clients = new LoadClients(gateway, PayloadLength);
            PacedLoad.Run(clients.All, packetsPerSecond, Run, WarmUp);
            for (var spell = 0; spell < 3; spell++)
            {
                var before = await SnapshotAsync(gateway, sink);
                var load = PacedLoad.Run(clients.All, packetsPerSecond, Run, Spell);
                var after = await SnapshotAsync(gateway, sink);
                var delivered = after.Delivered - before.Delivered;
                var perSecond = delivered / (after.Processor - before.Processor).TotalSeconds;
                await output.WriteLineAsync(string.Create(
                    CultureInfo.InvariantCulture,
                    $"count {count}: {load.Sent / load.Elapsed.TotalSeconds:N0}/s sent, {delivered:N0} delivered in {after.Requests - before.Requests:N0} requests, {after.Dropped - before.Dropped:N0} dropped: {perSecond:N0} packets per processor second{(count == 1_000 ? $" ({perSecond / Wanted:P0} of what is wanted)" : "")}"));
            }

            if (sink.Unsigned > 0)
                await output.WriteLineAsync($"{sink.Unsigned} requests were not signed: the figures mean nothing");
        }
    }

    /// <summary>Serves until the input ends.</summary>
    public static async Task<int> ServeAsync(Uri service, int count, double windowMilliseconds, TextReader input, TextWriter output)
    {
        await using var gateway = await LoadGateway.StartDeliveringAsync(service, count, TimeSpan.FromMilliseconds(windowMilliseconds));
        return await ServeAsync(gateway, input, output);
    }

    public static async Task<int> ServeAsync(LoadGateway gateway, TextReader input, TextWriter output)
    {
        await output.WriteLineAsync($"{gateway.Endpoint.Port} {Convert.ToBase64String(gateway.PublicKey)} {gateway.Admin}");
        await input.ReadToEndAsync();
        return 0;
    }

    private static async Task<(long Delivered, long Dropped, long Requests, TimeSpan Processor)> SnapshotAsync(GatewayProcess gateway, HttpSink sink) =>
        (await gateway.MetricAsync("udpgw_destination_packets_total", "result=\"delivered\""), await gateway.MetricAsync("udpgw_drops_total"), sink.Requests, gateway.ProcessorTime);
}

/// <summary>Connected clients, each with a key of its own.</summary>
internal sealed class LoadClients : IDisposable
{
    private readonly ICryptoBackend _crypto = CryptoBackends.CreateBest();

    public LoadClients(GatewayProcess gateway, int payloadLength)
    {
        All = [.. Enumerable.Range(0, DeliveryBenchmark.Clients)
            .Select(i => new LoadClient(gateway.Endpoint, gateway.PublicKey, new SecretKey(RandomNumberGenerator.GetBytes(SecretKey.Size)), _crypto, i, payloadLength))];
        foreach (var client in All)
            client.Connect();
    }

    public IReadOnlyList<LoadClient> All { get; }

    public void Dispose()
    {
        foreach (var client in All)
            client.Dispose();
        (_crypto as IDisposable)?.Dispose();
    }
}
