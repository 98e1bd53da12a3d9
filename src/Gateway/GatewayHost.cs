using System.Net;
using Microsoft.Extensions.Logging;
using UdpGateway.Gateway.Destinations;
using UdpGateway.Gateway.Observability;
using UdpGateway.Gateway.PacketSources;
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

    /// <summary>For the last reports of destinations, also where the flush took all its time.</summary>
    private static readonly TimeSpan ReportTime = TimeSpan.FromMilliseconds(500);

    private readonly GatewayServices _services;
    private readonly ConfigurationFollower _follower;
    private readonly GatewayHealth _health;
    private readonly CancellationTokenSource _stopFollowing = new();
    private readonly CancellationTokenSource _stopDelivering;
    private readonly Lock _stopLock = new();
    private readonly ILogger<GatewayHost> _logger;
    private readonly PushRouter _pushes;
    private readonly PacketSourceReceivers? _receivers;
    private FleetRelay? _relay;
    private AdminEndpoint _admin = null!;
    private Task _following = Task.CompletedTask;
    private Task _reporting = Task.CompletedTask;
    private OtlpExport? _export;
    private Task? _stopped;

    private GatewayHost(GatewayServices services, IListenerStore store, CancellationTokenSource stopDelivering)
    {
        _services = services;
        _stopDelivering = stopDelivering;
        _logger = services.Loggers.CreateLogger<GatewayHost>();
        _follower = new ConfigurationFollower(services, store);
        _health = new GatewayHealth(services.Options, _follower, services.Workers);
        services.Metrics.Observe(_follower);
        _pushes = new PushRouter(_follower, services.Loggers.CreateLogger<PushRouter>());
        if (services.Clients.Queues is not { } queues)
            return;
        _receivers = new PacketSourceReceivers(queues, _pushes, services.Loggers.CreateLogger<PacketSourceReceivers>());
        _follower.Applied = snapshot => _receivers.Follow(snapshot.PacketSources);
    }

    /// <summary><c>http://127.0.0.1:port</c> with <c>/livez</c>, <c>/readyz</c>, <c>/healthz</c>, <c>/metrics</c> and <c>/config</c>.</summary>
    public Uri AdminAddress => _admin.Address;

    /// <summary>Where a balancer asks; null without <see cref="GatewayOptions.HealthPort"/>.</summary>
    public IPEndPoint? HealthEndpoint => _admin.HealthEndpoint;

    /// <summary>What is served now, for whoever reports it. Any thread.</summary>
    internal ServedConfiguration Served => _follower.Served;

    internal IReadOnlyList<Worker> Workers => _services.Workers;

    /// <summary>What is served now. Any thread.</summary>
    internal IReadOnlyCollection<ListenerHost> Listeners => _follower.Hosts;

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
        var time = TimeProvider.System;
        var clock = new GatewayClock(time);
        var platform = DatagramPlatforms.Create(options.SocketBackend);
        var workers = new List<Worker>();
        for (var index = 0; index < options.Workers; index++)
            workers.Add(new Worker(index, workers, options.Workers, platform, clock, loggers.CreateLogger<Worker>()) { Tap = options.Tap });
        var services = new GatewayServices
        {
            Options = options,
            Time = time,
            Clock = clock,
            Platform = platform,
            Workers = workers,
            Secrets = secrets,
            Clients = clients,
            CreateDestination = createDestination,
            Metrics = new GatewayMetrics(),
            Reports = new CustomerReports(time),
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
    /// The balancer has once reported this gateway healthy wherever it serves: <c>/healthz</c> no longer waits for it. See
    /// <see cref="GatewayOptions.WaitsForBalancer"/>.
    /// </summary>
    public void ConfirmHealthy() => _health.ConfirmHealthy();

    /// <summary>
    /// Sends the packets of one message of a packet source through the listener of that name. What cannot be sent is counted and
    /// logged.
    /// </summary>
    public Task PushAsync(string listenerName, string message, CancellationToken cancellationToken) => _pushes.PushAsync(listenerName, message, cancellationToken);

    /// <summary>
    /// Readiness fails at once, and everything is served for <see cref="GatewayOptions.DrainTime"/> more. Then open batches leave,
    /// answers are waited for up to <see cref="GatewayOptions.FlushTime"/>, and everything closes. Calling it again waits for the same end.
    /// </summary>
    public Task StopAsync()
    {
        lock (_stopLock)
            return _stopped ??= StopOnceAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _receivers?.Dispose();
        _follower.Dispose();
        _stopFollowing.Dispose();
        _stopDelivering.Dispose();
        _services.Metrics.Dispose();
    }

    private async Task BeginAsync(CancellationToken cancellationToken)
    {
        foreach (var worker in _services.Workers)
            worker.Start();
        // Before the first message is taken from a queue.
        if (_services.Options.Relay is { } relay)
            _pushes.Relay = _relay = await FleetRelay.StartAsync(relay, _services.Secrets, _pushes, _services.Loggers, cancellationToken);
        _following = _follower.RunAsync(_stopFollowing.Token);
        _reporting = _services.Reports.RunAsync(_stopFollowing.Token);
        await _follower.PollNowAsync(cancellationToken);
        _export = OtlpExport.Start();
        _admin = await AdminEndpoint.StartAsync(_services.Options, _health, _services.Metrics, _services.Loggers, cancellationToken);
        Log.Started(_logger, _services.Workers.Count, _services.Platform.Name, _services.Workers[0].Crypto.Name, _admin.Address);
    }

    private async Task StopOnceAsync()
    {
        _health.BeginDraining();
        // Who never started, or serves nobody, has nobody to wait for.
        if (_admin is not null && _follower.Hosts.Count > 0)
        {
            Log.Draining(_logger, _services.Options.DrainTime.TotalSeconds);
            await Task.Delay(_services.Options.DrainTime);
        }

        await _stopFollowing.CancelAsync();
        await Task.WhenAll(_following, _reporting);
        if (_receivers is not null)
            await _receivers.StopAsync();

        var deadline = _services.Clock.Now + _services.Options.FlushTime;
        await Task.WhenAll(_services.Workers.Where(worker => worker.IsAlive).Select(worker => worker.InvokeAsync(worker.FlushBatchesAtOnce)));
        await WaitUntilIdleAsync(deadline);

        await _stopDelivering.CancelAsync();
        await FinishReportsAsync(deadline);
        if (_relay is not null)
            await _relay.DisposeAsync();
        foreach (var worker in _services.Workers)
            worker.Dispose();
        _export?.Dispose();
        if (_admin is not null)
            await _admin.DisposeAsync();
        Log.Stopped(_logger);
    }

    private async Task WaitUntilIdleAsync(TimeSpan deadline)
    {
        while (!IsIdle() && _services.Clock.Now < deadline)
            await Task.Delay(DrainPause);
    }

    /// <summary>What was just given up belongs to the reports too.</summary>
    private async Task FinishReportsAsync(TimeSpan deadline)
    {
        var now = _services.Clock.Now;
        var end = deadline > now + ReportTime ? deadline : now + ReportTime;
        if (!_services.Reports.IsEmpty)
            await WaitUntilIdleAsync(now + (ReportTime / 2));
        using var patience = new CancellationTokenSource(end - now);
        await _services.Reports.FinishAsync(patience.Token);
    }

    private bool IsIdle() => _follower.Hosts.All(host => host.IsIdle) && _services.Workers.All(worker => worker.InboxIsEmpty);

    private static partial class Log
    {
        [LoggerMessage(1601, LogLevel.Information, "Gateway started: {Workers} worker(s), {Backend} sockets, {Cryptography} cryptography, admin at {Admin}")]
        public static partial void Started(ILogger logger, int workers, string backend, string cryptography, Uri admin);

        [LoggerMessage(1603, LogLevel.Information, "Gateway stops; it serves {Seconds} s more")]
        public static partial void Draining(ILogger logger, double seconds);

        [LoggerMessage(1602, LogLevel.Information, "Gateway stopped")]
        public static partial void Stopped(ILogger logger);
    }
}
