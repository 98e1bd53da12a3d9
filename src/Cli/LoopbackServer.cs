using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace UdpGateway.Cli;

/// <summary>An HTTP server on a free port of the loopback interface: what each stand-in for a service of AWS needs.</summary>
internal static class LoopbackServer
{
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(1);

    public static WebApplication Build(Action<KestrelServerLimits> limit, Action<IServiceCollection>? addServices = null)
    {
        // The empty builder: neither the user's appsettings.json nor ASPNETCORE_ variables have a say here.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "udpgw" });
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            limit(kestrel.Limits);
            kestrel.Listen(IPAddress.Loopback, 0);
        });
        builder.Services.AddSingleton<IHostLifetime, OwnedLifetime>();
        addServices?.Invoke(builder.Services);
        return builder.Build();
    }

    /// <returns>Where it listens.</returns>
    public static async Task<Uri> StartAtAsync(this WebApplication server, CancellationToken cancellationToken)
    {
        await server.StartAsync(cancellationToken);
        return new Uri(server.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
    }

    /// <summary>Requests under way get a moment, not more.</summary>
    public static async Task StopAndDisposeAsync(this WebApplication server)
    {
        using (var deadline = new CancellationTokenSource(StopTimeout))
            await server.StopAsync(deadline.Token);
        await server.DisposeAsync();
    }

    /// <summary>Signals belong to the verb that runs: it stops the gateway first and these servers after it.</summary>
    private sealed class OwnedLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
