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
/// <c>/livez</c>, <c>/readyz</c>, <c>/readyz/LISTENER</c>, <c>/metrics</c> and <c>/config</c> over HTTP on loopback.
/// A web page must not read them: requests with a foreign Host or any Origin are refused.
/// </summary>
internal sealed class AdminEndpoint : IAsyncDisposable
{
    private const string PlainText = "text/plain; charset=utf-8";

    private readonly WebApplication _application;

    private AdminEndpoint(WebApplication application) => _application = application;

    /// <summary><c>http://127.0.0.1:port</c>.</summary>
    public required Uri Address { get; init; }

    public static async Task<AdminEndpoint> StartAsync(int port, GatewayHealth health, GatewayMetrics metrics, ILoggerFactory loggers, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { Args = [] });
        builder.Logging.ClearProviders();
        builder.Logging.AddProvider(new ForwardingLogs(loggers));
        builder.Logging.SetMinimumLevel(LogLevel.Warning); // a balancer asks every few seconds
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port));
        var application = builder.Build();
        application.Use(RefuseWebPages);
        Map(application, health, metrics);
        await application.StartAsync(cancellationToken);

        var addresses = application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!;
        return new AdminEndpoint(application) { Address = new Uri(addresses.Addresses.Single()) };
    }

    public ValueTask DisposeAsync() => _application.DisposeAsync();

    private static void Map(WebApplication application, GatewayHealth health, GatewayMetrics metrics)
    {
        application.MapGet("/livez", () => Answer(health.IsLive, "live", "a worker died"));
        application.MapGet("/readyz", () => Answer(health.IsReady, "ready", "not ready"));
        application.MapGet("/readyz/{listener}", (string listener) => Answer(health.IsServed(listener), "served", "not served"));
        application.MapGet("/config", () => Results.Json(health.Describe(), new JsonSerializerOptions { WriteIndented = true }));
        application.MapGet("/metrics", async context =>
        {
            context.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
            await metrics.WriteAsync(context.Response.Body, context.RequestAborted);
        });
    }

    private static IResult Answer(bool good, string yes, string no) =>
        Results.Text((good ? yes : no) + "\n", PlainText, statusCode: good ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);

    private static Task RefuseWebPages(HttpContext context, RequestDelegate next)
    {
        var host = context.Request.Host.Host;
        var isOurs = host is "localhost" || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));
        if (isOurs && !context.Request.Headers.ContainsKey("Origin"))
            return next(context);
        context.Response.StatusCode = StatusCodes.Status403Forbidden;
        return Task.CompletedTask;
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
