using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.HostFiltering;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using UdpGateway.Cli.LocalLambda.Runtimes;

namespace UdpGateway.Cli.LocalLambda;

/// <summary>The Lambda service of local mode: the template's functions as child processes behind Lambda's Invoke API.</summary>
public sealed class LocalLambdaHost : IAsyncDisposable
{
    private readonly LocalLambdaOptions _options;
    private readonly ILoggerFactory _loggers;
    private readonly FunctionRuntimes _runtimes;
    private readonly ExecutionEnvironments _environments = new();
    private readonly ConcurrentDictionary<string, FunctionPool> _pools = new(StringComparer.Ordinal);
    private readonly EventInvocations _events;
    private readonly WebApplication _server;

    // By function name, what was edited and not taken over: the next reload reads it too.
    private readonly Dictionary<string, List<string>> _refusedFiles = new(StringComparer.Ordinal);
    private bool _disposed;

    private LocalLambdaHost(LocalLambdaOptions options, ILoggerFactory loggers)
    {
        var logger = loggers.CreateLogger<LocalLambdaHost>();
        _options = options;
        _loggers = loggers;
        _runtimes = new FunctionRuntimes(options.StateDirectory, logger);
        _events = new EventInvocations(options, _pools, logger);
        _server = BuildServer(loggers);
        new RuntimeApi(_environments).Map(_server);
        new InvokeApi(options, _pools, _events).Map(_server);
    }

    /// <summary>Base address of the Invoke API, on the loopback interface.</summary>
    public Uri Endpoint { get; private set; } = null!;

    /// <summary>As they are invoked now.</summary>
    public IReadOnlyList<LocalFunction> Functions => [.. _pools.Values.Select(pool => pool.Function)];

    /// <summary>By function name, the folders whose files decide what the function does.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> SourceDirectories => _pools.ToDictionary(pair => pair.Key, pair => pair.Value.Command.SourceDirectories);

    /// <summary>Builds what must be built and begins to serve; no function runs before its first invocation.</summary>
    /// <exception cref="LocalLambdaException">A function cannot run here: a runtime is not supported or not installed, or a build failed.</exception>
    public static async Task<LocalLambdaHost> StartAsync(
        LocalLambdaOptions options, IReadOnlyList<LocalFunction> functions, ILoggerFactory loggers, CancellationToken ct)
    {
        options = options with { StateDirectory = Path.GetFullPath(options.StateDirectory) };
        var host = new LocalLambdaHost(options, loggers);
        try
        {
            await host.UpdateAsync(functions, ct);
            host.Endpoint = await host._server.StartAtAsync(ct);
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }

        host._environments.Authority = host.Endpoint.Authority;
        return host;
    }

    /// <summary>
    /// Adds the functions that are new and swaps those that differ; the others are left alone, and none is removed. One caller
    /// at a time.
    /// </summary>
    /// <returns>The names of the functions that were swapped.</returns>
    /// <exception cref="LocalLambdaException">A function cannot run here; nothing has changed.</exception>
    public async Task<IReadOnlyList<string>> UpdateAsync(IReadOnlyList<LocalFunction> functions, CancellationToken ct)
    {
        var changed = functions.Where(function => !_pools.TryGetValue(function.FunctionName, out var pool) || !pool.Function.IsSameAs(function)).ToList();
        var unprepared = changed.Where(function => !_pools.TryGetValue(function.FunctionName, out var pool) || !pool.Function.HasSameCodeAs(function)).ToList();
        var prepared = unprepared.Zip(await _runtimes.PrepareAsync(unprepared, ct)).ToDictionary(pair => pair.First.FunctionName, pair => pair.Second);

        var swapped = new List<string>();
        foreach (var function in changed)
        {
            if (_pools.TryGetValue(function.FunctionName, out var pool))
            {
                pool.Swap(function, prepared.GetValueOrDefault(function.FunctionName) ?? pool.Command);
                swapped.Add(function.FunctionName);
            }
            else
            {
                _pools[function.FunctionName] = new FunctionPool(
                    function,
                    $"arn:aws:lambda:{_options.Region}:{_options.AccountId}:function:{function.FunctionName}",
                    prepared[function.FunctionName],
                    _options,
                    _environments,
                    _loggers.CreateLogger(function.FunctionName));
            }
        }

        return swapped;
    }

    /// <summary>Builds and swaps functions whose sources have changed. One caller at a time.</summary>
    /// <param name="changedFilesByFunctionName">The files may be gone.</param>
    /// <exception cref="LocalLambdaException">One does not build any more, or a file cannot be read by its interpreter; all go on as they were.</exception>
    public async Task ReloadAsync(IReadOnlyDictionary<string, IReadOnlyList<string>> changedFilesByFunctionName, CancellationToken ct)
    {
        var pools = changedFilesByFunctionName.Keys.Select(name => _pools[name]).ToList();
        var commands = await _runtimes.PrepareAsync([.. pools.Select(pool => pool.Function)], ct);
        var mistakes = new List<string>();
        foreach (var (pool, command) in pools.Zip(commands))
        {
            var files = _refusedFiles.GetValueOrDefault(pool.Function.FunctionName, []).Union(changedFilesByFunctionName[pool.Function.FunctionName], StringComparer.Ordinal).ToList();
            _refusedFiles[pool.Function.FunctionName] = files;
            mistakes.AddRange(await SourceSyntax.FindMistakesAsync(pool.Function.Runtime, command.FileName, files, ct));
        }

        if (mistakes.Count > 0) throw new LocalLambdaException(string.Join('\n', mistakes.Distinct(StringComparer.Ordinal)));
        foreach (var pool in pools) _refusedFiles.Remove(pool.Function.FunctionName);
        foreach (var (pool, command) in pools.Zip(commands)) pool.Swap(pool.Function, command);
    }

    /// <summary>Ends the functions whose names are not among these, at once.</summary>
    public async Task RemoveOthersAsync(IReadOnlyCollection<string> functionNames)
    {
        foreach (var name in _pools.Keys.Except(functionNames).ToList())
        {
            if (_pools.TryRemove(name, out var pool)) await pool.StopAsync();
        }
    }

    /// <summary>Ends every function's process at once; whoever still waits for an answer gets an error.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_disposed) return;
        _disposed = true;
        _events.Stop();
        await Task.WhenAll(_pools.Values.Select(pool => pool.StopAsync()));
        await _server.StopAndDisposeAsync();
        _events.Dispose();
    }

    private static WebApplication BuildServer(ILoggerFactory loggers)
    {
        var server = LoopbackServer.Build(
            limits =>
            {
                limits.MaxRequestBodySize = null;
                // A function may write its streamed answer as slowly as its timeout permits.
                limits.MinRequestBodyDataRate = null;
                limits.MinResponseDataRate = null;
            },
            services =>
            {
                services.AddSingleton(loggers);
                services.AddRoutingCore();
                // A web page that a name server points to this address is refused (DNS rebinding).
                services.Configure<HostFilteringOptions>(filter =>
                {
                    filter.AllowedHosts = ["127.0.0.1", "localhost"];
                    filter.AllowEmptyHosts = false;
                    filter.IncludeFailureMessage = false;
                });
            });
        server.UseHostFiltering();
        server.Use((context, next) =>
        {
            // Only browsers send it, and no page has business here.
            if (context.Request.Headers.Origin.Count == 0) return next(context);
            context.Response.StatusCode = StatusCodes.Status403Forbidden;
            return Task.CompletedTask;
        });
        return server;
    }
}
