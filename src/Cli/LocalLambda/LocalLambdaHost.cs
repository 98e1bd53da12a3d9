using System.Collections.Frozen;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.HostFiltering;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using UdpGateway.Cli.LocalLambda.Runtimes;

namespace UdpGateway.Cli.LocalLambda;

/// <summary>The Lambda service of local mode: the template's functions as child processes behind Lambda's Invoke API.</summary>
public sealed class LocalLambdaHost : IAsyncDisposable
{
    private readonly WebApplication _server;
    private readonly IReadOnlyList<FunctionPool> _pools;
    private readonly EventInvocations _events;
    private bool _disposed;

    private LocalLambdaHost(WebApplication server, IReadOnlyList<FunctionPool> pools, EventInvocations events, Uri endpoint)
    {
        _server = server;
        _pools = pools;
        _events = events;
        Endpoint = endpoint;
    }

    /// <summary>Base address of the Invoke API, on the loopback interface.</summary>
    public Uri Endpoint { get; }

    /// <summary>Builds what must be built and begins to serve; no function runs before its first invocation.</summary>
    /// <exception cref="LocalLambdaException">A function cannot run here: a runtime is not supported or not installed, or a build failed.</exception>
    public static async Task<LocalLambdaHost> StartAsync(
        LocalLambdaOptions options, IReadOnlyList<LocalFunction> functions, ILoggerFactory loggers, CancellationToken ct)
    {
        options = options with { StateDirectory = Path.GetFullPath(options.StateDirectory) };
        var commands = await FunctionRuntimes.PrepareAsync(options.StateDirectory, functions, loggers.CreateLogger<LocalLambdaHost>(), ct);

        var environments = new ExecutionEnvironments();
        var pools = functions.Zip(commands, (function, command) => new FunctionPool(
            function,
            $"arn:aws:lambda:{options.Region}:{options.AccountId}:function:{function.FunctionName}",
            command,
            options,
            environments,
            loggers.CreateLogger(function.FunctionName))).ToList();
        var events = new EventInvocations(options, loggers.CreateLogger<LocalLambdaHost>());

        var server = BuildServer(loggers);
        new RuntimeApi(environments).Map(server);
        new InvokeApi(options, pools.ToFrozenDictionary(pool => pool.Function.FunctionName, StringComparer.Ordinal), events).Map(server);
        await server.StartAsync(ct);
        var addresses = server.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;
        var endpoint = new Uri(addresses.Single());
        environments.Authority = endpoint.Authority;
        return new LocalLambdaHost(server, pools, events, endpoint);
    }

    /// <summary>Ends every function's process at once; whoever still waits for an answer gets an error.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_disposed) return;
        _disposed = true;
        _events.Stop();
        await Task.WhenAll(_pools.Select(pool => pool.StopAsync()));
        using (var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(1)))
        {
            await _server.StopAsync(deadline.Token);
        }

        await _server.DisposeAsync();
        _events.Dispose();
    }

    private static WebApplication BuildServer(ILoggerFactory loggers)
    {
        // The empty builder: neither the user's appsettings.json nor ASPNETCORE_ variables have a say here.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "udpgw" });
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = null;
            // A function may write its streamed answer as slowly as its timeout permits.
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Listen(IPAddress.Loopback, 0);
        });
        builder.Services.AddSingleton(loggers);
        builder.Services.AddSingleton<IHostLifetime, OwnedLifetime>();
        builder.Services.AddRoutingCore();
        // A web page that a name server points to this address is refused (DNS rebinding).
        builder.Services.Configure<HostFilteringOptions>(filter =>
        {
            filter.AllowedHosts = ["127.0.0.1", "localhost"];
            filter.AllowEmptyHosts = false;
            filter.IncludeFailureMessage = false;
        });

        var server = builder.Build();
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

    /// <summary>Signals belong to the verb that runs: it stops the gateway first and this server after it.</summary>
    private sealed class OwnedLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
