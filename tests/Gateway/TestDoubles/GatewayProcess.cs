using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using UdpGateway.Aws.Tests;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;

namespace UdpGateway.Gateway.Tests.TestDoubles;

/// <summary>The gateway program as a process of its own, on a store of its own, with a Lambda in this process.</summary>
internal sealed class GatewayProcess : IAsyncDisposable
{
    public const string Name = "child";

    private static readonly HttpClient Http = new();

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("udpgw-gateway-process-");
    private readonly StringBuilder _log = new();
    private Process? _process;
    private StubService _lambda = null!;

    private GatewayProcess()
    {
    }

    public int Port { get; private init; } = TestGateway.FreePort();

    public int AdminPort { get; } = FreeTcpPort();

    public string PublicKey { get; private set; } = "";

    public string Log
    {
        get
        {
            lock (_log)
                return _log.ToString();
        }
    }

    /// <summary>A listener is declared; nothing runs yet.</summary>
    public static async Task<GatewayProcess> PrepareAsync(ListenerDefinition definition, Func<Task>? beforeAnswer = null)
    {
        var gateway = new GatewayProcess();
        gateway._lambda = await StubService.StartAsync(async (context, _) =>
        {
            if (beforeAnswer is not null)
                await beforeAnswer();
            var messages = JsonNode.Parse(StubService.RequestOf(context).Body)!["Messages"]!.AsArray();
            await StubService.AnswerAsync(context, StatusCodes.Status200OK, Encoding.UTF8.GetString(RecordingLambda.Echo(messages).Payload.Span));
        });
        using var store = new EmbeddedStore(gateway._directory.FullName);
        var key = WireGuardTestKeys.NewPrivateKey();
        gateway.PublicKey = WireGuardTestKeys.PublicKeyOf(key);
        await store.WriteAsync(Name, new JsonObject { ["PrivateKey"] = Convert.ToBase64String(key) }.ToJsonString(), CancellationToken.None);
        var isWireGuard = definition.Protocol == ListenerProtocol.WireGuard;
        var record = new ListenerRecord
        {
            PhysicalResourceId = Name,
            StackId = "arn:aws:cloudformation:eu-central-1:123456789012:stack/test/1",
            LogicalResourceId = Name,
            Definition = definition,
            Port = gateway.Port,
            WireGuardPublicKey = isWireGuard ? gateway.PublicKey : null,
            SecretId = isWireGuard ? Name : null,
            RequestId = "1",
        };
        Assert.True(await store.TryWriteAsync(record, 0, CancellationToken.None));
        return gateway;
    }

    public async Task StartAsync(string[]? arguments = null, params (string Name, string Value)[] environment)
    {
        var start = Command(["--store", _directory.FullName, "--bind", "127.0.0.1", "--workers", "1", "--region", "eu-central-1", .. arguments ?? []]);
        start.Environment["AWS_ENDPOINT_URL"] = _lambda.Url.AbsoluteUri;
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        _process = Process.Start(start)!;
        _process.OutputDataReceived += Keep;
        _process.ErrorDataReceived += Keep;
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        await Eventually.TrueAsync(async () =>
        {
            Assert.False(_process.HasExited, $"The gateway ended instead of serving:\n{Log}");
            return await StatusAsync($"/readyz/{Name}") == HttpStatusCode.OK;
        }, "the gateway serves");
    }

    /// <summary>Null when nobody answers.</summary>
    public async Task<HttpStatusCode?> StatusAsync(string path)
    {
        try
        {
            using var response = await Http.GetAsync(new Uri($"http://127.0.0.1:{AdminPort}{path}"));
            return response.StatusCode;
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }

    public Task<string> ReadAsync(string path) => Http.GetStringAsync(new Uri($"http://127.0.0.1:{AdminPort}{path}"));

    public Task<(int ExitCode, string Output)> HealthAsync() => RunAsync("--health");

    /// <summary>Runs the program to its end.</summary>
    public async Task<(int ExitCode, string Output)> RunAsync(params string[] arguments)
    {
        using var process = Process.Start(Command(arguments))!;
        using var patience = new CancellationTokenSource(Eventually.Patience);
        var output = await process.StandardOutput.ReadToEndAsync(patience.Token) + await process.StandardError.ReadToEndAsync(patience.Token);
        await process.WaitForExitAsync(patience.Token);
        return (process.ExitCode, output);
    }

    public async Task SignalAsync(string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", _process!.Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
    }

    public async Task<int> WaitForExitAsync()
    {
        using var patience = new CancellationTokenSource(Eventually.Patience);
        await _process!.WaitForExitAsync(patience.Token);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
            _process.Dispose();
        }

        await _lambda.DisposeAsync();
        _directory.Delete(recursive: true);
    }

    private ProcessStartInfo Command(IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "UdpGateway.Gateway.dll"), .. arguments, "--admin-port", AdminPort.ToString(CultureInfo.InvariantCulture)])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["AWS_ACCESS_KEY_ID"] = "AKIDEXAMPLE";
        start.Environment["AWS_SECRET_ACCESS_KEY"] = "example";
        return start;
    }

    private static int FreeTcpPort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private void Keep(object sender, DataReceivedEventArgs line)
    {
        lock (_log)
            _log.AppendLine(line.Data);
    }
}
