using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text.Json;
using DnsClient;
using Microsoft.Extensions.Logging;
using UdpGateway.Gateway.Clients;
using UdpGateway.Gateway.Destinations;
using UdpGateway.Gateway.Observability;
using UdpGateway.Gateway.Packets;
using UdpGateway.Gateway.Replies;
using UdpGateway.Gateway.Sockets;
using UdpGateway.Gateway.Tunnels;
using UdpGateway.Gateway.Workers;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Expressions;
using UdpGateway.Listeners.Storage;
using UdpGateway.WireGuard;

namespace UdpGateway.Gateway;

/// <summary>
/// One listener that is served, across all workers. The configuration follower opens, changes and closes it; each
/// worker takes a change between two of its turns. Not thread-safe but for what scrapes read.
/// </summary>
internal sealed partial class ListenerHost
{
    private static readonly TimeSpan LookupTimeout = TimeSpan.FromSeconds(2);

    private readonly GatewayServices _services;
    private readonly ILogger<ListenerHost> _logger;
    private readonly TunnelKeyring _keyring;
    private readonly byte[] _engineSeed = RandomNumberGenerator.GetBytes(SecretKey.Size);
    private readonly Dictionary<string, DeliveryCounters> _deliveryCounters = new(StringComparer.Ordinal);
    private readonly List<DestinationDelivery> _retired = [];
    private readonly HandshakeWatch _handshakes;
    private DomainFilter? _domains;

    private ListenerHost(GatewayServices services, ListenerRecord record)
    {
        _services = services;
        _logger = services.Loggers.CreateLogger<ListenerHost>();
        _keyring = new TunnelKeyring(services.Secrets, services.Clock, services.Options.RotationGrace, services.Loggers.CreateLogger<TunnelKeyring>());
        Record = record;
        _handshakes = new HandshakeWatch(services.Loggers.CreateLogger<HandshakeWatch>());
    }

    /// <summary>What is served now.</summary>
    public ListenerRecord Record { get; private set; }

    public string Name => Record.PhysicalResourceId;

    /// <summary>The listener on each worker, by the worker's index.</summary>
    public IReadOnlyList<WorkerListener> Ports { get; private set; } = [];

    public IReadOnlyList<DestinationDelivery> Deliveries { get; private set; } = [];

    /// <summary>No batch waits or is under way, also none of destinations that were changed or removed.</summary>
    public bool IsIdle => Deliveries.Concat(_retired).All(delivery => delivery.IsIdle);

    /// <exception cref="ListenerNotServedException">The port cannot be bound, or a key or destination is missing.</exception>
    public static async Task<ListenerHost> OpenAsync(GatewayServices services, ListenerRecord record, CancellationToken cancellationToken)
    {
        var host = new ListenerHost(services, record);
        var sockets = host.Bind(record);
        ListenerSettings settings;
        try
        {
            settings = await host.PrepareAsync(record, cancellationToken);
        }
        catch
        {
            foreach (var socket in sockets)
                socket.Dispose();
            throw;
        }

        host.Ports = [.. services.Workers.Select((worker, index) => new WorkerListener(worker, host.Name, sockets[index]))];
        foreach (var port in host.Ports)
            port.Siblings = host.Ports;
        host.Take(record, settings);
        await host.OnWorkersAsync(port =>
        {
            port.Apply(settings, services.Clock.Now);
            port.Worker.Add(port);
        });
        Log.Serving(host._logger, host.Name, sockets[0].LocalEndPoint, sockets[0].ReceiveBufferBytes, services.Platform.Name);
        return host;
    }

    /// <summary>Whether <see cref="ApplyAsync"/> can serve the record on the sockets that are open.</summary>
    public bool CanApply(ListenerRecord record) => record.Port == Record.Port;

    /// <summary>Whether the record is what is served: also a registration of an ARN that was taken back makes a difference.</summary>
    public bool Serves(ListenerRecord record) => record.Version == Record.Version
        && record.Definition.Destinations.Zip(Record.Definition.Destinations, (one, other) =>
            one.Arns.Count == other.Arns.Count && one.Arns.All(arn => other.Arns.TryGetValue(arn.Key, out var served) && served == arn.Value)).All(same => same);

    /// <summary>Serves a newer record. Sessions and batches that it does not concern go on.</summary>
    /// <exception cref="ListenerNotServedException">It cannot be served; the older one stays.</exception>
    public async Task ApplyAsync(ListenerRecord record, CancellationToken cancellationToken)
    {
        var settings = await PrepareAsync(record, cancellationToken);
        Take(record, settings);
        await OnWorkersAsync(port => port.Apply(settings, _services.Clock.Now));
        // The workers have let go of what was changed or removed, so that its next idle moment is its last.
        foreach (var retired in _retired)
            _services.Reports.End(retired);
        Log.Changed(_logger, Name, record.Version);
    }

    /// <summary>Reads keys behind references again.</summary>
    public async Task RefreshSecretsAsync(CancellationToken cancellationToken)
    {
        if (Record.Definition.Protocol != ListenerProtocol.WireGuard || await _keyring.RefreshAsync(cancellationToken) is not { } tunnel)
            return;
        var settings = Describe(Record, tunnel, Deliveries);
        await OnWorkersAsync(port => port.Apply(settings, _services.Clock.Now));
        Log.KeysChanged(_logger, Name);
    }

    /// <summary>Says what keeps clients from connecting, as far as the counters tell. Called once in a while.</summary>
    public void ReportHandshakes() => _handshakes.Report(Name, Ports);

    /// <summary>Ends the listener; batches that are under way are still delivered, but nobody hears their replies.</summary>
    public async Task CloseAsync()
    {
        await OnWorkersAsync(port => port.Worker.Remove(port));
        foreach (var delivery in Deliveries)
            _services.Reports.End(delivery);
        _domains?.Dispose();
        Log.Closed(_logger, Name);
    }

    private async Task<ListenerSettings> PrepareAsync(ListenerRecord record, CancellationToken cancellationToken)
    {
        // The keys last: once they are taken over, nothing may fail any more.
        DestinationDelivery[] deliveries = [.. record.Definition.Destinations.Select(destination => CreateDelivery(record, destination))];
        var tunnel = record.Definition.Protocol == ListenerProtocol.WireGuard ? await _keyring.LoadAsync(record, cancellationToken) : null;
        return Describe(record, tunnel, deliveries);
    }

    private ListenerSettings Describe(ListenerRecord record, TunnelConfiguration? tunnel, IReadOnlyList<DestinationDelivery> deliveries)
    {
        var domains = DescribeDomains(record.Definition.AllowedDomains);
        return new ListenerSettings
        {
            AllowedClients = new ClientFilter(record.Definition.AllowedNetworks, domains),
            Domains = domains,
            Decapsulates = record.Definition.DecapsulatedDelivery,
            Tunnel = tunnel,
            EngineSeed = _engineSeed,
            TimestampPolicy = _services.Options.TimestampPolicy,
            Deliveries = deliveries,
        };
    }

    /// <summary>The running filter if its names are the same, so that what it looked up stays known.</summary>
    private DomainFilter? DescribeDomains(IReadOnlyList<string> domains)
    {
        if (domains.Count == 0)
            return null;
        if (_domains is not null && _domains.Domains.SequenceEqual(domains))
            return _domains;
        var options = _services.Options;
        var lookup = options.NameServers.Count > 0 ? new LookupClientOptions([.. options.NameServers]) : new LookupClientOptions();
        lookup.UseCache = false;
        lookup.Retries = 1;
        lookup.Timeout = LookupTimeout;
        return new DomainFilter(domains, new LookupClient(lookup), options.MinimumNameAge, _services.Clock, _services.Loggers.CreateLogger<DomainFilter>());
    }

    private void Take(ListenerRecord record, ListenerSettings settings)
    {
        _retired.RemoveAll(delivery => delivery.IsIdle);
        _retired.AddRange(Deliveries.Except(settings.Deliveries));
        foreach (var delivery in settings.Deliveries)
            _services.Reports.Begin(delivery);
        Deliveries = settings.Deliveries;
        Record = record;
        if (ReferenceEquals(_domains, settings.Domains))
            return;
        _domains?.Dispose();
        _domains = settings.Domains;
        _domains?.Start(_services.Stopping);
    }

    /// <summary>The running delivery if nothing that it depends on changed, else a new one.</summary>
    private DestinationDelivery CreateDelivery(ListenerRecord record, DestinationDefinition destination)
    {
        // An ARN that is registered for another region changes nothing here, and what the destination is for neither.
        var arn = DestinationArn.Choose(destination.Arns, _services.Options.Region);
        destination = destination with { Arns = new Dictionary<string, string>(), Description = null };
        var key = JsonSerializer.Serialize(new { destination, arn, record.Definition.Protocol, record.Port, record.StackId });
        if (Deliveries.FirstOrDefault(delivery => delivery.Key == key) is { } unchanged)
            return unchanged;

        var options = _services.Options;
        var facts = new PacketFacts
        {
            Domain = options.Domain,
            Port = record.Port,
            Protocol = record.Definition.Protocol,
            LocalAddress = (options.LocalAddress ?? options.BindAddress).ToString(),
            IngressRegion = options.Region,
            Formatter = destination.Formatter,
        };
        if (!_deliveryCounters.TryGetValue(destination.Name, out var counters))
            _deliveryCounters.Add(destination.Name, counters = _services.Metrics.CreateDeliveryCounters(Name, destination.Name));
        var settings = new DeliverySettings
        {
            Key = key,
            ListenerName = Name,
            Definition = destination,
            Filter = CompileFilter(destination),
            Facts = facts,
            Counters = counters,
            Report = CustomerReport.Create(record, destination, _services, counters),
            Concurrency = destination.Concurrency ?? options.DeliveryConcurrency,
            QueuePackets = options.DestinationQueuePackets,
            QueueBytes = options.DestinationQueueBytes,
            Tap = options.Tap,
            Stopping = _services.Stopping,
            DeadLetters = destination.DeadLetterArn is { } queue
                ? new DeadLetterQueue(record, destination, ParseArn(destination, queue), new RequestPacketWriter(facts), _services.Clients)
                : null,
        };
        var logger = _services.Loggers.CreateLogger<DestinationDelivery>();
        var replies = new ReplyRouter(settings, logger);
        var made = arn is null
            ? null
            : _services.CreateDestination(new DestinationContext(record, destination, ParseArn(destination, arn), facts, _services.Clients) { Replies = replies });
        return new DestinationDelivery(settings, made, replies, logger);
    }

    private static Arn ParseArn(DestinationDefinition destination, string text) => Arn.TryParse(text, out var arn)
        ? arn
        : throw new ListenerNotServedException($"Destination {destination.Name}: \"{text}\" is no ARN.");

    private static Expression? CompileFilter(DestinationDefinition destination)
    {
        if (destination.FilterExpression is not { } text)
            return null;
        // Validated before it was stored, but perhaps by a version that knows more.
        return Expression.TryParse(text, out var filter, out var error)
            ? filter
            : throw new ListenerNotServedException($"Destination {destination.Name}: this gateway cannot read the FilterExpression \"{text}\"; {error}.");
    }

    private List<IDatagramSocket> Bind(ListenerRecord record)
    {
        var endpoint = new IPEndPoint(_services.Options.BindAddress, record.TargetPort ?? record.Port);
        var share = _services.Workers.Count > 1;
        var sockets = new List<IDatagramSocket>();
        try
        {
            // Sockets that share a port would also share it with another program that does so: look without sharing first.
            if (share)
                _services.Platform.Bind(endpoint, share: false, _services.Options.ReceiveBufferBytes).Dispose();
            foreach (var _ in _services.Workers)
                sockets.Add(_services.Platform.Bind(endpoint, share, _services.Options.ReceiveBufferBytes));
            return sockets;
        }
        catch (SocketException fault)
        {
            foreach (var socket in sockets)
                socket.Dispose();
            var cause = fault.SocketErrorCode switch
            {
                SocketError.AddressAlreadyInUse => "is already in use",
                SocketError.AccessDenied => "may not be bound by this user",
                SocketError.AddressNotAvailable => "cannot be bound: the address is not of this machine",
                _ => $"cannot be bound ({fault.SocketErrorCode})",
            };
            throw new ListenerNotServedException($"UDP port {endpoint.Port} on {endpoint.Address} {cause}.", fault);
        }
    }

    private Task OnWorkersAsync(Action<WorkerListener> action) =>
        Task.WhenAll(Ports.Select(port => port.Worker.InvokeAsync(() => action(port))));

    private static partial class Log
    {
        [LoggerMessage(1401, LogLevel.Information, "Serving {Listener} on {Endpoint}, receive buffer {ReceiveBufferBytes} bytes, {Backend} sockets")]
        public static partial void Serving(ILogger logger, string listener, IPEndPoint endpoint, int receiveBufferBytes, string backend);

        [LoggerMessage(1402, LogLevel.Information, "Serving version {Version} of {Listener}")]
        public static partial void Changed(ILogger logger, string listener, long version);

        [LoggerMessage(1403, LogLevel.Information, "Serving changed pre-shared keys of {Listener}")]
        public static partial void KeysChanged(ILogger logger, string listener);

        [LoggerMessage(1404, LogLevel.Information, "No longer serving {Listener}")]
        public static partial void Closed(ILogger logger, string listener);
    }
}
