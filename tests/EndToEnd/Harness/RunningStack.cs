using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;

namespace UdpGateway.EndToEnd.Tests.Harness;

/// <summary><c>udpgw up</c> as a child process, from the moment that everything serves.</summary>
internal sealed class RunningStack : IAsyncDisposable
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(120);

    private readonly Process _process;
    private readonly StringBuilder _log = new();
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(10) };

    private RunningStack(Process process) => _process = process;

    public OutputsDocument Document { get; private set; } = null!;

    /// <summary>The only listener of every template here.</summary>
    public ServedListener Listener => Document.Listeners.Single();

    public IPEndPoint Endpoint => IPEndPoint.Parse(Listener.Endpoint);

    public string PublicKey => Listener.WireGuardPublicKey ?? throw new InvalidOperationException("The listener does not speak WireGuard.");

    public bool HasExited => _process.HasExited;

    /// <summary>Everything that the program printed so far.</summary>
    public string Log
    {
        get
        {
            lock (_log)
                return _log.ToString();
        }
    }

    public static Task<RunningStack> UpAsync(Workspace workspace, string template, params string[] options) => UpAsync(workspace, template, new Dictionary<string, string>(), options);

    /// <param name="variables">Added to the program's environment.</param>
    public static async Task<RunningStack> UpAsync(Workspace workspace, string template, Dictionary<string, string> variables, params string[] options)
    {
        File.Delete(workspace.Outputs);
        var process = new Process
        {
            StartInfo = new ProcessStartInfo("dotnet",
                [Repository.Program, "up", template, "--outputs", workspace.Outputs, "--state", workspace.State, "--plain", .. options])
            {
                UseShellExecute = false,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            },
        };
        foreach (var (name, value) in variables)
            process.StartInfo.Environment[name] = value;
        var stack = new RunningStack(process);
        process.OutputDataReceived += stack.Keep;
        process.ErrorDataReceived += stack.Keep;
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        try
        {
            await Eventually.TrueAsync(() => File.Exists(workspace.Outputs) || process.HasExited, StartTimeout);
            Assert.False(process.HasExited, $"`up` ended instead of serving:\n{stack.Log}");
            stack.Document = JsonSerializer.Deserialize<OutputsDocument>(await File.ReadAllTextAsync(workspace.Outputs))!;
            return stack;
        }
        catch
        {
            await stack.DisposeAsync();
            throw;
        }
    }

    /// <summary>The sum of <c>udpgw_…</c> samples whose labels contain all the given ones, as <c>name="value"</c>.</summary>
    public async Task<double> MetricAsync(string name, params string[] labels)
    {
        var text = await _http.GetStringAsync(new Uri(Document.Admin, "/metrics"));
        return text.Split('\n')
            .Where(line => line.StartsWith(name, StringComparison.Ordinal) && name.Length < line.Length && line[name.Length] is '{' or ' ')
            .Where(line => labels.All(label => line.Contains(label, StringComparison.Ordinal)))
            .Sum(line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));
    }

    public Task<double> DropsAsync(string reason) => MetricAsync("udpgw_drops_total", $"reason=\"{reason}\"");

    /// <summary>Memory of the program, without its descendants, that is in RAM now.</summary>
    public long ResidentBytes
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    /// <summary>The program stands still, and what arrives meanwhile stays with the kernel, until <see cref="ContinueAsync"/>.</summary>
    public Task PauseAsync() => SignalAsync("-STOP");

    public Task ContinueAsync() => SignalAsync("-CONT");

    /// <summary>Sends the signal of Ctrl-C and waits for the end.</summary>
    public async Task<(int ExitCode, TimeSpan Took)> InterruptAsync()
    {
        var watch = Stopwatch.StartNew();
        await SignalAsync("-INT");
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        await _process.WaitForExitAsync(deadline.Token);
        return (_process.ExitCode, watch.Elapsed);
    }

    /// <summary>Ends the program, and it alone, without a warning.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>The program's descendants, named by process id and start time, so that a reused id is no false alarm.</summary>
    public IReadOnlyList<string> Descendants() => ProcessTree.DescendantsOf(_process.Id);

    /// <summary>What the program's file descriptors stand for.</summary>
    public IReadOnlyList<string> OpenFiles() =>
        [.. Directory.GetFiles($"/proc/{_process.Id}/fd").Select(descriptor => new FileInfo(descriptor).LinkTarget ?? "")];

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        if (!_process.HasExited)
        {
            try
            {
                await InterruptAsync();
            }
            catch (OperationCanceledException exception)
            {
                _process.Kill(entireProcessTree: true);
                throw new TimeoutException($"`up` did not stop within 20 s:\n{Log}", exception);
            }
        }

        _process.Dispose();
    }

    private async Task SignalAsync(string signal) =>
        (await ProgramRun.OfAsync("kill", [signal, _process.Id.ToString(CultureInfo.InvariantCulture)])).Succeeded();

    private void Keep(object sender, DataReceivedEventArgs line)
    {
        lock (_log)
            _log.AppendLine(line.Data);
    }
}
