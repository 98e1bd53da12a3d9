using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace UdpGateway.Cli.LocalLambda;

/// <summary>
/// Lambda's queue of asynchronous invocations: accepted at once, run when the function has a process for them, and repeated after
/// <see cref="LocalLambdaOptions.EventRetryDelays"/> when the function fails, every time under the same request id.
/// </summary>
internal sealed partial class EventInvocations(LocalLambdaOptions options, ILogger logger) : IDisposable
{
    private readonly ConcurrentDictionary<FunctionPool, int> _pending = new();
    private readonly CancellationTokenSource _stopping = new();

    /// <summary>False when the function has too many unfinished events.</summary>
    public bool TryAccept(FunctionPool pool, Invocation invocation)
    {
        if (_pending.AddOrUpdate(pool, 1, (_, count) => count + 1) > options.MaximumPendingEvents)
        {
            Forget(pool);
            return false;
        }

        _ = RunAsync(pool, invocation);
        return true;
    }

    /// <summary>No attempt follows one that has ended.</summary>
    public void Stop() => _stopping.Cancel();

    public void Dispose() => _stopping.Dispose();

    private async Task RunAsync(FunctionPool pool, Invocation invocation)
    {
        try
        {
            for (var attempt = 0; ; attempt++)
            {
                var current = attempt == 0
                    ? invocation
                    : new Invocation(invocation.Payload, invocation.RequestId, invocation.InvokedFunctionArn)
                    {
                        TenantId = invocation.TenantId,
                        ClientContext = invocation.ClientContext,
                    };
                pool.TryInvoke(current, mayExceed: true);
                var result = await current.Completion;
                if (!result.IsError || _stopping.IsCancellationRequested) return;
                if (attempt == options.EventRetryDelays.Count)
                {
                    Log.Discarded(logger, pool.Function.FunctionName, invocation.RequestId, attempt + 1);
                    return;
                }

                Log.Retrying(logger, pool.Function.FunctionName, invocation.RequestId, attempt + 1, options.EventRetryDelays[attempt]);
                await Task.Delay(options.EventRetryDelays[attempt], _stopping.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped while it waited for the next attempt.
            Log.Abandoned(logger, pool.Function.FunctionName, invocation.RequestId);
        }
        finally
        {
            Forget(pool);
        }
    }

    private void Forget(FunctionPool pool) => _pending.AddOrUpdate(pool, 0, (_, count) => count - 1);

    private static partial class Log
    {
        [LoggerMessage(6020, LogLevel.Warning, "{Function}: event {RequestId} failed (attempt {Attempt}), next attempt in {Delay}")]
        public static partial void Retrying(ILogger logger, string function, string requestId, int attempt, TimeSpan delay);

        [LoggerMessage(6021, LogLevel.Error, "{Function}: event {RequestId} failed {Attempts} times and is discarded")]
        public static partial void Discarded(ILogger logger, string function, string requestId, int attempts);

        [LoggerMessage(6022, LogLevel.Warning, "{Function}: event {RequestId} is not repeated, because the service stops")]
        public static partial void Abandoned(ILogger logger, string function, string requestId);
    }
}
