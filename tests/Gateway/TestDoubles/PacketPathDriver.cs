using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using UdpGateway.Gateway.Batching;
using UdpGateway.Gateway.Clients;
using UdpGateway.Gateway.Destinations;
using UdpGateway.Gateway.Observability;
using UdpGateway.Gateway.Packets;
using UdpGateway.Gateway.Replies;
using UdpGateway.Gateway.Sockets;
using UdpGateway.Gateway.Workers;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Expressions;
using UdpGateway.WireGuard;

namespace UdpGateway.Gateway.Tests.TestDoubles;

/// <summary>
/// The packet path of one worker, called on the caller's thread: from a datagram to a destination that takes every
/// batch and does nothing.
/// </summary>
internal sealed class PacketPathDriver : IDisposable
{
    /// <summary>Fewer batches than the worker's pool keeps, so that a fast caller reuses them.</summary>
    private const int MostBatchesUnderWay = 128;

    private readonly List<Worker> _workers = [];
    private readonly IDatagramPlatform _platform = DatagramPlatforms.Create(SocketBackend.Best);
    private readonly SendQueue _sendQueue;
    private readonly PacketPath _path;
    private readonly WorkerListener _listener;
    private readonly GatewayClock _clock = new(TimeProvider.System);
    private readonly NullDestination _destination = new();
    private readonly int _mostUnderWay;
    private long _processed;

    public PacketPathDriver(TunnelConfiguration? tunnel = null, int packetsPerBatch = 100, bool decapsulates = false, Expression? filter = null, PayloadFormatter formatter = PayloadFormatter.Base64)
    {
        _mostUnderWay = MostBatchesUnderWay * packetsPerBatch;
        var worker = new Worker(0, _workers, 1, _platform, _clock, NullLogger<Worker>.Instance);
        _workers.Add(worker);
        _sendQueue = new SendQueue(_platform);
        _path = new PacketPath(worker, _sendQueue);
        _listener = new WorkerListener(worker, "driver", _platform.Bind(new IPEndPoint(IPAddress.Loopback, 0), share: false, 1 << 16));
        var definition = new DestinationDefinition { Name = "Null", Batching = new BatchingDefinition(packetsPerBatch, TimeSpan.FromMinutes(5), 10_000_000) };
        var settings = new DeliverySettings
        {
            Key = "driver",
            ListenerName = "driver",
            Definition = definition,
            Filter = filter,
            Facts = new PacketFacts
            {
                Domain = "127.0.0.1",
                Port = 1,
                Protocol = tunnel is null ? ListenerProtocol.Udp : ListenerProtocol.WireGuard,
                LocalAddress = "127.0.0.1",
                IngressRegion = "us-west-2",
                Formatter = formatter,
            },
            Counters = new GatewayMetrics().CreateDeliveryCounters("driver", "Null"),
            Concurrency = 64,
            QueuePackets = int.MaxValue,
            QueueBytes = long.MaxValue,
            Stopping = CancellationToken.None,
        };
        _listener.Apply(
            new ListenerSettings
            {
                AllowedClients = new ClientFilter([IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("127.0.0.0/8")]),
                Decapsulates = decapsulates,
                Tunnel = tunnel,
                Deliveries = [new DestinationDelivery(settings, _destination, new ReplyRouter(settings, NullLogger.Instance), NullLoggerFactory.Instance.CreateLogger<DestinationDelivery>())],
            },
            Now);
    }

    public TimeSpan Now => _clock.Now;

    public WireGuardEngine Engine => _listener.Engine!;

    public long Drops { get; private set; }

    public long Delivered => _destination.Packets;

    /// <summary>One datagram from the check of its client to its batch.</summary>
    public void Process(Span<byte> datagram, in PeerEndpoint source)
    {
        _listener.Counters.Received(datagram.Length);
        if (_path.Process(_listener, datagram, source, _clock.Now, _clock.UnixMilliseconds) is { } reason)
        {
            _listener.Counters.Drop(reason);
            Drops++;
        }

        _processed++;
        while (_processed - Drops - _destination.Packets > _mostUnderWay)
            Thread.Yield();
    }

    public void Flush() => _listener.FlushBatches();

    public void Dispose()
    {
        _listener.Close();
        _path.Dispose();
        _sendQueue.Dispose();
        foreach (var worker in _workers)
            worker.Dispose();
    }

    private sealed class NullDestination : IDestination
    {
        private static readonly Task<DeliveryOutcome> Delivered = Task.FromResult(new DeliveryOutcome(DeliveryResult.Delivered));

        private long _packets;

        public long Packets => Volatile.Read(ref _packets);

        public DestinationLimits Limits => new(long.MaxValue, int.MaxValue);

        public Task<DeliveryOutcome> DeliverAsync(PacketBatch batch, CancellationToken cancellationToken)
        {
            Interlocked.Add(ref _packets, batch.Count);
            return Delivered;
        }
    }
}
