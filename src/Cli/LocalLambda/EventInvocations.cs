using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;

namespace UdpGateway.Cli.LocalLambda;

/// <summary>
/// Lambda's queue of asynchronous invocations: accepted at once, run when the function has a process for them, and repeated after
/// <see cref="LocalLambdaOptions.EventRetryDelays"/> when the function fails, every time under the same request id. One that fails
/// for good goes to the function's OnFailure destination: another function here, or a line of a file.
/// </summary>
internal sealed partial class EventInvocations(LocalLambdaOptions options, IReadOnlyDictionary<string, FunctionPool> functions, ILogger logger) : IDisposable
{
    private readonly ConcurrentDictionary<FunctionPool, int> _pending = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _file = new();

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
                if (attempt == Math.Min(pool.Function.MaximumRetryAttempts, options.EventRetryDelays.Count))
                {
                    GiveUp(pool, invocation, result, attempt + 1);
                    return;
                }

                Log.Retrying(logger, pool.Function.FunctionName, invocation.RequestId, attempt + 1, options.EventRetryDelays[attempt].TotalSeconds);
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

    private void GiveUp(FunctionPool pool, Invocation invocation, InvocationResult result, int attempts)
    {
        var function = pool.Function;
        if (function.OnFailure is not { } destination)
        {
            Log.Discarded(logger, function.FunctionName, invocation.RequestId, attempts);
            return;
        }

        var record = FailureRecord(pool, invocation, result, attempts);
        if (FunctionReference.Parse(destination) is { Name: var name } && functions.TryGetValue(name, out var next))
        {
            if (TryAccept(next, new Invocation(record, Guid.NewGuid().ToString(), next.FunctionArn)))
                Log.HandedOn(logger, function.FunctionName, invocation.RequestId, attempts, name);
            else
                Log.Discarded(logger, function.FunctionName, invocation.RequestId, attempts);
            return;
        }

        var file = FunctionFolders.FailedEvents(options.StateDirectory, function);
        try
        {
            lock (_file)
            {
                Directory.CreateDirectory(Path.GetDirectoryName(file)!);
                File.AppendAllBytes(file, [.. record, (byte)'\n']);
            }

            Log.Written(logger, function.FunctionName, invocation.RequestId, attempts, destination, file);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Log.NotWritten(logger, exception, function.FunctionName, invocation.RequestId, file);
        }
    }

    // https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
    private static byte[] FailureRecord(FunctionPool pool, Invocation invocation, InvocationResult result, int attempts) => JsonSerializer.SerializeToUtf8Bytes(new JsonObject
    {
        ["version"] = "1.0",
        ["timestamp"] = DateTimeOffset.UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture),
        ["requestContext"] = new JsonObject
        {
            ["requestId"] = invocation.RequestId,
            ["functionArn"] = $"{pool.FunctionArn}:$LATEST",
            ["condition"] = "RetriesExhausted",
            ["approximateInvokeCount"] = attempts,
        },
        ["requestPayload"] = ReadJson(invocation.Payload),
        ["responseContext"] = new JsonObject { ["statusCode"] = 200, ["executedVersion"] = "$LATEST", ["functionError"] = "Unhandled" },
        ["responsePayload"] = ReadJson(result.Payload),
    });

    /// <summary>A program with its own runtime loop may report a failure in any form.</summary>
    private static JsonNode? ReadJson(ReadOnlyMemory<byte> payload)
    {
        try
        {
            return payload.IsEmpty ? null : JsonNode.Parse(payload.Span);
        }
        catch (JsonException)
        {
            return Encoding.UTF8.GetString(payload.Span);
        }
    }

    private void Forget(FunctionPool pool) => _pending.AddOrUpdate(pool, 0, (_, count) => count - 1);

    private static partial class Log
    {
        [LoggerMessage(6020, LogLevel.Warning, "{Function}: event {RequestId} failed (attempt {Attempt}), next attempt in {Delay} s")]
        public static partial void Retrying(ILogger logger, string function, string requestId, int attempt, double delay);

        [LoggerMessage(6021, LogLevel.Error, "{Function}: event {RequestId} failed {Attempts} times and is discarded")]
        public static partial void Discarded(ILogger logger, string function, string requestId, int attempts);

        [LoggerMessage(6023, LogLevel.Error, "{Function}: event {RequestId} failed {Attempts} times; {Destination} hears of it")]
        public static partial void HandedOn(ILogger logger, string function, string requestId, int attempts, string destination);

        [LoggerMessage(6024, LogLevel.Error, "{Function}: event {RequestId} failed {Attempts} times; what {Destination} would get is a line of {File}")]
        public static partial void Written(ILogger logger, string function, string requestId, int attempts, string destination, string file);

        [LoggerMessage(6025, LogLevel.Error, "{Function}: event {RequestId} failed for good and cannot be written to {File}")]
        public static partial void NotWritten(ILogger logger, Exception exception, string function, string requestId, string file);

        [LoggerMessage(6022, LogLevel.Warning, "{Function}: event {RequestId} is not repeated, because the service stops")]
        public static partial void Abandoned(ILogger logger, string function, string requestId);
    }
}
