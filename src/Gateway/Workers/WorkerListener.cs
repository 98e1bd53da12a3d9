using UdpGateway.Gateway.Batching;
using UdpGateway.Gateway.Clients;
using UdpGateway.Gateway.Observability;
using UdpGateway.Gateway.Sockets;
using UdpGateway.Gateway.Tunnels;
using UdpGateway.WireGuard;

namespace UdpGateway.Gateway.Workers;

/// <summary>
/// Everything that one worker has of one listener: a socket, the WireGuard engine, open batches, counters.
/// Only the worker's thread touches it, but for the counters, which are read by scrapes.
/// </summary>
internal sealed class WorkerListener(Worker worker, string name, IDatagramSocket socket)
{
    private long _countedOverflows;

    public Worker Worker => worker;

    /// <summary>The physical resource id, which is the label of its metrics.</summary>
    public string Name => name;

    public IDatagramSocket Socket => socket;

    /// <summary>The same listener on every worker, by the worker's index.</summary>
    public IReadOnlyList<WorkerListener> Siblings { get; set; } = [];

    public ClientFilter AllowedClients { get; private set; } = new([]);

    /// <summary>Null for plain UDP.</summary>
    public WireGuardEngine? Engine { get; private set; }

    /// <summary>Rises with every new engine, so that a late reply does not reach a peer of another one.</summary>
    public int EngineGeneration { get; private set; }

    /// <summary>Handshakes that wait for their turn.</summary>
    public InitiationQueue Initiations { get; } = new();

    public bool Decapsulates { get; private set; }

    public Batcher[] Batchers { get; private set; } = [];

    public ListenerCounters Counters { get; } = new();

    public bool IsClosed { get; private set; }

    /// <summary>Serves other settings from the next packet on. Batches of destinations that stay as they were stay open.</summary>
    public void Apply(ListenerSettings settings, TimeSpan now)
    {
        AllowedClients = settings.AllowedClients;
        Decapsulates = settings.Decapsulates;
        ApplyTunnel(settings, now);

        var previous = Batchers;
        Batchers = [.. settings.Deliveries.Select(delivery =>
            previous.FirstOrDefault(batcher => ReferenceEquals(batcher.Delivery, delivery)) ?? new Batcher(delivery, worker.BatchPool, this))];
        foreach (var batcher in previous.Except(Batchers))
            batcher.Flush();
    }

    public void FlushBatches()
    {
        foreach (var batcher in Batchers)
            batcher.Flush();
    }

    /// <summary>Delivers what is batched, then lets go of socket and sessions.</summary>
    public void Close()
    {
        FlushBatches();
        IsClosed = true;
        Engine?.Dispose();
        Engine = null;
        socket.Dispose();
    }

    public void CountOverflows()
    {
        var overflows = socket.Overflows;
        if (overflows == _countedOverflows)
            return;
        Counters.Drop(DropReason.SocketOverflow, overflows - _countedOverflows);
        _countedOverflows = overflows;
    }

    private void ApplyTunnel(ListenerSettings settings, TimeSpan now)
    {
        if (settings.Tunnel is null)
        {
            Engine?.Dispose();
            Engine = null;
            Initiations.Clear();
            return;
        }

        if (Engine is null)
        {
            EngineGeneration++;
            Engine = new WireGuardEngine(
                new WireGuardEngineOptions
                {
                    Worker = worker.Index,
                    Workers = worker.Count,
                    SharedSeed = settings.EngineSeed,
                    TimestampPolicy = settings.TimestampPolicy,
                },
                worker.Crypto,
                System.Security.Cryptography.RandomNumberGenerator.Fill);
        }

        Engine.Apply([settings.Tunnel], now);
    }
}
