using Microsoft.Extensions.Logging;
using UdpGateway.Gateway.Destinations;
using UdpGateway.Gateway.Observability;
using UdpGateway.Gateway.Sockets;
using UdpGateway.Gateway.Workers;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;

namespace UdpGateway.Gateway;

/// <summary>
/// A running gateway: workers, the listeners that the store names, and the admin endpoint. Serves from
/// <see cref="StartAsync"/> until <see cref="StopAsync"/>.
/// </summary>
public sealed partial class GatewayHost : IAsyncDisposable
{
    private static readonly TimeSpan DrainPause = TimeSpan.FromMilliseconds(10);

    private readonly GatewayServices _services;
    private readonly ConfigurationFollower _follower;
    private readonly GatewayHealth _health;
    private readonly CancellationTokenSource _stopFollowing = new();
    private readonly CancellationTokenSource _stopDelivering;
    private readonly Lock _stopLock = new();
    private readonly ILogger<GatewayHost> _logger;
    private AdminEndpoint _admin = null!;
    private Task _following = Task.CompletedTask;
    private Task? _stopped;

    private GatewayHost(GatewayServices services, IListenerStore store, CancellationTokenSource stopDelivering)
    {
        _services = services;
        _stopDelivering = stopDelivering;
        _logger = services.Loggers.CreateLogger<GatewayHost>();
        _follower = new ConfigurationFollower(services, store);
        _health = new GatewayHealth(services.Options, _follower, services.Workers);
        services.Metrics.Observe(_follower);
    }

    /// <summary><c>http://127.0.0.1:port</c> with <c>/livez</c>, <c>/readyz</c>, <c>/metrics</c> and <c>/config</c>.</summary>
    public Uri AdminAddress => _admin.Address;

    internal IReadOnlyList<Worker> Workers => _services.Workers;

    /// <summary>Starts to serve; returns when the store was read once and everything that can be served is.</summary>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public static Task<GatewayHost> StartAsync(
        GatewayOptions options,
        IListenerStore store,
        ISecretStore secrets,
        IDestinationClients clients,
        ILoggerFactory loggers,
        CancellationToken cancellationToken) =>
        StartWithDestinationsAsync(options, store, secrets, clients, loggers, DestinationRegistry.Create, cancellationToken);

    /// <summary>As <see cref="StartAsync"/>, with destinations of another make, for load tests.</summary>
    internal static async Task<GatewayHost> StartWithDestinationsAsync(
        GatewayOptions options,
        IListenerStore store,
        ISecretStore secrets,
        IDestinationClients clients,
        ILoggerFactory loggers,
        Func<DestinationContext, IDestination> createDestination,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.FindProblems() is { Count: > 0 } problems)
            throw new ArgumentException(string.Join(' ', problems), nameof(options));

        var stopDelivering = new CancellationTokenSource();
        var clock = new GatewayClock(TimeProvider.System);
        var platform = DatagramPlatforms.Create(options.SocketBackend);
        var workers = new List<Worker>();
        for (var index = 0; index < options.Workers; index++)
            workers.Add(new Worker(index, workers, options.Workers, platform, clock, loggers.CreateLogger<Worker>()));
        var services = new GatewayServices
        {
            Options = options,
            Clock = clock,
            Platform = platform,
            Workers = workers,
            Secrets = secrets,
            Clients = clients,
            CreateDestination = createDestination,
            Metrics = new GatewayMetrics(),
            Loggers = loggers,
            Stopping = stopDelivering.Token,
        };
        var host = new GatewayHost(services, store, stopDelivering);
        try
        {
            await host.BeginAsync(cancellationToken);
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// Looks at the store at once and waits until the record at that version, or a newer one, is served.
    /// False when that did not happen within <paramref name="timeout"/>.
    /// </summary>
    /// <exception cref="ListenerNotServedException">It cannot be served; the message is the cause.</exception>
    public Task<bool> WaitUntilServedAsync(string physicalResourceId, long version, TimeSpan timeout, CancellationToken cancellationToken) =>
        _follower.WaitUntilServedAsync(physicalResourceId, version, timeout, cancellationToken);

    /// <summary>
    /// Readiness fails, open batches leave, answers are waited for up to <see cref="GatewayOptions.DrainTime"/> while
    /// packets are still served, then everything closes. Calling it again waits for the same end.
    /// </summary>
    public Task StopAsync()
    {
        lock (_stopLock)
            return _stopped ??= StopOnceAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _follower.Dispose();
        _stopFollowing.Dispose();
        _stopDelivering.Dispose();
    }

    private async Task BeginAsync(CancellationToken cancellationToken)
    {
        foreach (var worker in _services.Workers)
            worker.Start();
        _following = _follower.RunAsync(_stopFollowing.Token);
        await _follower.PollNowAsync(cancellationToken);
        _admin = await AdminEndpoint.StartAsync(_services.Options.AdminPort, _health, _services.Metrics, _services.Loggers, cancellationToken);
        Log.Started(_logger, _services.Workers.Count, _services.Platform.Name, _admin.Address);
    }

    private async Task StopOnceAsync()
    {
        _health.BeginDraining();
        await _stopFollowing.CancelAsync();
        await _following;

        var deadline = _services.Clock.Now + _services.Options.DrainTime;
        await Task.WhenAll(_services.Workers.Where(worker => worker.IsAlive).Select(worker => worker.InvokeAsync(worker.FlushBatchesAtOnce)));
        while (!IsIdle() && _services.Clock.Now < deadline)
            await Task.Delay(DrainPause);

        await _stopDelivering.CancelAsync();
        foreach (var worker in _services.Workers)
            worker.Dispose();
        if (_admin is not null)
            await _admin.DisposeAsync();
        Log.Stopped(_logger);
    }

    private bool IsIdle() => _follower.Hosts.All(host => host.IsIdle) && _services.Workers.All(worker => worker.InboxIsEmpty);

    private static partial class Log
    {
        [LoggerMessage(1601, LogLevel.Information, "Gateway started: {Workers} worker(s), {Backend} sockets, admin at {Admin}")]
        public static partial void Started(ILogger logger, int workers, string backend, Uri admin);

        [LoggerMessage(1602, LogLevel.Information, "Gateway stopped")]
        public static partial void Stopped(ILogger logger);
    }
}
