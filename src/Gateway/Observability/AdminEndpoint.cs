using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace UdpGateway.Gateway.Observability;

/// <summary>
/// <c>/livez</c>, <c>/readyz</c>, <c>/readyz/LISTENER</c>, <c>/healthz</c>, <c>/metrics</c> and <c>/config</c> over HTTP on loopback,
/// and on a port of the network, if wanted, the first three of them; the others there only for the admin networks.
/// A web page must not read them: requests with another Host or Origin are refused.
/// </summary>
internal sealed class AdminEndpoint : IAsyncDisposable
{
    private const string PlainText = "text/plain; charset=utf-8";

    private readonly WebApplication _application;

    private AdminEndpoint(WebApplication application) => _application = application;

    /// <summary><c>http://127.0.0.1:port</c>.</summary>
    public required Uri Address { get; init; }

    /// <summary>The port of the network, if there is one.</summary>
    public IPEndPoint? HealthEndpoint { get; init; }

    public static async Task<AdminEndpoint> StartAsync(GatewayOptions options, GatewayHealth health, GatewayMetrics metrics, ILoggerFactory loggers, CancellationToken cancellationToken)
    {
        // The empty builder: neither an appsettings.json of the folder nor ASPNETCORE_ variables have a say here, and no file is watched.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "udpgw" });
        builder.Services.AddRouting();
        builder.Logging.AddProvider(new ForwardingLogs(loggers));
        builder.Logging.SetMinimumLevel(LogLevel.Warning); // a balancer asks every few seconds
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(IPAddress.Loopback, options.AdminPort);
            if (options.HealthPort is { } healthPort)
                kestrel.Listen(options.BindAddress, healthPort, listen => listen.Use(next => connection =>
                {
                    connection.Features.Set(NetworkFacing.Mark);
                    return next(connection);
                }));
        });
        var application = builder.Build();
        application.Use((context, next) => Admit(context, next, options.AdminNetworks));
        Map(application, health, metrics);
        options.AdminPages?.Invoke(application);
        await application.StartAsync(cancellationToken);

        // In the order in which they were given to Kestrel.
        var addresses = application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.ToList();
        return new AdminEndpoint(application)
        {
            Address = new Uri(addresses[0]),
            HealthEndpoint = options.HealthPort is null ? null : new IPEndPoint(options.BindAddress, new Uri(addresses[1]).Port),
        };
    }

    public ValueTask DisposeAsync() => _application.DisposeAsync();

    private static void Map(WebApplication application, GatewayHealth health, GatewayMetrics metrics)
    {
        application.MapGet("/livez", () => Answer(health.IsLive, "live", "a worker died"));
        application.MapGet("/readyz", () => Answer(health.IsReady, "ready", "not ready"));
        application.MapGet("/readyz/{listener}", (string listener) => Answer(health.IsServed(listener), "served", "not served"));
        application.MapGet("/healthz", () => Answer(health.IsHealthy, "healthy", "not healthy yet"));
        application.MapGet("/config", () => Results.Json(health.Describe(), new JsonSerializerOptions { WriteIndented = true }));
        application.MapGet("/metrics", async context =>
        {
            context.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
            await metrics.WriteAsync(context.Response.Body, context.RequestAborted);
        });
    }

    private static IResult Answer(bool good, string yes, string no) =>
        Results.Text((good ? yes : no) + "\n", PlainText, statusCode: good ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);

    private static Task Admit(HttpContext context, Func<Task> next, IReadOnlyList<IPNetwork> adminNetworks)
    {
        if (context.Features.Get<NetworkFacing>() is null ? IsFromHere(context.Request) : IsAdmitted(context, adminNetworks))
            return next();
        context.Response.StatusCode = StatusCodes.Status403Forbidden;
        return Task.CompletedTask;
    }

    private static bool IsFromHere(HttpRequest request)
    {
        var host = request.Host.Host;
        var isOurs = host is "localhost" || (TryParseAddress(host, out var address) && IPAddress.IsLoopback(address));
        // Some browsers send the Origin of a page of ours; no other page has it.
        return isOurs && (!request.Headers.TryGetValue("Origin", out var origin) || origin == $"http://{request.Host}");
    }

    /// <summary>A balancer asks by any name; who may read more asks by address, which no web page of a foreign name can.</summary>
    private static bool IsAdmitted(HttpContext context, IReadOnlyList<IPNetwork> adminNetworks)
    {
        var request = context.Request;
        if (request.Path.Equals("/livez", StringComparison.Ordinal) || request.Path.StartsWithSegments("/readyz", StringComparison.Ordinal))
            return true;
        if (context.Connection.RemoteIpAddress is not { } remote || request.Headers.ContainsKey("Origin") || !TryParseAddress(request.Host.Host, out _))
            return false;
        var source = remote.IsIPv4MappedToIPv6 ? remote.MapToIPv4() : remote;
        return adminNetworks.Any(network => network.Contains(source));
    }

    private static bool TryParseAddress(string host, [NotNullWhen(true)] out IPAddress? address) => IPAddress.TryParse(host.Trim('[', ']'), out address);

    /// <summary>Marks connections that did not come to the loopback port.</summary>
    private sealed class NetworkFacing
    {
        public static NetworkFacing Mark { get; } = new();
    }

    /// <summary>The web host's logs go where the gateway's go.</summary>
    private sealed class ForwardingLogs(ILoggerFactory loggers) : ILoggerProvider
    {
        public ILogger CreateLogger(string categoryName) => loggers.CreateLogger(categoryName);

        public void Dispose()
        {
            // The factory is the caller's.
        }
    }

    /// <summary>The gateway decides when it ends; the web host must not listen for signals of its own.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
