using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.WebSockets;
using System.Text.Json.Nodes;

namespace UdpGateway.Cli.Tests.Dashboard;

/// <summary>An installed Chromium without a window, driven by the DevTools protocol: one page in a profile of its own.</summary>
internal sealed class Chromium : IAsyncDisposable
{
    public const string Program = "chromium";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly string _profile;
    private readonly ClientWebSocket _socket = new();
    private readonly ConcurrentDictionary<int, TaskCompletionSource<JsonNode>> _calls = new();
    private readonly CancellationTokenSource _closing = new();
    private Task _reading = Task.CompletedTask;
    private string _session = "";
    private int _lastCall;

    private Chromium(Process process, string profile)
    {
        _process = process;
        _profile = profile;
    }

    /// <summary>Errors and warnings that the page or the browser wrote to the console, policy violations among them.</summary>
    public ConcurrentQueue<string> Complaints { get; } = new();

    public static async Task<Chromium> StartAsync()
    {
        var profile = Directory.CreateTempSubdirectory("udpgw-chromium-").FullName;
        // Without a sandbox, as root in a container has none; it only ever sees the page under test.
        var process = Process.Start(new ProcessStartInfo(Program,
            ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking", "--remote-debugging-port=0", $"--user-data-dir={profile}", "about:blank"])
        {
            UseShellExecute = false,
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        })!;
        var browser = new Chromium(process, profile);
        try
        {
            await browser.ConnectAsync(await browser.ReadAddressAsync().WaitAsync(Patience));
            return browser;
        }
        catch
        {
            await browser.DisposeAsync();
            throw;
        }
    }

    public async Task OpenAsync(Uri page, int width = 1440, int height = 900)
    {
        await CallAsync("Emulation.setDeviceMetricsOverride", new JsonObject { ["width"] = width, ["height"] = height, ["deviceScaleFactor"] = 1, ["mobile"] = false });
        await CallAsync("Page.navigate", new JsonObject { ["url"] = page.ToString() });
    }

    /// <summary>The value of an expression in the page.</summary>
    public async Task<JsonNode?> EvaluateAsync(string expression)
    {
        var answer = await CallAsync("Runtime.evaluate", new JsonObject { ["expression"] = expression, ["returnByValue"] = true, ["awaitPromise"] = true });
        return answer["exceptionDetails"] is { } fault
            ? throw new InvalidOperationException($"{expression}: {fault["exception"]?["description"] ?? fault["text"]}")
            : answer["result"]!["value"];
    }

    public async Task WaitForAsync(string condition)
    {
        for (var deadline = DateTime.UtcNow + Patience; DateTime.UtcNow < deadline; await Task.Delay(50))
        {
            if (await EvaluateAsync($"(() => {{ try {{ return Boolean({condition}); }} catch {{ return false; }} }})()") is { } value && (bool)value)
                return;
        }

        throw new TimeoutException($"{condition} did not come true. The page says: {await EvaluateAsync("document.body.innerText")}");
    }

    public async Task PressAsync(string key)
    {
        foreach (var type in (string[])["keyDown", "keyUp"])
        {
            var press = new JsonObject { ["type"] = type, ["key"] = key };
            if (key.Length == 1 && type == "keyDown")
                press["text"] = key;
            await CallAsync("Input.dispatchKeyEvent", press);
        }
    }

    public Task EmulateAsync(string colorScheme) => CallAsync("Emulation.setEmulatedMedia", new JsonObject
    {
        ["features"] = new JsonArray(new JsonObject { ["name"] = "prefers-color-scheme", ["value"] = colorScheme }),
    });

    public async Task<byte[]> ScreenshotAsync() =>
        Convert.FromBase64String((await CallAsync("Page.captureScreenshot", new JsonObject { ["format"] = "png" }))["data"]!.ToString());

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        await _reading;
        _socket.Dispose();
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
        _closing.Dispose();
        for (var attempt = 0; Directory.Exists(_profile); attempt++)
        {
            try
            {
                Directory.Delete(_profile, recursive: true);
            }
            catch (IOException) when (attempt < 20)
            {
                // A child of the browser is still writing its last file.
                await Task.Delay(100);
            }
        }
    }

    private async Task<Uri> ReadAddressAsync()
    {
        const string announcement = "DevTools listening on ";
        while (await _process.StandardError.ReadLineAsync() is { } line)
        {
            if (!line.StartsWith(announcement, StringComparison.Ordinal))
                continue;
            // It goes on complaining about the machine; nobody must wait for that.
            _ = _process.StandardError.ReadToEndAsync();
            _ = _process.StandardOutput.ReadToEndAsync();
            return new Uri(line[announcement.Length..]);
        }

        throw new InvalidOperationException("Chromium ended without a DevTools address.");
    }

    private async Task ConnectAsync(Uri address)
    {
        using var patience = new CancellationTokenSource(Patience);
        await _socket.ConnectAsync(address, patience.Token);
        _reading = ReadAsync();
        var target = await CallAsync("Target.createTarget", new JsonObject { ["url"] = "about:blank" });
        var attached = await CallAsync("Target.attachToTarget", new JsonObject { ["targetId"] = target["targetId"]!.ToString(), ["flatten"] = true });
        _session = attached["sessionId"]!.ToString();
        foreach (var domain in (string[])["Page", "Runtime", "Log"])
            await CallAsync($"{domain}.enable", []);
    }

    private async Task<JsonNode> CallAsync(string method, JsonObject parameters)
    {
        var id = Interlocked.Increment(ref _lastCall);
        var answer = new TaskCompletionSource<JsonNode>(TaskCreationOptions.RunContinuationsAsynchronously);
        _calls[id] = answer;
        var message = new JsonObject { ["id"] = id, ["method"] = method, ["params"] = parameters };
        if (_session.Length > 0)
            message["sessionId"] = _session;
        await _socket.SendAsync(System.Text.Encoding.UTF8.GetBytes(message.ToJsonString()), WebSocketMessageType.Text, endOfMessage: true, _closing.Token);
        return await answer.Task.WaitAsync(Patience);
    }

    private async Task ReadAsync()
    {
        var buffer = new byte[64 * 1024];
        try
        {
            while (true)
            {
                using var message = new MemoryStream();
                ValueWebSocketReceiveResult part;
                do
                {
                    part = await _socket.ReceiveAsync(buffer.AsMemory(), _closing.Token);
                    message.Write(buffer, 0, part.Count);
                }
                while (!part.EndOfMessage);
                if (part.MessageType == WebSocketMessageType.Close)
                    return;
                Take(JsonNode.Parse(message.ToArray())!);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or WebSocketException && _closing.IsCancellationRequested)
        {
            // The test is over.
        }
    }

    private void Take(JsonNode message)
    {
        if (message["id"] is { } id && _calls.TryRemove((int)id, out var call))
        {
            if (message["error"] is { } error)
                call.SetException(new InvalidOperationException(error.ToJsonString()));
            else
                call.SetResult(message["result"]!);
            return;
        }

        var parameters = message["params"];
        if (message["method"]?.ToString() == "Log.entryAdded" && parameters!["entry"]!["level"]!.ToString() is "error" or "warning")
            Complaints.Enqueue(parameters!["entry"]!["text"]!.ToString());
        else if (message["method"]?.ToString() == "Runtime.exceptionThrown")
            Complaints.Enqueue(parameters!["exceptionDetails"]!.ToJsonString());
    }
}
