using UdpGateway.Gateway.Batching;

namespace UdpGateway.Cli.Dashboard;

/// <summary>A WireGuard peer that was heard, or an outer address of plain UDP.</summary>
internal sealed class SeenPeer(string listener, string name, bool isNamed)
{
    public string Listener => listener;

    public string Name => name;

    public bool IsNamed => isNamed;

    public long Packets { get; set; }

    public long Bytes { get; set; }

    public long Replies { get; set; }

    public string Source { get; set; } = "";

    public DateTimeOffset LastSeen { get; set; }
}

/// <summary>
/// The newest packets with what became of them. Bounded: the oldest give way and are counted. Dropped packets have a
/// room of their own, so that a flood of them does not push out those that went through.
/// </summary>
internal sealed class PacketLog(int capacity = 10_000, long byteCapacity = 32 * 1024 * 1024)
{
    private const int DropCapacity = 1_000;
    private const int PeerCapacity = 1_000;
    private const int LatencyWindow = 500;

    private readonly Lock _lock = new();
    private readonly Dictionary<long, PassedPacket> _byNumber = [];
    private readonly Queue<PassedPacket> _accepted = new();
    private readonly Queue<PassedPacket> _dropped = new();
    private readonly Dictionary<ulong, PassedBatch> _batches = [];
    private readonly Queue<ulong> _batchOrder = new();
    private readonly Dictionary<(string Listener, string Name), SeenPeer> _peers = [];
    private readonly Queue<TimeSpan> _latencies = new();
    private long _bytes;
    private long _version;

    /// <summary>Packets that gave way to newer ones.</summary>
    public long Forgotten { get; private set; }

    /// <summary>Runs one change, or a consistent look, alone.</summary>
    public T Look<T>(Func<PacketLog, T> look)
    {
        lock (_lock)
            return look(this);
    }

    public void Change(Action<PacketLog> change)
    {
        lock (_lock)
            change(this);
    }

    // The members below are called within Look and Change only.

    public long Version => _version;

    public IReadOnlyCollection<SeenPeer> Peers => _peers.Values;

    /// <summary>Durations of the newest deliveries.</summary>
    public IReadOnlyCollection<TimeSpan> Latencies => _latencies;

    public PassedPacket? Find(long number) => _byNumber.GetValueOrDefault(number);

    /// <summary>Oldest first.</summary>
    public IEnumerable<PassedPacket> All => _byNumber.Values.OrderBy(packet => packet.Number);

    /// <summary>The newest that changed after that version, oldest first.</summary>
    public IReadOnlyList<PassedPacket> ChangedSince(long version, int limit) =>
        version == _version ? [] : [.. _byNumber.Values.Where(packet => packet.Version > version).OrderByDescending(packet => packet.Number).Take(limit).Reverse()];

    public void Add(PassedPacket packet)
    {
        var ring = packet.DropReason is null ? _accepted : _dropped;
        ring.Enqueue(packet);
        _byNumber.Add(packet.Number, packet);
        Keep(packet.Bytes.Length);
        Touch(packet);
        See(packet);
        while (_accepted.Count > capacity || (_bytes > byteCapacity && _accepted.Count > 1))
            Forget(_accepted);
        while (_dropped.Count > DropCapacity || (_bytes > byteCapacity && _dropped.Count > 1))
            Forget(_dropped);
    }

    public void Touch(PassedPacket packet) => packet.Version = ++_version;

    /// <summary>All packets of a batch changed.</summary>
    public void Touch(PassedBatch batch)
    {
        foreach (var placement in batch.Placements.Values)
        {
            if (placement.Packet is { } packet)
                Touch(packet);
        }
    }

    public PassedBatch Batch(ulong id)
    {
        if (_batches.TryGetValue(id, out var batch))
            return batch;
        _batches.Add(id, batch = new PassedBatch(id));
        _batchOrder.Enqueue(id);
        // No more batches than packets can be shown; one that was forgotten and is still answered starts anew, unseen.
        while (_batchOrder.Count > capacity)
        {
            if (_batches.Remove(_batchOrder.Dequeue(), out var oldest))
                Release(oldest);
        }

        return batch;
    }

    public void Place(long number, string destination, in PacketPlace place, TimeSpan at)
    {
        if (Find(number) is not { } packet)
            return;
        var placement = place.Placement == PacketPlacement.Batched ? Batch(place.Batch).PlacementOf(place.Index) : new PassedPlacement();
        placement.Packet = packet;
        placement.Destination = destination;
        placement.Placement = place.Placement;
        placement.At = at;
        packet.Placements.Add(placement);
        Touch(packet);
    }

    public void CountReply(PassedPacket packet)
    {
        if (_peers.TryGetValue((packet.Listener, NameOf(packet)), out var peer))
            peer.Replies++;
    }

    public void CountLatency(TimeSpan latency)
    {
        _latencies.Enqueue(latency);
        if (_latencies.Count > LatencyWindow)
            _latencies.Dequeue();
    }

    /// <summary>Bytes that the log holds from now on, for its bound.</summary>
    public void Keep(int bytes) => _bytes += bytes;

    private static string NameOf(PassedPacket packet) => packet.PeerKey ?? packet.Source.ToIPEndPoint().Address.ToString();

    private void See(PassedPacket packet)
    {
        if (packet.DropReason is not null)
            return;
        var key = (packet.Listener, NameOf(packet));
        if (!_peers.TryGetValue(key, out var peer))
        {
            if (_peers.Count == PeerCapacity)
                _peers.Remove(_peers.MinBy(candidate => candidate.Value.LastSeen).Key);
            _peers.Add(key, peer = new SeenPeer(packet.Listener, key.Item2, packet.IsNamedPeer));
        }

        peer.Packets++;
        peer.Bytes += packet.Length;
        peer.Source = packet.Source.ToString();
        peer.LastSeen = packet.At;
    }

    private void Forget(Queue<PassedPacket> ring)
    {
        var packet = ring.Dequeue();
        _byNumber.Remove(packet.Number);
        _bytes -= packet.Bytes.Length;
        Forgotten++;
        foreach (var placement in packet.Placements)
        {
            placement.Packet = null;
            _bytes -= placement.Replies.Sum(reply => reply.Payload.Length);
            if (placement.Batch is not { } batch)
                continue;
            batch.Placements.Remove(placement.Index);
            Release(batch);
        }
    }

    /// <summary>Lets go of what a batch holds once no packet shows it.</summary>
    private void Release(PassedBatch batch)
    {
        if (batch.Placements.Values.Any(placement => placement.Packet is not null))
            return;
        _bytes -= TextBytes(batch.Request) + TextBytes(batch.Answer) + batch.Placements.Values.Sum(placement => placement.Replies.Sum(reply => reply.Payload.Length));
        batch.Request = null;
        batch.Answer = null;
        batch.Placements.Clear();
    }

    public static int TextBytes(string? text) => (text?.Length ?? 0) * sizeof(char);
}
