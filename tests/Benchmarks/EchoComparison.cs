using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using UdpGateway.Benchmarks.Load;
using UdpGateway.WireGuard;

namespace UdpGateway.Benchmarks;

/// <summary>
/// Echo through real sockets: the gateway with one worker and a destination that answers, beside wireguard-go with a UDP
/// echo server behind its interface. Both are processes of their own in one new network namespace and hear the same
/// generator over its loopback interface. Prints packets per second at 1 % loss at most, and processor time per packet.
/// </summary>
internal static class EchoComparison
{
    public const int Obstacle = 3;

    private const int Clients = 64;
    private const double MostLoss = 0.01;
    private const double FirstRate = 10_000;
    private const int Refinements = 3;
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(170);
    private static readonly string[] Tools = ["ip", "wg", "wireguard-go"];

    /// <summary>Makes the namespace and runs <see cref="InsideAsync"/> in it.</summary>
    public static async Task<int> RunAsync(TextWriter output)
    {
        var missing = Tools.Where(tool => !$"{Environment.GetEnvironmentVariable("PATH")}:/usr/sbin:/sbin".Split(':').Any(directory => File.Exists(Path.Combine(directory, tool)))).ToArray();
        if (!Environment.IsPrivilegedProcess || missing.Length > 0)
        {
            await output.WriteLineAsync($"This comparison needs root and ip, wg and wireguard-go{(missing.Length > 0 ? $"; missing: {string.Join(", ", missing)}" : "")}.");
            return Obstacle;
        }

        var name = $"udpgw-bench-{Environment.ProcessId}";
        await CallAsync("ip", "netns", "add", name);
        try
        {
            using var inside = Process.Start("ip", ["netns", "exec", name, Environment.ProcessPath!, .. Self, "echo-comparison-inside"]);
            using var deadline = new CancellationTokenSource(Limit);
            try
            {
                await inside.WaitForExitAsync(deadline.Token);
            }
            catch (OperationCanceledException)
            {
                inside.Kill(entireProcessTree: true);
                await output.WriteLineAsync("The comparison did not end in time.");
                return 1;
            }

            return inside.ExitCode;
        }
        finally
        {
            await CallAsync("ip", "netns", "delete", name);
        }
    }

    /// <summary>In a network namespace of its own.</summary>
    public static async Task<int> InsideAsync(TextWriter output)
    {
        await CallAsync("ip", "link", "set", "lo", "up");
        var keys = Enumerable.Range(0, Clients).Select(_ => RandomNumberGenerator.GetBytes(SecretKey.Size)).ToArray();
        await using var gateway = await EchoServer.StartGatewayAsync(Self);
        await using var wireGuardGo = await EchoServer.StartWireGuardGoAsync(keys);
        // A client sends eight packets in a row, as devices do that report now and then; and, at its worst for the gateway, one.
        foreach (var (payloadLength, run) in ((int, int)[])[(64, 8), (1_200, 8), (64, 1)])
        {
            var ours = Search(gateway, keys, payloadLength, run);
            var theirs = Search(wireGuardGo, keys, payloadLength, run);
            await output.WriteLineAsync(string.Create(
                CultureInfo.InvariantCulture,
                $"{payloadLength} bytes, {Clients} clients, {run} in a row: gateway {ours}; wireguard-go {theirs}; {ours.PerSecond / theirs.PerSecond:F2} x packets, {ours.ProcessorTime / theirs.ProcessorTime:F2} x processor time per packet"));
        }

        return 0;
    }

    /// <summary>Serves until the standard input ends; the first line tells port and public key.</summary>
    public static async Task<int> ServeAsync(TextReader input, TextWriter output)
    {
        await using var gateway = await LoadGateway.StartEchoAsync();
        await output.WriteLineAsync($"{gateway.Endpoint.Port} {Convert.ToBase64String(gateway.PublicKey)}");
        await input.ReadToEndAsync();
        return 0;
    }

    /// <summary>What makes this program's process out of <c>dotnet</c>.</summary>
    private static string[] Self => Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? [typeof(EchoComparison).Assembly.Location] : [];

    public static async Task CallAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}.");
    }

    /// <summary>The greatest rate of which nearly everything comes back: doubled until it fails, then halved in on.</summary>
    private static Measurement Search(EchoServer server, byte[][] keys, int payloadLength, int run)
    {
        using var crypto = CryptoBackends.CreateBest();
        var clients = keys.Select((key, i) => new LoadClient(server.Endpoint, server.PublicKey, new SecretKey(key), crypto, i, payloadLength)).ToList();
        foreach (var client in clients)
        {
            client.Connect();
            client.ReceiveInRuns();
        }

        PacedLoad.Run(clients, FirstRate / 2, run, Step);
        var best = default(Measurement);
        var (works, fails) = (FirstRate / 2, double.PositiveInfinity);
        for (var refined = 0; refined < Refinements;)
        {
            var rate = double.IsPositiveInfinity(fails) ? works * 2 : (works + fails) / 2;
            refined += double.IsPositiveInfinity(fails) ? 0 : 1;
            // A moment of somebody else's work on the machine must not decide: a failure counts when it happens twice.
            if (TryMeasure(server, clients, rate, run, ref best) || TryMeasure(server, clients, rate, run, ref best))
                works = rate;
            else
                fails = rate;
            if (best.SentPerSecond < rate * 0.9 && works == rate)
                break;
        }

        clients.ForEach(client => client.Dispose());
        return best;
    }

    private static bool TryMeasure(EchoServer server, List<LoadClient> clients, double rate, int run, ref Measurement best)
    {
        using var self = Process.GetCurrentProcess();
        var (serverBefore, selfBefore) = (server.ProcessorTime, self.TotalProcessorTime);
        var result = PacedLoad.Run(clients, rate, Math.Min(run, clients[0].LongestRun), Step);
        self.Refresh();
        if (result.Loss > MostLoss)
            return false;
        var measured = new Measurement(
            result.PerSecond, result.Sent / result.Elapsed.TotalSeconds, (server.ProcessorTime - serverBefore) / result.Received, (self.TotalProcessorTime - selfBefore) / result.Received);
        if (measured.PerSecond > best.PerSecond)
            best = measured;
        return true;
    }

    /// <param name="ProcessorTime">Of the server, per packet that came back.</param>
    /// <param name="GeneratorTime">Of the generator; beside wireguard-go it also runs the echo server.</param>
    private readonly record struct Measurement(double PerSecond, double SentPerSecond, TimeSpan ProcessorTime, TimeSpan GeneratorTime)
    {
        public override string ToString() => string.Create(
            CultureInfo.InvariantCulture, $"{PerSecond:N0}/s, {ProcessorTime.TotalMicroseconds:F1} us each (generator {GeneratorTime.TotalMicroseconds:F1} us)");
    }
}
