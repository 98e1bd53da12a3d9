using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using UdpGateway.Tests;

namespace UdpGateway.EndToEnd.Tests.Harness;

/// <summary>Runs only where <c>python3 -m moto.server</c> starts; in CI it must.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class MotoFactAttribute([CallerMemberName] string? test = null) : SkippableFactAttribute(ReasonToSkip.Value, test)
{
    private static readonly Lazy<string?> ReasonToSkip = new(() =>
        Environment.GetEnvironmentVariable("CI") == "true" || IsInstalled() ? null : "The moto server is not installed: pip install 'moto[server]'.");

    private static bool IsInstalled()
    {
        try
        {
            using var python = Process.Start(new ProcessStartInfo("python3", ["-c", "import importlib.util as u, sys; sys.exit(u.find_spec('moto') is None or u.find_spec('flask') is None)"]))!;
            python.WaitForExit();
            return python.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}

/// <summary>A fresh moto server, which answers as AWS does and checks nothing until a script makes it check.</summary>
internal sealed class Moto : IAsyncDisposable
{
    private readonly Process _process;

    private Moto(Process process, Uri url)
    {
        _process = process;
        Url = url;
    }

    public Uri Url { get; }

    public static async Task<Moto> StartAsync()
    {
        var port = FreePort();
        var process = Process.Start(new ProcessStartInfo("python3", ["-m", "moto.server", "-H", "127.0.0.1", "-p", port.ToString(CultureInfo.InvariantCulture)])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var moto = new Moto(process, new Uri($"http://127.0.0.1:{port}"));
        using var http = new HttpClient();
        try
        {
            await Eventually.TrueAsync(() => AnswersAsync(http, moto.Url), TimeSpan.FromSeconds(60));
            return moto;
        }
        catch
        {
            await moto.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs a Python script beside the tests, which talks to this server through boto3 and prints JSON.</summary>
    public async Task<JsonNode> RunAsync(string script, params string[] arguments)
    {
        var path = Directory.GetFiles(Path.Combine(Repository.Root, "tests", "EndToEnd"), script, SearchOption.AllDirectories).Single();
        var run = await ProgramRun.OfAsync("python3", [path, Url.ToString(), .. arguments], timeout: TimeSpan.FromSeconds(120));
        return JsonNode.Parse(run.Succeeded().Output)!;
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private static async Task<bool> AnswersAsync(HttpClient http, Uri url)
    {
        try
        {
            using var response = await http.GetAsync(new Uri(url, "/moto-api/"));
            return response.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
