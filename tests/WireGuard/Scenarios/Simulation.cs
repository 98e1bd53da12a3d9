using System.Net;
using System.Security.Cryptography;
using UdpGateway.WireGuard.Tests.Crypto;

namespace UdpGateway.WireGuard.Tests.Scenarios;

/// <summary>What the network does to each datagram; probabilities between 0 and 1.</summary>
internal sealed record LinkConditions
{
    public double Loss { get; init; }

    public double Duplication { get; init; }

    /// <summary>How often a datagram is held back by <see cref="HeldBack"/>, so that later ones overtake it.</summary>
    public double Reordering { get; init; }

    public TimeSpan HeldBack { get; init; } = TimeSpan.FromMilliseconds(300);

    public TimeSpan Delay { get; init; } = TimeSpan.FromMilliseconds(20);

    /// <summary>Added to the delay, uniformly from zero on.</summary>
    public TimeSpan Jitter { get; init; } = TimeSpan.FromMilliseconds(5);
}

/// <summary>
/// Clients and a gateway (one engine per worker) with a bad network between them, on a virtual clock. Everything
/// follows from the seed: keys, nonces, losses and delays.
/// </summary>
internal sealed class Simulation : IDisposable
{
    private static readonly DateTimeOffset Origin = new(2026, 6, 3, 12, 0, 0, TimeSpan.Zero);

    private readonly Random _random;
    private readonly ICryptoBackend _crypto;
    private readonly SecretKey _serverKey;
    private readonly byte[] _serverPublicKey = new byte[32];
    private readonly List<WireGuardEngine> _engines = [];
    private readonly List<SimulatedClient> _clients = [];
    private readonly PriorityQueue<Action, (TimeSpan Time, long Order)> _agenda = new();
    private readonly IncrementalHash _schedule = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly byte[] _buffer = new byte[65_536];
    private long _order;

    public Simulation(int seed, LinkConditions conditions, int workers = 1, string? backend = null)
    {
        _random = new Random(seed);
        Conditions = conditions;
        _crypto = TestBackends.Create(backend ?? TestBackends.Best);
        var privateKey = Bytes(32);
        _crypto.Release(_crypto.ImportPrivateKey(privateKey, _serverPublicKey));
        _serverKey = new SecretKey(privateKey);
        var sharedSeed = Bytes(32);
        for (var worker = 0; worker < workers; worker++)
        {
            var options = new WireGuardEngineOptions { Worker = worker, Workers = workers, SharedSeed = sharedSeed };
            _engines.Add(new WireGuardEngine(options, _crypto, _random.NextBytes));
            _engines[worker].Apply([new TunnelConfiguration { TunnelId = 1, PrivateKeys = [_serverKey], AllowUnknownPeers = true }], Now);
        }
    }

    public LinkConditions Conditions { get; set; }

    public TimeSpan Now { get; private set; } = TimeSpan.FromHours(1);

    public IReadOnlyList<WireGuardEngine> Engines => _engines;

    /// <summary>How often each verdict was given, hand-overs included.</summary>
    public Dictionary<ReceiveVerdict, int> Verdicts { get; } = [];

    /// <summary>Answers every payload that arrives with the same payload.</summary>
    public bool Echoes { get; set; } = true;

    public SimulatedClient AddClient(TimeSpan persistentKeepalive = default)
    {
        using var key = new SecretKey(Bytes(32));
        var client = new SimulatedClient(
            new WireGuardClient(key, _serverPublicKey, null, _crypto, _random.NextBytes, persistentKeepalive),
            PeerEndpoint.From(new IPEndPoint(IPAddress.Parse("198.51.100.7"), 40_000 + _clients.Count)));
        _clients.Add(client);
        return client;
    }

    public void At(TimeSpan time, Action action) => _agenda.Enqueue(action, (time, _order++));

    /// <summary>Sends a payload now and every interval until the end, each with its own number.</summary>
    public void SendRegularly(SimulatedClient client, TimeSpan interval, TimeSpan end)
    {
        if (Now > end)
            return;
        client.Client.Send([0xff, .. BitConverter.GetBytes(client.Sent++)], pad: false, Now);
        At(Now + interval, () => SendRegularly(client, interval, end));
    }

    public void RunFor(TimeSpan duration)
    {
        var end = Now + duration;
        Transmit();
        for (var next = NextEvent(); next <= end; next = NextEvent())
        {
            Assert.True(next >= Now, "Somebody wants to be called in the past.");
            Now = next;
            while (_agenda.TryPeek(out _, out var priority) && priority.Time <= Now)
                _agenda.Dequeue()();
            Transmit();
        }

        Now = end;
    }

    /// <summary>Digest of everything that was sent and when; the simulation ends with it.</summary>
    public string CloseSchedule() => Convert.ToHexString(_schedule.GetHashAndReset());

    public void Dispose()
    {
        foreach (var client in _clients)
            client.Client.Dispose();
        foreach (var engine in _engines)
            engine.Dispose();
        _serverKey.Dispose();
        _crypto.Dispose();
        _schedule.Dispose();
    }

    private byte[] Bytes(int count)
    {
        var bytes = new byte[count];
        _random.NextBytes(bytes);
        return bytes;
    }

    private TimeSpan NextEvent()
    {
        var next = _agenda.TryPeek(out _, out var priority) ? priority.Time : TimeSpan.MaxValue;
        foreach (var client in _clients)
            next = client.Client.NextDeadline < next ? client.Client.NextDeadline : next;
        foreach (var engine in _engines)
            next = engine.NextDeadline < next ? engine.NextDeadline : next;
        return next;
    }

    /// <summary>Puts on the wire whatever anybody has to send now.</summary>
    private void Transmit()
    {
        foreach (var client in _clients)
        {
            while (client.Client.TryTakeDatagram(Now, Origin + Now, _buffer, out var length))
            {
                var endpoint = client.Endpoint;
                Carry(_buffer[..length], datagram => ArriveAtGateway(datagram, endpoint));
            }
        }

        foreach (var engine in _engines)
        {
            while (engine.TryTakeDue(Now, _buffer, out var length, out var endpoint))
                CarryToClient(_buffer[..length], endpoint);
        }
    }

    private void Carry(byte[] datagram, Action<byte[]> arrive)
    {
        _schedule.AppendData(BitConverter.GetBytes(Now.Ticks));
        _schedule.AppendData(datagram);
        var copies = _random.NextDouble() < Conditions.Duplication ? 2 : 1;
        for (var copy = 0; copy < copies; copy++)
        {
            if (_random.NextDouble() < Conditions.Loss)
                continue;
            var delay = Conditions.Delay + (Conditions.Jitter * _random.NextDouble());
            if (_random.NextDouble() < Conditions.Reordering)
                delay += Conditions.HeldBack * _random.NextDouble();
            At(Now + delay, () => arrive([.. datagram]));
        }
    }

    private void CarryToClient(byte[] datagram, PeerEndpoint endpoint) => Carry(datagram, arrived =>
    {
        var client = _clients.Find(candidate => candidate.Endpoint == endpoint);
        if (client is not null && client.Client.Receive(arrived, Now, out var offset, out var length))
            client.Received.Add(BitConverter.ToInt32(arrived.AsSpan(offset, length)[1..]));
    });

    /// <summary>As with SO_REUSEPORT, the source decides which worker reads the datagram first.</summary>
    private void ArriveAtGateway(byte[] datagram, PeerEndpoint source)
    {
        var worker = source.Port % _engines.Count;
        var result = Receive(worker, datagram, source);
        if (result.Verdict != ReceiveVerdict.BelongsToOtherWorker)
            return;
        Assert.NotEqual(worker, result.Worker);
        Assert.NotEqual(ReceiveVerdict.BelongsToOtherWorker, Receive(result.Worker, datagram, source).Verdict);
    }

    private ReceiveResult Receive(int worker, byte[] datagram, PeerEndpoint source)
    {
        var reply = new byte[WireGuardEngine.MaxReplySize];
        var result = _engines[worker].Receive(datagram, source, Now, reply);
        Verdicts[result.Verdict] = Verdicts.GetValueOrDefault(result.Verdict) + 1;
        if (result.ReplyLength > 0)
            CarryToClient(reply[..result.ReplyLength], source);
        if (result.Verdict is ReceiveVerdict.Data or ReceiveVerdict.Keepalive)
            _clients.Find(candidate => candidate.Endpoint == source)?.Peers.Add((worker, result.Peer));
        if (result.Verdict == ReceiveVerdict.Data)
            ServePayload(worker, result, datagram.AsSpan(result.PayloadOffset, result.PayloadLength), source);
        return result;
    }

    private void ServePayload(int worker, in ReceiveResult result, Span<byte> payload, PeerEndpoint source)
    {
        var number = BitConverter.ToInt32(payload[1..]);
        _clients.Find(candidate => candidate.Endpoint == source)?.Arrived.Add((Now, number));
        if (!Echoes)
            return;
        payload.CopyTo(_buffer.AsSpan(WireGuardEngine.HeaderSize));
        var echo = _engines[worker].Seal(result.Peer, _buffer, payload.Length, pad: false, Now);
        if (echo.Verdict == SealVerdict.Sealed)
            CarryToClient(_buffer[..echo.Length], echo.Endpoint);
    }
}

/// <summary>A client, where it is, and what became of its payloads.</summary>
internal sealed class SimulatedClient(WireGuardClient client, PeerEndpoint endpoint)
{
    public WireGuardClient Client { get; } = client;

    public PeerEndpoint Endpoint { get; set; } = endpoint;

    public int Sent { get; set; }

    /// <summary>Numbers of the payloads that the gateway was given, with their times.</summary>
    public List<(TimeSpan Time, int Number)> Arrived { get; } = [];

    /// <summary>Numbers of the payloads that came back.</summary>
    public List<int> Received { get; } = [];

    /// <summary>Who the client was to the gateway.</summary>
    public HashSet<(int Worker, PeerId Peer)> Peers { get; } = [];
}
