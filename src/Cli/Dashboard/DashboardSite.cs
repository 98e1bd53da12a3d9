using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using UdpGateway.Gateway;
using UdpGateway.Listeners;

namespace UdpGateway.Cli.Dashboard;

/// <summary>
/// The dashboard on the admin endpoint: page, packet stream and capture, all below a path with a random token. The
/// endpoint itself refuses foreign Hosts and any Origin. What packets hold leaves as JSON and is shown as text.
/// </summary>
internal sealed class DashboardSite : IAsyncDisposable
{
    private const string Root = "/dashboard";
    private const int TokenSize = 32;
    private const int PacketsPerMessage = 1_000;

    /// <summary>No inline code, nothing from elsewhere, and in browsers that know it no way from text to markup.</summary>
    private const string ContentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

    private static readonly TimeSpan StreamPause = TimeSpan.FromMilliseconds(150);
    private static readonly TimeSpan StatusPause = TimeSpan.FromSeconds(1);

    private static readonly Dictionary<string, string> Assets = new(StringComparer.Ordinal)
    {
        ["index.html"] = "text/html; charset=utf-8",
        ["app.js"] = "text/javascript; charset=utf-8",
        ["detail.js"] = "text/javascript; charset=utf-8",
        ["dom.js"] = "text/javascript; charset=utf-8",
        ["hex.js"] = "text/javascript; charset=utf-8",
        ["status.js"] = "text/javascript; charset=utf-8",
        ["style.css"] = "text/css; charset=utf-8",
        ["icon.svg"] = "image/svg+xml",
    };

    private readonly byte[] _token = Encoding.ASCII.GetBytes(Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(TokenSize)));
    private readonly PacketView _view;
    private GatewayHost? _gateway;

    public DashboardSite()
    {
        Tap = new PacketTap(IsNamedPeer);
        _view = new PacketView(MayBeCoap);
    }

    public PacketTap Tap { get; }

    /// <summary>The address with its token, which is all that a browser needs.</summary>
    public Uri Address => new(_gateway!.AdminAddress, $"{Root}/{Encoding.ASCII.GetString(_token)}/");

    /// <summary>Whose listeners are shown; until then the page is empty.</summary>
    public void Watch(GatewayHost gateway) => _gateway = gateway;

    public StackStatus Status() => StackStatus.Read(_gateway, Tap);

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet(Root + "/{**rest}", (HttpContext context) =>
        {
            SetHeaders(context.Response.Headers);
            return RefuseAsync(context);
        });
        Map(routes, "", context => WriteAssetAsync(context, "index.html"));
        Map(routes, "stream", StreamAsync);
        Map(routes, "packets/{number:long}", WriteDetailAsync);
        Map(routes, "capture.pcapng", WriteCaptureAsync);
        foreach (var asset in Assets.Keys)
            Map(routes, asset, context => WriteAssetAsync(context, asset));
    }

    public ValueTask DisposeAsync() => Tap.DisposeAsync();

    private void Map(IEndpointRouteBuilder routes, string path, RequestDelegate answer) => routes.MapGet($"{Root}/{{token}}/{path}", async context =>
    {
        SetHeaders(context.Response.Headers);
        if (!IsToken(context.Request.RouteValues["token"] as string))
        {
            await RefuseAsync(context);
            return;
        }

        if (path.Length == 0 && !context.Request.Path.Value!.EndsWith('/'))
        {
            // The page names its parts relative to its folder.
            context.Response.Redirect(context.Request.Path + "/");
            return;
        }

        await answer(context);
    });

    private static Task RefuseAsync(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status403Forbidden;
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync("The dashboard opens with the whole address that `udpgw up` printed when it was started last.\n", context.RequestAborted);
    }

    private bool IsToken(string? text) => text is not null && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(text), _token);

    private static void SetHeaders(IHeaderDictionary headers)
    {
        headers.ContentSecurityPolicy = ContentSecurityPolicy;
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers.CacheControl = "no-store";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
    }

    private static async Task WriteAssetAsync(HttpContext context, string name)
    {
        context.Response.ContentType = Assets[name];
        await using var content = typeof(DashboardSite).Assembly.GetManifestResourceStream($"UdpGateway.Cli.Dashboard.Page.{name}")!;
        await content.CopyToAsync(context.Response.Body, context.RequestAborted);
    }

    /// <summary>Server-sent events: everything that is kept, then what changes.</summary>
    private async Task StreamAsync(HttpContext context)
    {
        context.Response.ContentType = "text/event-stream";
        var version = 0L;
        var nextStatus = TimeSpan.Zero;
        var running = System.Diagnostics.Stopwatch.StartNew();
        try
        {
            while (!context.RequestAborted.IsCancellationRequested)
            {
                var (lines, newest) = Tap.Log.Look(log => (log.ChangedSince(version, PacketsPerMessage).Select(_view.Line).ToList(), log.Version));
                version = newest;
                if (lines.Count > 0)
                    await SendAsync(context, "packets", lines);
                if (running.Elapsed >= nextStatus)
                {
                    await SendAsync(context, "status", Status());
                    nextStatus = running.Elapsed + StatusPause;
                }

                await Task.Delay(StreamPause, context.RequestAborted);
            }
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The page was closed; nobody is left to be told.
        }
    }

    private static async Task SendAsync<T>(HttpContext context, string name, T data)
    {
        await context.Response.WriteAsync($"event: {name}\ndata: {JsonSerializer.Serialize(data, JsonSerializerOptions.Web)}\n\n", context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);
    }

    private Task WriteDetailAsync(HttpContext context)
    {
        var number = long.Parse((string)context.Request.RouteValues["number"]!, CultureInfo.InvariantCulture);
        if (Tap.Log.Look(log => log.Find(number) is { } packet ? _view.Detail(packet) : null) is { } detail)
            return context.Response.WriteAsJsonAsync(detail, JsonSerializerOptions.Web, context.RequestAborted);
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    }

    private async Task WriteCaptureAsync(HttpContext context)
    {
        var capture = Tap.Log.Look(log => CaptureFile.Write(log.All));
        context.Response.ContentType = "application/x-pcapng";
        context.Response.Headers.ContentDisposition = $"attachment; filename=\"udpgw-{DateTimeOffset.UtcNow:yyyyMMdd-HHmmss}.pcapng\"";
        await context.Response.Body.WriteAsync(capture, context.RequestAborted);
    }

    private bool IsNamedPeer(string listener, string key) =>
        Find(listener) is { } definition && definition.Peers.Any(peer => peer.PublicKey == key);

    private bool MayBeCoap(string listener) =>
        Find(listener) is { } definition && definition.Destinations.Any(destination => destination.Formatter == PayloadFormatter.Coap);

    private ListenerDefinition? Find(string listener) => _gateway?.Listeners.FirstOrDefault(host => host.Name == listener)?.Record.Definition;
}
