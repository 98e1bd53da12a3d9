using System.Buffers;
using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using UdpGateway.Gateway.Observability;
using UdpGateway.Listeners;
using UdpGateway.WireGuard;

namespace UdpGateway.Gateway.PacketSources;

/// <summary>
/// The tasks of a fleet among themselves: a task that has no session with a client asks all others once whether they have. Who is
/// asked sends through its own sessions only and never asks on. Requests carry a <see cref="RelaySignature"/>.
/// </summary>
internal sealed partial class FleetRelay : IAsyncDisposable
{
    private const string Path = "/relay";
    private const int MaxBodyBytes = 1_048_576;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly HttpClient _client = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, UseProxy = false }) { Timeout = Patience };
    private readonly FleetRelayOptions _options;
    private readonly RelaySignature _signature;
    private readonly PushRouter _router;
    private readonly ILogger<FleetRelay> _logger;
    private readonly LogGate _failureLog = new();
    private readonly LogGate _refusalLog = new();
    private readonly WebApplication _server;

    private FleetRelay(FleetRelayOptions options, byte[] key, PushRouter router, ILoggerFactory loggers)
    {
        _options = options;
        _signature = new RelaySignature(key, TimeProvider.System);
        _router = router;
        _logger = loggers.CreateLogger<FleetRelay>();
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "udpgw" });
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = MaxBodyBytes;
            kestrel.Limits.MaxConcurrentConnections = 256;
            kestrel.Listen(options.BindAddress, options.Port);
        });
        builder.Services.AddSingleton<IHostLifetime, OwnedLifetime>();
        _server = builder.Build();
        _server.Run(AnswerAsync);
    }

    /// <summary>Where this task is asked.</summary>
    public IPEndPoint Endpoint { get; private set; } = null!;

    /// <exception cref="ArgumentException">The fleet's key cannot be read.</exception>
    public static async Task<FleetRelay> StartAsync(FleetRelayOptions options, ISecretStore secrets, PushRouter router, ILoggerFactory loggers, CancellationToken cancellationToken)
    {
        var secret = await secrets.ReadAsync(new SecretReference(options.KeySecretId), cancellationToken);
        var key = new byte[secret.Value?.Length ?? 0];
        if (secret.Value is null || !Convert.TryFromBase64String(secret.Value, key, out var length) || length < 32)
            throw new ArgumentException($"The secret {options.KeySecretId} must hold the base64 of at least 32 bytes, which all tasks of the fleet share ({secret.Status}).", nameof(options));
        var relay = new FleetRelay(options, key[..length], router, loggers);
        await relay._server.StartAsync(cancellationToken);
        var address = new Uri(relay._server.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
        relay.Endpoint = new IPEndPoint(options.BindAddress, address.Port);
        Log.Started(relay._logger, relay.Endpoint);
        return relay;
    }

    /// <summary>Asks every other task; returns the packets that all of them declined.</summary>
    public async Task<IReadOnlyList<PushedPacket>> RelayAsync(string listenerName, IReadOnlyList<PushedPacket> packets, CancellationToken cancellationToken)
    {
        var peers = _options.Peers();
        if (peers.Count == 0)
            return packets;
        var body = Write(listenerName, packets);
        var answers = await Task.WhenAll(peers.Select(peer => AskAsync(peer, body, packets.Count, cancellationToken)));
        return [.. packets.Where((_, index) => answers.All(declined => declined.Contains(index)))];
    }

    public async ValueTask DisposeAsync()
    {
        using (var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(1)))
            await _server.StopAsync(deadline.Token);
        await _server.DisposeAsync();
        _client.Dispose();
    }

    /// <summary>Which packets the task declined; all of them if it cannot be asked.</summary>
    private async Task<HashSet<int>> AskAsync(Uri peer, byte[] body, int count, CancellationToken cancellationToken)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(peer, Path)) { Content = new ByteArrayContent(body) };
            request.Headers.Add(RelaySignature.HeaderName, _signature.Sign(body));
            using var response = await _client.SendAsync(request, cancellationToken);
            response.EnsureSuccessStatusCode();
            return [.. JsonSerializer.Deserialize<int[]>(await response.Content.ReadAsByteArrayAsync(cancellationToken)) ?? []];
        }
        catch (Exception fault) when (fault is HttpRequestException or JsonException || (fault is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            if (_failureLog.TryOpen(out var suppressed))
                Log.Unreachable(_logger, peer, fault.Message, suppressed);
            return [.. Enumerable.Range(0, count)];
        }
    }

    private async Task AnswerAsync(HttpContext context)
    {
        if (!HttpMethods.IsPost(context.Request.Method) || context.Request.Path != Path)
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        using var stream = new MemoryStream();
        await context.Request.Body.CopyToAsync(stream, context.RequestAborted);
        var body = stream.ToArray();
        var verdict = _signature.Check(context.Request.Headers[RelaySignature.HeaderName], body);
        if (verdict != RelayVerdict.Genuine)
        {
            if (_refusalLog.TryOpen(out var suppressed))
                Log.Refused(_logger, context.Connection.RemoteIpAddress, verdict, suppressed);
            context.Response.StatusCode = StatusCodes.Status403Forbidden;
            return;
        }

        using var json = JsonDocument.Parse(body);
        var packets = PushReader.Read(Encoding.UTF8.GetString(body)).Packets;
        var declined = await _router.SendHereAsync(json.RootElement.GetProperty("Listener").GetString()!, packets);
        var left = declined.ToHashSet(ReferenceEqualityComparer.Instance);
        await context.Response.Body.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(Enumerable.Range(0, packets.Count).Where(index => left.Contains(packets[index]))), context.RequestAborted);
    }

    /// <summary>The form of a source's own messages, with the listener's name.</summary>
    private static byte[] Write(string listenerName, IReadOnlyList<PushedPacket> packets)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("Listener", listenerName);
            json.WriteStartArray("Messages");
            foreach (var packet in packets)
                Write(json, packet);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static void Write(Utf8JsonWriter json, PushedPacket packet)
    {
        json.WriteStartObject();
        json.WriteBase64String("Data", packet.Payload);
        json.WriteStartObject("Remote");
        if (packet.Remote is { } remote)
            Write(json, remote, "Address", "Port");
        if (packet.PeerKey is { } key)
            json.WriteBase64String("PeerKey", key);
        json.WriteEndObject();
        if (packet.Inner is { } inner)
        {
            json.WriteStartObject("Inner");
            Write(json, inner.Source, "SourceAddress", "SourcePort");
            Write(json, inner.Destination, "DestinationAddress", "DestinationPort");
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, in PeerEndpoint endpoint, string addressName, string portName)
    {
        var address = endpoint.ToIPEndPoint();
        json.WriteString(addressName, address.Address.ToString());
        json.WriteNumber(portName, address.Port);
    }

    /// <summary>The gateway decides when it ends.</summary>
    private sealed class OwnedLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }

    private static partial class Log
    {
        [LoggerMessage(1721, LogLevel.Information, "Other tasks of the fleet may hand over packets at {Endpoint}")]
        public static partial void Started(ILogger logger, IPEndPoint endpoint);

        [LoggerMessage(1722, LogLevel.Warning, "The task at {Peer} cannot be asked for a session: {Cause} ({Suppressed} more since the last line)")]
        public static partial void Unreachable(ILogger logger, Uri peer, string cause, long suppressed);

        [LoggerMessage(1723, LogLevel.Warning, "A request of {Source} was refused, since it is none of this fleet's: {Verdict} ({Suppressed} more since the last line)")]
        public static partial void Refused(ILogger logger, IPAddress? source, RelayVerdict verdict, long suppressed);
    }
}
