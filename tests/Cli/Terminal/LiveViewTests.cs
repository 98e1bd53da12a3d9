using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using UdpGateway.Cli.Tests.Commands;
using UdpGateway.Cli.Tests.Dashboard;
using UdpGateway.Cli.Tests.LocalLambda;
using UdpGateway.Cli.Tests.Templates;

namespace UdpGateway.Cli.Tests.Terminal;

/// <summary>The program in a terminal of its own (script(1) gives it one), and without.</summary>
public sealed partial class LiveViewTests : IDisposable
{
    private const string Script = "script";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TemplateText _text = new();

    public void Dispose() => _text.Dispose();

    [RequiresProgramFact(Script)]
    public async Task Shows_listeners_peers_and_drops_in_a_terminal()
    {
        using var terminal = Start("up", _text.Write("template.yaml", WatchedStack.Silent), "--state", Path.Combine(_text.Folder, "state"));
        var output = await terminal.WaitForAsync("Last seen", whileWaiting: screen =>
        {
            if (PlainEndpoint().Match(screen) is { Success: true } plain)
                Send(plain, "hello");
            if (ClosedEndpoint().Match(screen) is { Success: true } closed)
                Send(closed, "hello");
        });
        output = await terminal.WaitForAsync("source_not_allowed");
        Assert.Contains("Public key", output, StringComparison.Ordinal);
        Assert.Contains("/dashboard/", output, StringComparison.Ordinal);

        terminal.Interrupt();

        Assert.Equal(0, await terminal.ExitCodeAsync());
        Assert.Contains("Stopping.", terminal.Output, StringComparison.Ordinal);
    }

    [RequiresProgramFact(Script)]
    public async Task Shows_the_client_configuration_as_a_QR_code()
    {
        using var terminal = Start("up", _text.Write("template.yaml", WatchedStack.Silent), "--state", Path.Combine(_text.Folder, "state"), "--qr");

        var output = await terminal.WaitForAsync("A phone does not reach 127.0.0.1");

        Assert.Contains("\e[38;5;16;48;5;231m", output, StringComparison.Ordinal);
        Assert.Contains("█▀▀▀▀▀█", output, StringComparison.Ordinal);
        terminal.Interrupt();
        Assert.Equal(0, await terminal.ExitCodeAsync());
    }

    [RequiresProgramFact(Script)]
    public async Task Says_that_a_QR_code_needs_a_wider_terminal()
    {
        using var terminal = new TerminalRun(["up", _text.Write("template.yaml", WatchedStack.Silent), "--state", Path.Combine(_text.Folder, "state"), "--qr"], columns: 40);

        var output = await terminal.WaitForAsync("start `up` in a wider one");

        Assert.DoesNotContain("█▀▀▀▀▀█", output, StringComparison.Ordinal);
        terminal.Interrupt();
        Assert.Equal(0, await terminal.ExitCodeAsync());
    }

    [RequiresProgramFact(Script)]
    public async Task Shows_lines_only_when_plain_is_asked_for()
    {
        using var terminal = Start("up", _text.Write("template.yaml", WatchedStack.Silent), "--state", Path.Combine(_text.Folder, "state"), "--plain");

        var output = await terminal.WaitForAsync("Ctrl-C stops it");

        // The runtime itself prepares the keypad; nothing moves the cursor, erases or colours.
        Assert.DoesNotMatch(@"\e\[[0-9;]*[A-HJKm]", output);
        Assert.DoesNotContain("PrivateKey", output, StringComparison.Ordinal);
        terminal.Interrupt();
        Assert.Equal(0, await terminal.ExitCodeAsync());
    }

    [Theory]
    [InlineData("--plain")]
    [InlineData(null)]
    public async Task Refuses_a_QR_code_where_there_is_no_terminal(string? plain)
    {
        var state = Path.Combine(_text.Folder, "state");

        var run = await CommandRun.Of(["up", _text.Write("template.yaml", WatchedStack.Silent), "--state", state, "--qr", .. plain is null ? Array.Empty<string>() : [plain]]);

        Assert.Equal(1, run.ExitCode);
        Assert.Equal("--qr shows a private key and needs a terminal; it does not go with --plain or redirected output.", run.Error.Trim());
        Assert.False(Directory.Exists(state));
    }

    private static TerminalRun Start(params string[] arguments) => new(arguments);

    private static void Send(Match endpoint, string text)
    {
        using var client = new UdpClient();
        client.Send(Encoding.UTF8.GetBytes(text), IPEndPoint.Parse(endpoint.Groups["endpoint"].Value));
    }

    [GeneratedRegex(@"Plain +udp (?<endpoint>127\.0\.0\.1:\d+)", RegexOptions.None, 10_000)]
    private static partial Regex PlainEndpoint();

    [GeneratedRegex(@"Closed +udp (?<endpoint>127\.0\.0\.1:\d+)", RegexOptions.None, 10_000)]
    private static partial Regex ClosedEndpoint();

    private sealed class TerminalRun : IDisposable
    {
        private readonly Process _process;
        private readonly StringBuilder _output = new();
        private readonly Task _reading;

        public TerminalRun(string[] arguments, int columns = 150)
        {
            var program = Path.Combine(AppContext.BaseDirectory, "udpgw.dll");
            var command = $"stty cols {columns} rows 50; exec dotnet '{program}' {string.Join(' ', arguments.Select(argument => $"'{argument}'"))}";
            _process = Process.Start(new ProcessStartInfo(Script, ["--quiet", "--flush", "--return", "--command", command, "/dev/null"])
            {
                UseShellExecute = false,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                StandardOutputEncoding = Encoding.UTF8,
                Environment = { ["TERM"] = "xterm-256color", ["LC_ALL"] = "C.UTF-8" },
            })!;
            _reading = ReadAsync();
        }

        public string Output
        {
            get
            {
                lock (_output)
                    return _output.ToString();
            }
        }

        public async Task<string> WaitForAsync(string text, Action<string>? whileWaiting = null)
        {
            for (var deadline = DateTime.UtcNow + Patience; DateTime.UtcNow < deadline; await Task.Delay(100))
            {
                if (Output.Contains(text, StringComparison.Ordinal))
                    return Output;
                whileWaiting?.Invoke(Output);
            }

            throw new TimeoutException($"'{text}' did not appear in: {Output}");
        }

        public void Interrupt()
        {
            _process.StandardInput.Write('\x03');
            _process.StandardInput.Flush();
        }

        public async Task<int> ExitCodeAsync()
        {
            await _process.WaitForExitAsync().WaitAsync(Patience);
            await _reading.WaitAsync(Patience);
            return _process.ExitCode;
        }

        public void Dispose()
        {
            if (!_process.HasExited)
                _process.Kill(entireProcessTree: true);
            _process.Dispose();
        }

        private async Task ReadAsync()
        {
            var buffer = new char[4096];
            while (await _process.StandardOutput.ReadAsync(buffer) is > 0 and var count)
            {
                lock (_output)
                    _output.Append(buffer, 0, count);
            }
        }
    }
}
