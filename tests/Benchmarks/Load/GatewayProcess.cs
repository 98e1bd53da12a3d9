using System.Diagnostics;
using System.Globalization;
using System.Net;

namespace UdpGateway.Benchmarks.Load;

/// <summary>This program once more, serving what its arguments say until its input ends; what it uses of the processor is its own.</summary>
internal sealed class GatewayProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Process _process;
    private readonly HttpClient _http = new();
    private readonly Uri? _admin;

    private GatewayProcess(Process process, string[] words)
    {
        _process = process;
        Endpoint = new IPEndPoint(IPAddress.Loopback, int.Parse(words[0], CultureInfo.InvariantCulture));
        PublicKey = Convert.FromBase64String(words[1]);
        _admin = words.Length > 2 ? new Uri(words[2]) : null;
    }

    public IPEndPoint Endpoint { get; }

    public byte[] PublicKey { get; }

    /// <summary>Of the process, all threads, user and kernel.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>What makes this program's process out of <c>dotnet</c>.</summary>
    public static string[] Self => Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? [typeof(GatewayProcess).Assembly.Location] : [];

    /// <param name="arguments">A verb that prints port, public key and admin address on its first line, and ends with its input.</param>
    public static async Task<GatewayProcess> StartAsync(params string[] arguments)
    {
        var process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [.. Self, .. arguments])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        var line = await process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException($"{string.Join(' ', arguments)} did not start.");
        return new GatewayProcess(process, line.Split(' '));
    }

    /// <summary>The sum of the samples of that name whose labels contain the given text.</summary>
    public async Task<long> MetricAsync(string name, string labels = "")
    {
        var text = await _http.GetStringAsync(new Uri(_admin!, "/metrics"));
        return (long)text.Split('\n')
            .Where(line => line.StartsWith(name + "{", StringComparison.Ordinal) && line.Contains(labels, StringComparison.Ordinal))
            .Sum(line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));
    }

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        using var deadline = new CancellationTokenSource(Patience);
        await _process.WaitForExitAsync(deadline.Token);
        _process.Dispose();
        _http.Dispose();
    }
}
