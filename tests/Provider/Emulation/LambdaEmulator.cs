using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace UdpGateway.Provider.Tests.Emulation;

/// <summary>
/// Lambda as far as a provider meets it: the Invoke API with its queue of events, their further attempts and the destination for
/// those that failed, and the Runtime API with real processes behind it, which it kills at their timeout.
/// </summary>
internal sealed class LambdaEmulator : IAsyncDisposable
{
    private static readonly TimeSpan InitLimit = TimeSpan.FromSeconds(10);

    private readonly WebApplication _application;
    private readonly ConcurrentDictionary<string, Pool> _pools = new();
    private readonly ConcurrentDictionary<string, FunctionProcess> _processes = new();
    private readonly ConcurrentDictionary<Task, byte> _events = new();
    private readonly CancellationTokenSource _stopping = new();

    private bool _disposed;

    private LambdaEmulator(WebApplication application) => _application = application;

    public Uri Endpoint => new(_application.Urls.Single());

    /// <summary>Every line that any function's process wrote.</summary>
    public ConcurrentQueue<string> Output { get; } = new();

    /// <summary>Name of the function and payload, in the order in which attempts began.</summary>
    public ConcurrentQueue<(string Function, string Payload)> Invocations { get; } = new();

    public ConcurrentQueue<string> Errors { get; } = new();

    public static async Task<LambdaEmulator> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var emulator = new LambdaEmulator(builder.Build());
        emulator.Map();
        await emulator._application.StartAsync();
        return emulator;
    }

    public void Add(EmulatedFunction function) => _pools[function.Name] = new Pool(function);

    /// <summary>Queues an event, as CloudFormation does.</summary>
    public void SendEvent(string function, string payload)
    {
        var run = RunEventAsync(_pools[function], payload);
        _events[run] = 0;
    }

    /// <summary>Until nothing is under way: neither an attempt nor what follows from it.</summary>
    public async Task WhenIdleAsync()
    {
        while (_events.Keys.FirstOrDefault(run => !run.IsCompleted) is { } pending)
            await pending.WaitAsync(TimeSpan.FromMinutes(2));
    }

    /// <summary>One attempt, with the process that ran it.</summary>
    public async Task<(InvocationOutcome Outcome, FunctionProcess Process)> InvokeAsync(string function, string payload)
    {
        var pool = _pools[function];
        await pool.Slots.WaitAsync(_stopping.Token);
        try
        {
            return await AttemptAsync(pool, Guid.NewGuid().ToString(), payload);
        }
        finally
        {
            pool.Slots.Release();
        }
    }

    public FunctionProcess StartProcess(string function)
    {
        var process = new FunctionProcess(_pools[function].Function, Endpoint.Authority, Output);
        _processes[process.Token] = process;
        return process;
    }

    /// <summary>Kills every process of a function, whatever it does.</summary>
    public void Kill(string function)
    {
        foreach (var process in _processes.Values.Where(process => process.Function.Name == function))
            process.Kill();
    }

    /// <summary>Has the next attempt run in this process.</summary>
    public void Keep(FunctionProcess process) => _pools[process.Function.Name].Idle.Add(process);

    /// <summary>Ends the processes that have nothing to do, as Lambda does sooner or later: the next attempt meets a new one.</summary>
    public void EndIdleProcesses(string function)
    {
        while (_pools[function].Idle.TryTake(out var process))
        {
            _processes.TryRemove(process.Token, out _);
            process.Dispose();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_disposed)
            return;
        _disposed = true;
        await _stopping.CancelAsync();
        foreach (var process in _processes.Values)
            process.Dispose();
        await _application.DisposeAsync();
        _stopping.Dispose();
    }

    private async Task RunEventAsync(Pool pool, string payload)
    {
        var requestId = Guid.NewGuid().ToString();
        for (var attempt = 0; ; attempt++)
        {
            await pool.Slots.WaitAsync(_stopping.Token);
            InvocationOutcome outcome;
            try
            {
                (outcome, _) = await AttemptAsync(pool, requestId, payload);
            }
            finally
            {
                pool.Slots.Release();
            }

            if (outcome.Error is null)
                return;
            if (attempt < pool.Function.RetryDelays.Count)
            {
                await Task.Delay(pool.Function.RetryDelays[attempt], _stopping.Token);
                continue;
            }

            if (pool.Function.OnFailure is { } destination)
                SendEvent(destination, Record(pool.Function, requestId, payload, outcome.Error, attempt + 1).ToJsonString());
            return;
        }
    }

    // Source: AWS Lambda Developer Guide, "Capturing records of Lambda asynchronous invocations".
    private static JsonObject Record(EmulatedFunction function, string requestId, string payload, string error, int attempts) => new()
    {
        ["version"] = "1.0",
        ["timestamp"] = DateTimeOffset.UtcNow.ToString("O", CultureInfo.InvariantCulture),
        ["requestContext"] = new JsonObject
        {
            ["requestId"] = requestId,
            ["functionArn"] = $"{function.Arn}:$LATEST",
            ["condition"] = "RetriesExhausted",
            ["approximateInvokeCount"] = attempts,
        },
        ["requestPayload"] = JsonNode.Parse(payload),
        ["responseContext"] = new JsonObject { ["statusCode"] = 200, ["executedVersion"] = "$LATEST", ["functionError"] = "Unhandled" },
        ["responsePayload"] = JsonNode.Parse(error),
    };

    private async Task<(InvocationOutcome Outcome, FunctionProcess Process)> AttemptAsync(Pool pool, string requestId, string payload)
    {
        FunctionProcess? process;
        while (pool.Idle.TryTake(out process) && process.Exited.IsCompleted)
        {
        }

        process ??= StartProcess(pool.Function.Name);
        Invocations.Enqueue((pool.Function.Name, payload));
        var invocation = new EmulatedInvocation(requestId, payload);
        process.Assign(invocation);
        var timeout = TimeOutAsync(process, invocation);
        var first = await Task.WhenAny(invocation.Completion.Task, process.Exited, timeout);
        if (first == invocation.Completion.Task)
        {
            var outcome = await invocation.Completion.Task;
            if (outcome.Error is not null)
                Errors.Enqueue(outcome.Error);
            pool.Idle.Add(process);
            return (outcome, process);
        }

        var error = process.Describe(invocation, timedOut: first == timeout);
        Errors.Enqueue(error);
        _processes.TryRemove(process.Token, out _);
        process.Dispose();
        return (new InvocationOutcome(null, error), process);
    }

    // Starting has a limit of its own, and the function's timeout counts from when it has the event.
    private async Task TimeOutAsync(FunctionProcess process, EmulatedInvocation invocation)
    {
        await Task.WhenAny(invocation.Started.Task, Task.Delay(InitLimit, _stopping.Token));
        await Task.Delay(process.Function.Timeout, _stopping.Token);
    }

    private void Map()
    {
        const string Runtime = "/{token}/2018-06-01/runtime";
        _application.MapPost("/2015-03-31/functions/{name}/invocations", AcceptAsync);
        _application.MapGet(Runtime + "/invocation/next", NextAsync);
        _application.MapPost(Runtime + "/invocation/{id}/response", (HttpContext context, string token, string id) => CompleteAsync(context, token, id, isError: false));
        _application.MapPost(Runtime + "/invocation/{id}/error", (HttpContext context, string token, string id) => CompleteAsync(context, token, id, isError: true));
        _application.MapPost(Runtime + "/init/error", async (HttpContext context, string token) =>
        {
            _processes[token].InitError = await ReadAsync(context);
            return Results.Accepted();
        });
    }

    private async Task AcceptAsync(HttpContext context, string name)
    {
        var function = name.Split(':') is ["arn", _, "lambda", _, _, "function", var functionName, ..] ? functionName : name;
        if (!_pools.ContainsKey(function) || context.Request.Headers["X-Amz-Invocation-Type"] != "Event")
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        SendEvent(function, await ReadAsync(context));
        context.Response.StatusCode = StatusCodes.Status202Accepted;
    }

    private async Task NextAsync(HttpContext context, string token)
    {
        var process = _processes[token];
        EmulatedInvocation invocation;
        try
        {
            invocation = await process.NextAsync(context.RequestAborted);
        }
        catch (OperationCanceledException)
        {
            context.Abort();
            return;
        }

        var headers = context.Response.Headers;
        headers["Lambda-Runtime-Aws-Request-Id"] = invocation.RequestId;
        headers["Lambda-Runtime-Deadline-Ms"] = (DateTimeOffset.UtcNow + process.Function.Timeout).ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture);
        headers["Lambda-Runtime-Invoked-Function-Arn"] = process.Function.Arn;
        headers["Lambda-Runtime-Trace-Id"] = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0";
        await context.Response.WriteAsync(invocation.Payload);
    }

    private async Task CompleteAsync(HttpContext context, string token, string id, bool isError)
    {
        var body = await ReadAsync(context);
        var accepted = _processes.TryGetValue(token, out var process) && process.TryComplete(id, isError ? new InvocationOutcome(null, body) : new InvocationOutcome(body, null));
        context.Response.StatusCode = accepted ? StatusCodes.Status202Accepted : StatusCodes.Status400BadRequest;
    }

    private static async Task<string> ReadAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        return await reader.ReadToEndAsync(context.RequestAborted);
    }

    private sealed class Pool(EmulatedFunction function)
    {
        public EmulatedFunction Function { get; } = function;

        public ConcurrentBag<FunctionProcess> Idle { get; } = [];

        public SemaphoreSlim Slots { get; } = new(function.ReservedConcurrency);
    }
}
