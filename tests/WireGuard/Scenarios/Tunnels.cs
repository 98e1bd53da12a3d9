using System.Net;

namespace UdpGateway.WireGuard.Tests.Scenarios;

/// <summary>One engine and clients on a virtual clock, datagrams handed over by hand.</summary>
internal sealed class Tunnels : IDisposable
{
    private readonly Random _random = new(20260603);
    private readonly List<IDisposable> _owned = [];
    private readonly byte[] _privateKey = new byte[32];

    public Tunnels(string backend, WireGuardEngineOptions? options = null, Func<TunnelConfiguration, TunnelConfiguration>? configure = null)
    {
        Backend = backend;
        Crypto = Own(Vectors.Backends.Create(backend));
        Fill(_privateKey);
        ServerPublicKey = new byte[32];
        Crypto.Release(Crypto.ImportPrivateKey(_privateKey, ServerPublicKey));
        ServerKey = Own(new SecretKey(_privateKey));
        Engine = Own(new WireGuardEngine(options ?? new WireGuardEngineOptions(), Crypto, Fill));
        Configuration = new TunnelConfiguration { TunnelId = 7, PrivateKeys = [ServerKey], AllowUnknownPeers = true };
        if (configure is not null)
            Configuration = configure(Configuration);
        Engine.Apply([Configuration], Now);
    }

    public string Backend { get; }

    public ICryptoBackend Crypto { get; }

    public SecretKey ServerKey { get; }

    public byte[] ServerPublicKey { get; }

    public WireGuardEngine Engine { get; }

    public TunnelConfiguration Configuration { get; }

    public TimeSpan Now { get; set; } = TimeSpan.FromHours(5);

    public DateTimeOffset WallClock => new DateTimeOffset(2026, 6, 3, 12, 0, 0, TimeSpan.Zero) + Now;

    public PeerEndpoint Source { get; set; } = PeerEndpoint.From(IPEndPoint.Parse("198.51.100.7:40112"));

    public WireGuardClient NewClient(SecretKey? presharedKey = null, SecretKey? privateKey = null, TimeSpan persistentKeepalive = default)
    {
        if (privateKey is null)
        {
            var bytes = new byte[32];
            Fill(bytes);
            privateKey = Own(new SecretKey(bytes));
        }

        return Own(new WireGuardClient(privateKey, ServerPublicKey, presharedKey, Crypto, Fill, persistentKeepalive));
    }

    public SecretKey NewKey()
    {
        var bytes = new byte[32];
        Fill(bytes);
        return Own(new SecretKey(bytes));
    }

    /// <summary>Everything that the client has to send now.</summary>
    public List<byte[]> Take(WireGuardClient client)
    {
        var datagrams = new List<byte[]>();
        var buffer = new byte[65_536];
        while (client.TryTakeDatagram(Now, WallClock, buffer, out var length))
            datagrams.Add(buffer[..length]);
        return datagrams;
    }

    /// <summary>Hands one datagram to the engine; an answer goes to the client.</summary>
    public Received Deliver(byte[] datagram, WireGuardClient? client = null)
    {
        var copy = datagram.ToArray();
        var reply = new byte[WireGuardEngine.MaxReplySize];
        var result = Engine.Receive(copy, Source, Now, reply);
        var answer = reply[..result.ReplyLength];
        if (client is not null && result.ReplyLength > 0)
            client.Receive(answer.ToArray(), Now, out _, out _);
        var payload = result.Verdict == ReceiveVerdict.Data ? copy.AsSpan(result.PayloadOffset, result.PayloadLength).ToArray() : [];
        return new Received(result, payload, answer);
    }

    /// <summary>Runs datagrams both ways until the client has nothing more to send.</summary>
    public List<Received> Exchange(WireGuardClient client)
    {
        var received = new List<Received>();
        for (var datagrams = Take(client); datagrams.Count > 0; datagrams = Take(client))
            received.AddRange(datagrams.Select(datagram => Deliver(datagram, client)));
        return received;
    }

    /// <summary>Handshake and confirmation; the peer that came out of it.</summary>
    public PeerId Connect(WireGuardClient client)
    {
        client.Connect(Now);
        return Exchange(client).Single(received => received.Result.HandshakeCompleted).Result.Peer;
    }

    /// <summary>What the engine would send to the peer; null with the verdict if it would not.</summary>
    public (SealResult Result, byte[] Datagram) Seal(PeerId peer, ReadOnlySpan<byte> payload, bool pad = false)
    {
        var datagram = new byte[payload.Length + 64];
        payload.CopyTo(datagram.AsSpan(WireGuardEngine.HeaderSize));
        var result = Engine.Seal(peer, datagram, payload.Length, pad, Now);
        return (result, datagram[..result.Length]);
    }

    public byte[]? Open(WireGuardClient client, byte[] datagram)
    {
        var copy = datagram.ToArray();
        return client.Receive(copy, Now, out var offset, out var length) ? copy.AsSpan(offset, length).ToArray() : null;
    }

    public void Dispose()
    {
        for (var i = _owned.Count - 1; i >= 0; i--)
            _owned[i].Dispose();
    }

    private T Own<T>(T value)
        where T : IDisposable
    {
        _owned.Add(value);
        return value;
    }

    private void Fill(Span<byte> bytes) => _random.NextBytes(bytes);
}

/// <summary>What became of one datagram.</summary>
internal sealed record Received(ReceiveResult Result, byte[] Payload, byte[] Answer)
{
    public ReceiveVerdict Verdict => Result.Verdict;
}
