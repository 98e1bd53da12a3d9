using System.Collections.Concurrent;
using System.Diagnostics;
using System.Threading.Channels;

namespace UdpGateway.Provider.Tests.Emulation;

internal sealed record EmulatedInvocation(string RequestId, string Payload)
{
    /// <summary>Completes when a process has it.</summary>
    public TaskCompletionSource Started { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public TaskCompletionSource<InvocationOutcome> Completion { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>One execution environment: a child process that gets one invocation at a time.</summary>
internal sealed class FunctionProcess : IDisposable
{
    private readonly Process _process;
    private readonly Channel<EmulatedInvocation> _next = Channel.CreateUnbounded<EmulatedInvocation>();
    private EmulatedInvocation? _current;
    private int _disposals;

    public FunctionProcess(EmulatedFunction function, string authority, ConcurrentQueue<string> output)
    {
        Function = function;
        var start = new ProcessStartInfo(function.FileName, function.Arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        var variables = start.Environment;
        foreach (var name in variables.Keys.Except(["PATH", "HOME", "DOTNET_ROOT", "TMPDIR"], StringComparer.Ordinal).ToArray())
            variables.Remove(name);
        variables["AWS_LAMBDA_RUNTIME_API"] = $"{authority}/{Token}";
        variables["AWS_LAMBDA_FUNCTION_NAME"] = function.Name;
        variables["AWS_LAMBDA_FUNCTION_VERSION"] = "$LATEST";
        variables["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] = "512";
        variables["AWS_LAMBDA_LOG_GROUP_NAME"] = $"/aws/lambda/{function.Name}";
        variables["AWS_LAMBDA_LOG_STREAM_NAME"] = "stream";
        variables["AWS_REGION"] = "us-west-2";
        variables["AWS_DEFAULT_REGION"] = "us-west-2";
        variables["AWS_ACCESS_KEY_ID"] = "AKIAEMULATEDFUNCTION";
        variables["AWS_SECRET_ACCESS_KEY"] = "emulated";
        variables["AWS_EC2_METADATA_DISABLED"] = "true";
        foreach (var (name, value) in function.Environment)
            variables[name] = value;
        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, line) => Add(line.Data);
        _process.ErrorDataReceived += (_, line) => Add(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        Exited = _process.WaitForExitAsync();

        void Add(string? line)
        {
            if (line is not null)
                output.Enqueue(line);
        }
    }

    public EmulatedFunction Function { get; }

    /// <summary>Part of the path under which this process reaches the Runtime API.</summary>
    public string Token { get; } = Guid.NewGuid().ToString("N");

    public Task Exited { get; }

    /// <summary>What the process said about not being able to start.</summary>
    public string? InitError { get; set; }

    /// <summary>Completes when the process asks for its first invocation.</summary>
    public TaskCompletionSource Ready { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public TimeSpan CpuTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    public void Assign(EmulatedInvocation invocation) => _next.Writer.TryWrite(invocation);

    public async Task<EmulatedInvocation> NextAsync(CancellationToken cancellationToken)
    {
        Ready.TrySetResult();
        _current = await _next.Reader.ReadAsync(cancellationToken);
        _current.Started.TrySetResult();
        return _current;
    }

    public bool TryComplete(string requestId, InvocationOutcome outcome) =>
        _current is { } current && current.RequestId == requestId && current.Completion.TrySetResult(outcome);

    public string Describe(EmulatedInvocation invocation, bool timedOut) => timedOut
        ? $$"""{"errorMessage":"{{invocation.RequestId}} Task timed out after {{Function.Timeout.TotalSeconds:0.00}} seconds"}"""
        : InitError ?? $$"""{"errorType":"Runtime.ExitError","errorMessage":"RequestId: {{invocation.RequestId}} Error: Runtime exited with error: exit status {{_process.ExitCode}}"}""";

    /// <summary>By SIGKILL: no handler runs, and what was under way stays as it is.</summary>
    public void Kill() => _process.Kill();

    /// <remarks>The emulator disposes it at its end, and whoever invoked it when it is of no use any more; that may be at the same time.</remarks>
    public void Dispose()
    {
        if (Interlocked.Increment(ref _disposals) > 1)
            return;
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }
}
