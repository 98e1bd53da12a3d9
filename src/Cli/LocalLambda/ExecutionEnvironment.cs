using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;

namespace UdpGateway.Cli.LocalLambda;

internal enum EnvironmentPhase
{
    /// <summary>The process has not asked for work yet.</summary>
    Starting,

    /// <summary>It waits for an invocation.</summary>
    Idle,

    /// <summary>It has an invocation, or answered one long ago and still does not ask for the next.</summary>
    Busy,

    /// <summary>It has just answered and will ask for the next invocation in a moment.</summary>
    Returning,

    /// <summary>It gets no more work; the process is gone or about to be killed.</summary>
    Ended,
}

/// <summary>
/// One child process that runs one function, one invocation at a time, and its side of the Runtime API. The phase and what belongs
/// to it are guarded by the lock of the <see cref="FunctionPool"/> that owns it.
/// </summary>
internal sealed partial class ExecutionEnvironment : IDisposable
{
    // How long a process that is gone may still have unread output; longer only when a child of its own holds the pipe.
    private static readonly TimeSpan OutputGrace = TimeSpan.FromMilliseconds(250);

    private readonly ILogger _logger;
    private readonly Timer _timer;
    private readonly long _createdAt = Stopwatch.GetTimestamp();
    private Process? _process;
    private long _dueAt = long.MaxValue;

    public ExecutionEnvironment(FunctionPool pool, ILogger logger, Action<ExecutionEnvironment> onDue)
    {
        Pool = pool;
        _logger = logger;
        _timer = new Timer(_ => onDue(this));
    }

    public FunctionPool Pool { get; }

    /// <summary>Stands in the path of the process's Runtime API: who does not know it cannot answer for this process.</summary>
    public string Token { get; } = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    public string LogStreamName { get; } = $"{DateTime.UtcNow:yyyy/MM/dd}/[$LATEST]{Guid.NewGuid():N}";

    public EnvironmentPhase Phase { get; set; } = EnvironmentPhase.Starting;

    public Invocation? Current { get; set; }

    /// <summary>The open long poll of an idle process.</summary>
    public TaskCompletionSource<Invocation>? Next { get; set; }

    /// <summary>What the process reported when it could not start.</summary>
    public ReadOnlyMemory<byte>? InitError { get; set; }

    /// <summary>Completes when the process is gone and its owner knows.</summary>
    public Task Run { get; set; } = Task.CompletedTask;

    /// <summary>Its code or settings are not the newest: it finishes what it has and gets nothing more.</summary>
    public bool IsRetired { get; set; }

    /// <summary>Whether the duration and memory of an invocation were logged already.</summary>
    public bool IsReported { get; set; }

    /// <summary>Whether it was told already that the process needs more memory than the function has.</summary>
    public bool IsTooLarge { get; set; }

    public TimeSpan Age => Stopwatch.GetElapsedTime(_createdAt);

    public bool IsDue => Environment.TickCount64 >= Volatile.Read(ref _dueAt);

    public long PeakMemoryBytes
    {
        get
        {
            try
            {
                if (_process is null || _process.HasExited) return 0;
                _process.Refresh();
                return Math.Max(_process.PeakWorkingSet64, Children(_process.Id).Select(PeakMemoryOf).DefaultIfEmpty().Max());
            }
            catch (InvalidOperationException)
            {
                // It ended between the question and the answer.
                return 0;
            }
        }
    }

    /// <summary>A program that runs under <see cref="LaunchCommand.EndingWithStandardInput"/> is a child of the shell that we started.</summary>
    private static IEnumerable<int> Children(int process)
    {
        var file = $"/proc/{process}/task/{process}/children";
        if (!File.Exists(file)) return [];
        try
        {
            return [.. File.ReadAllText(file).Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(id => int.Parse(id, CultureInfo.InvariantCulture))];
        }
        catch (IOException)
        {
            // It ended between the question and the answer.
            return [];
        }
    }

    private static long PeakMemoryOf(int process)
    {
        try
        {
            using var child = Process.GetProcessById(process);
            return child.PeakWorkingSet64;
        }
        catch (Exception exception) when (exception is ArgumentException or InvalidOperationException)
        {
            // So did this one.
            return 0;
        }
    }

    /// <summary>Sets the one deadline that the current phase has; a callback of an earlier deadline finds <see cref="IsDue"/> false.</summary>
    public void ExpireAfter(TimeSpan delay)
    {
        var milliseconds = (long)Math.Ceiling(delay.TotalMilliseconds);
        Volatile.Write(ref _dueAt, Environment.TickCount64 + milliseconds);
        // Timers may fire a tick early, and then nothing would follow.
        _timer.Change(milliseconds + 1, Timeout.Infinite);
    }

    public void NeverExpire()
    {
        Volatile.Write(ref _dueAt, long.MaxValue);
        _timer.Change(Timeout.Infinite, Timeout.Infinite);
    }

    /// <exception cref="Win32Exception">The program cannot be started.</exception>
    public void Launch(LaunchCommand command, IReadOnlyDictionary<string, string> variables)
    {
        var start = new ProcessStartInfo(command.FileName, command.Arguments)
        {
            WorkingDirectory = command.TaskRoot,
            UseShellExecute = false,
            CreateNoWindow = true,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Clear();
        foreach (var (name, value) in variables) start.Environment[name] = value;

        _process = Process.Start(start) ?? throw new Win32Exception($"{command.FileName} did not start.");
        Log.Started(_logger, _process.Id);
    }

    /// <summary>Passes the process's output on until it ends; returns its exit code.</summary>
    public async Task<int> WaitForExitAsync()
    {
        var process = _process ?? throw new InvalidOperationException("The process was not started.");
        using var reading = new CancellationTokenSource();
        var output = Task.WhenAll(
            LogLines.ReadAsync(process.StandardOutput.BaseStream, WriteLine, reading.Token),
            LogLines.ReadAsync(process.StandardError.BaseStream, WriteLine, reading.Token));
        await process.WaitForExitAsync(CancellationToken.None);
        ProcessGroup.Kill(process.Id);
        reading.CancelAfter(OutputGrace);
        await output;
        Log.Ended(_logger, process.Id, process.ExitCode);
        return process.ExitCode;
    }

    /// <summary>Ends the process and what it started, at once.</summary>
    public void Kill()
    {
        if (_process is not { } process) return;
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (Exception exception) when (exception is Win32Exception or AggregateException or InvalidOperationException)
        {
            // It ended by itself meanwhile, or one of its children did.
            Log.KillFailed(_logger, exception);
        }
    }

    public void Dispose()
    {
        _timer.Dispose();
        if (_process is null) return;
        // Redirected streams that were used directly are ours to close.
        _process.StandardInput.Dispose();
        _process.StandardOutput.Dispose();
        _process.StandardError.Dispose();
        _process.Dispose();
    }

    private void WriteLine(string line) => Log.Line(_logger, line);

    private static partial class Log
    {
        [LoggerMessage(6000, LogLevel.Information, "{Line}")]
        public static partial void Line(ILogger logger, string line);

        [LoggerMessage(6001, LogLevel.Debug, "INIT_START process {ProcessId}")]
        public static partial void Started(ILogger logger, int processId);

        [LoggerMessage(6002, LogLevel.Debug, "Process {ProcessId} ended with exit status {ExitCode}")]
        public static partial void Ended(ILogger logger, int processId, int exitCode);

        [LoggerMessage(6003, LogLevel.Debug, "A process could not be killed")]
        public static partial void KillFailed(ILogger logger, Exception exception);
    }
}
