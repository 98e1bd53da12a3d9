using System.ComponentModel;
using System.Diagnostics;
using Microsoft.Extensions.Logging;

namespace UdpGateway.Cli.LocalLambda;

/// <summary>
/// The execution environments of one function and the invocations that wait for one. A process is started when an invocation finds
/// none idle, serves one invocation at a time, is kept warm, and stopped after <see cref="LocalLambdaOptions.IdleTimeout"/>.
/// </summary>
/// <remarks>
/// Which process gets which invocation is decided when a process asks for work, so a process that becomes idle takes what another is
/// still starting for. A process that fails to start fails the invocation that waited longest: each invocation pays for at most one
/// failed start, and nothing restarts in a loop. A swap retires the processes of the old code: those that work on an invocation
/// finish it, the others end at once.
/// </remarks>
internal sealed partial class FunctionPool(
    LocalFunction function, string functionArn, LaunchCommand command, LocalLambdaOptions options, ExecutionEnvironments environments, ILogger logger)
{
    // A process that has answered asks for more within a millisecond; to start another one takes much longer than this.
    private static readonly TimeSpan ReturnTime = TimeSpan.FromMilliseconds(250);

    // The shortest session that STS gives lasts this long; a process only has the credentials that it was started with.
    private static readonly TimeSpan CredentialLifetime = TimeSpan.FromMinutes(15);

    private readonly Lock _gate = new();
    private readonly Queue<Invocation> _waiting = new();
    private readonly List<ExecutionEnvironment> _members = [];
    private readonly string _scratchDirectory = FunctionFolders.Scratch(options.StateDirectory, function);
    private LaunchCommand _command = command;
    private bool _stopped;

    public LocalFunction Function { get; private set; } = function;

    public string FunctionArn { get; } = functionArn;

    /// <summary>How its processes are started.</summary>
    public LaunchCommand Command
    {
        get
        {
            lock (_gate) return _command;
        }
    }

    /// <summary>False when too many invocations wait already; the caller is told to try again.</summary>
    /// <param name="mayExceed">Accepted events have their own limit and wait as long as it takes.</param>
    public bool TryInvoke(Invocation invocation, bool mayExceed = false)
    {
        lock (_gate)
        {
            if (_stopped)
            {
                invocation.TryComplete(LambdaErrors.Stopped(invocation.RequestId));
                return true;
            }

            // The most recently used process first, so that the others can be reaped.
            if (_members.FindLast(member => member is { Phase: EnvironmentPhase.Idle, Next: not null }) is { } idle)
            {
                // Last in the list is the most recently used.
                _members.Remove(idle);
                _members.Add(idle);
                Hand(invocation, idle);
                return true;
            }

            if (_waiting.Count >= options.MaximumWaiting && !mayExceed) return false;
            _waiting.Enqueue(invocation);
            StartWhatIsNeeded();
            return true;
        }
    }

    /// <summary>The Runtime API's <c>next</c>: waits until there is an invocation for this process.</summary>
    /// <returns>Null when the process may not ask now: it still has an invocation, or is being stopped.</returns>
    public async Task<Invocation?> NextAsync(ExecutionEnvironment environment, CancellationToken cancellationToken)
    {
        TaskCompletionSource<Invocation> next;
        lock (_gate)
        {
            if (environment.Phase == EnvironmentPhase.Ended || environment.Current is not null) return null;
            if (environment.IsRetired)
            {
                Dismiss(environment);
                return null;
            }

            environment.Next?.TrySetCanceled(CancellationToken.None);
            environment.Next = next = new TaskCompletionSource<Invocation>(TaskCreationOptions.RunContinuationsAsynchronously);
            if (_waiting.TryDequeue(out var waiting))
            {
                Hand(waiting, environment);
            }
            else
            {
                environment.Phase = EnvironmentPhase.Idle;
                environment.ExpireAfter(options.IdleTimeout);
            }
        }

        await using var registration = cancellationToken.Register(() =>
        {
            lock (_gate)
            {
                if (environment.Next == next) environment.Next = null;
                next.TrySetCanceled(cancellationToken);
            }
        });
        return await next.Task;
    }

    /// <summary>The invocation that the process works on, if its id is the given one.</summary>
    public Invocation? Find(ExecutionEnvironment environment, string requestId)
    {
        lock (_gate)
        {
            return environment.Current is { } current && current.RequestId == requestId ? current : null;
        }
    }

    /// <summary>The process has answered.</summary>
    public void Complete(ExecutionEnvironment environment, Invocation invocation, InvocationResult result)
    {
        lock (_gate)
        {
            if (environment.Current != invocation) return;
            environment.Current = null;
            environment.Phase = EnvironmentPhase.Returning;
            environment.IsRetired |= options.Credentials is not null && environment.Age > CredentialLifetime;
            environment.ExpireAfter(ReturnTime);
        }

        // Once for each process a person sees what the function needs; a line for every packet would hide the function's own.
        var level = environment.IsReported ? LogLevel.Debug : LogLevel.Information;
        environment.IsReported = true;
        if (logger.IsEnabled(level))
        {
            var duration = Stopwatch.GetElapsedTime(invocation.StartedAt).TotalMilliseconds;
            Log.Report(logger, level, invocation.RequestId, duration, Function.MemorySize, environment.PeakMemoryBytes >> 20);
        }

        if (!environment.IsTooLarge && environment.PeakMemoryBytes >> 20 is var used && used > Function.MemorySize)
        {
            environment.IsTooLarge = true;
            Log.TooLarge(logger, used, Function.MemorySize, invocation.RequestId);
        }

        invocation.TryComplete(result);
    }

    /// <summary>The process could not load the function; it will end, and what it said is the answer to whoever waits.</summary>
    public void FailInit(ExecutionEnvironment environment, ReadOnlyMemory<byte> error)
    {
        lock (_gate)
        {
            if (environment.Phase != EnvironmentPhase.Starting) return;
            environment.InitError = error;
            environment.ExpireAfter(TimeSpan.FromSeconds(1));
        }
    }

    /// <summary>
    /// From now on invocations go to processes of the new code and settings, also those that wait already. What a process works on
    /// it finishes.
    /// </summary>
    public void Swap(LocalFunction function, LaunchCommand command)
    {
        lock (_gate)
        {
            if (_stopped) return;
            (Function, _command) = (function, command);
            foreach (var member in _members)
            {
                member.IsRetired = true;
                if (member.Phase is EnvironmentPhase.Starting or EnvironmentPhase.Idle) Dismiss(member);
            }

            StartWhatIsNeeded();
        }
    }

    public async Task StopAsync()
    {
        ExecutionEnvironment[] members;
        lock (_gate)
        {
            _stopped = true;
            members = [.. _members];
            while (_waiting.TryDequeue(out var waiting)) waiting.TryComplete(LambdaErrors.Stopped(waiting.RequestId));
            foreach (var member in members)
            {
                // In this order: a process that loses its connection ends by itself, and then nobody finds what it started.
                member.Kill();
                End(member, invocation => LambdaErrors.Stopped(invocation.RequestId));
            }
        }

        await Task.WhenAll(members.Select(member => member.Run));
    }

    // The lock is held.
    private void Hand(Invocation invocation, ExecutionEnvironment environment)
    {
        var next = environment.Next!;
        environment.Next = null;
        environment.Phase = EnvironmentPhase.Busy;
        environment.Current = invocation;
        environment.ExpireAfter(Function.Timeout);
        invocation.Deadline = DateTimeOffset.UtcNow + Function.Timeout;
        invocation.StartedAt = Stopwatch.GetTimestamp();
        next.TrySetResult(invocation);
    }

    // The lock is held.
    private void StartWhatIsNeeded()
    {
        if (Function.AwaitsEnvironment || _stopped) return;
        var current = _members.Count(member => !member.IsRetired);
        var coming = _members.Count(member => member is { IsRetired: false, Phase: EnvironmentPhase.Starting or EnvironmentPhase.Returning });
        for (; coming < _waiting.Count && current < options.MaximumConcurrency; coming++, current++)
        {
            var environment = new ExecutionEnvironment(this, logger, OnDue);
            _members.Add(environment);
            environments.Add(environment);
            environment.Run = Task.Run(() => RunAsync(environment));
        }
    }

    private async Task RunAsync(ExecutionEnvironment environment)
    {
        Func<Invocation, InvocationResult> failure;
        try
        {
            LaunchCommand launch;
            lock (_gate) launch = _command;
            var variables = FunctionVariables.Build(
                Function, launch, options, environments.RuntimeApi(environment), environment.LogStreamName, _scratchDirectory);
            bool launched;
            lock (_gate)
            {
                launched = environment.Phase != EnvironmentPhase.Ended;
                if (launched)
                {
                    environment.ExpireAfter(options.InitTimeout + Function.Timeout);
                    environment.Launch(launch, variables);
                }
            }

            var exitCode = launched ? await environment.WaitForExitAsync() : 0;
            failure = invocation => LambdaErrors.Exited(invocation.RequestId, exitCode);
            lock (_gate)
            {
                if (environment is { Phase: EnvironmentPhase.Starting or EnvironmentPhase.Busy, InitError: null })
                    Log.Crashed(logger, LambdaErrors.ExitReason(exitCode), environment.Current?.RequestId);
            }
        }
        catch (Exception exception) when (exception is Win32Exception or IOException or UnauthorizedAccessException or LocalLambdaException)
        {
            Log.NotStarted(logger, exception.Message);
            failure = invocation => LambdaErrors.NotStarted(invocation.RequestId, exception.Message);
        }

        environments.Remove(environment);
        lock (_gate)
        {
            End(environment, failure);
            _members.Remove(environment);
            StartWhatIsNeeded();
        }

        environment.Dispose();
    }

    /// <summary>The deadline of a phase has passed: of the start, of an invocation, of the way back from it, or of being idle.</summary>
    private void OnDue(ExecutionEnvironment environment)
    {
        lock (_gate)
        {
            if (environment.Phase == EnvironmentPhase.Ended || !environment.IsDue) return;
            if (environment.Phase == EnvironmentPhase.Returning)
            {
                // It still works on something; nobody should wait for that.
                environment.Phase = EnvironmentPhase.Busy;
                environment.ExpireAfter(Function.Timeout);
                StartWhatIsNeeded();
                return;
            }

            if (environment.Phase == EnvironmentPhase.Starting)
                Log.InitTimedOut(logger, (options.InitTimeout + Function.Timeout).TotalSeconds);
            else if (environment.Current is { } current)
                Log.TimedOut(logger, Function.Timeout.TotalSeconds, current.RequestId);
            else if (environment.Phase == EnvironmentPhase.Busy)
                Log.NeverReturned(logger, Function.Timeout.TotalSeconds);
            End(environment, invocation => environment.Phase == EnvironmentPhase.Starting
                ? LambdaErrors.InitTimedOut(invocation.RequestId, options.InitTimeout + Function.Timeout)
                : LambdaErrors.TimedOut(invocation.RequestId, Function.Timeout));
        }

        environment.Kill();
    }

    // The lock is held. The process has nothing to do and gets no more work; nobody's invocation fails for that.
    private static void Dismiss(ExecutionEnvironment environment)
    {
        environment.Kill();
        environment.Phase = EnvironmentPhase.Ended;
        environment.Next?.TrySetCanceled(CancellationToken.None);
        environment.NeverExpire();
    }

    // The lock is held. The process gets no more work, and the invocation that depended on it gets its result.
    private void End(ExecutionEnvironment environment, Func<Invocation, InvocationResult> failure)
    {
        if (environment.Phase == EnvironmentPhase.Ended) return;
        if (environment.Phase == EnvironmentPhase.Starting && _waiting.TryDequeue(out var waiting))
        {
            waiting.TryComplete(environment.InitError is { } error ? new InvocationResult(IsError: true, error) : failure(waiting));
        }

        environment.Current?.TryComplete(failure(environment.Current));
        environment.Phase = EnvironmentPhase.Ended;
        environment.Current = null;
        environment.Next?.TrySetCanceled(CancellationToken.None);
        environment.NeverExpire();
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 6010, Message = "REPORT RequestId: {RequestId} Duration: {Duration:F2} ms Memory Size: {MemorySize} MB Max Memory Used: {MaxMemory} MB")]
        public static partial void Report(ILogger logger, LogLevel level, string requestId, double duration, int memorySize, long maxMemory);

        [LoggerMessage(6011, LogLevel.Warning, "Task timed out after {Seconds:F2} seconds, RequestId: {RequestId}; the next invocation starts it anew")]
        public static partial void TimedOut(ILogger logger, double seconds, string requestId);

        [LoggerMessage(6016, LogLevel.Warning, "Uses {Used} MB, more than its MemorySize of {MemorySize} MB: Lambda would have ended it, RequestId: {RequestId}")]
        public static partial void TooLarge(ILogger logger, long used, int memorySize, string requestId);

        [LoggerMessage(6014, LogLevel.Warning, "The process did not ask for an invocation within {Seconds:F2} seconds of its start and is ended")]
        public static partial void InitTimedOut(ILogger logger, double seconds);

        [LoggerMessage(6015, LogLevel.Warning, "The process did not ask for the next invocation within {Seconds:F2} seconds of its answer and is ended")]
        public static partial void NeverReturned(ILogger logger, double seconds);

        [LoggerMessage(6013, LogLevel.Warning, "{Reason}, RequestId: {RequestId}; the next invocation starts it anew")]
        public static partial void Crashed(ILogger logger, string reason, string? requestId);

        [LoggerMessage(6012, LogLevel.Error, "The function cannot be started: {Reason}")]
        public static partial void NotStarted(ILogger logger, string reason);
    }
}
