using System.Net;
using UdpGateway.WireGuard.Tests.Crypto;

namespace UdpGateway.WireGuard.Tests.Scenarios;

/// <summary>One engine and clients on a virtual clock, datagrams handed over by hand.</summary>
internal sealed class Tunnels : IDisposable
{
    private readonly Random _random = new(20260603);
    private readonly List<IDisposable> _owned = [];

    public Tunnels(
        string? backend = null,
        WireGuardEngineOptions? options = null,
        Func<TunnelConfiguration, TunnelConfiguration>? configure = null,
        ICryptoBackend? crypto = null)
    {
        Crypto = Own(crypto ?? TestBackends.Create(backend ?? TestBackends.Best));
        ServerKey = NewKey();
        ServerPublicKey = PublicKeyOf(ServerKey);
        Engine = Own(new WireGuardEngine(options ?? new WireGuardEngineOptions(), Crypto, Fill));
        Configuration = new TunnelConfiguration { TunnelId = 7, PrivateKeys = [ServerKey], AllowUnknownPeers = true };
        if (configure is not null)
            Configuration = configure(Configuration);
        Engine.Apply([Configuration], Now);
    }

    public ICryptoBackend Crypto { get; }

    public SecretKey ServerKey { get; }

    public byte[] ServerPublicKey { get; }

    public WireGuardEngine Engine { get; }

    public TunnelConfiguration Configuration { get; }

    public TimeSpan Now { get; set; } = TimeSpan.FromHours(5);

    public DateTimeOffset WallClock => new DateTimeOffset(2026, 6, 3, 12, 0, 0, TimeSpan.Zero) + Now;

    public PeerEndpoint Source { get; set; } = Endpoint("198.51.100.7:40112");

    public static PeerEndpoint Endpoint(string text) => PeerEndpoint.From(IPEndPoint.Parse(text));

    public WireGuardClient NewClient(
        SecretKey? presharedKey = null, SecretKey? privateKey = null, TimeSpan persistentKeepalive = default, byte[]? serverPublicKey = null) =>
        Own(new WireGuardClient(privateKey ?? NewKey(), serverPublicKey ?? ServerPublicKey, presharedKey, Crypto, Fill, persistentKeepalive));

    public HandmadeClient NewHandmadeClient(SecretKey? privateKey = null, byte[]? serverPublicKey = null) =>
        Own(new HandmadeClient(this, privateKey ?? NewKey(), serverPublicKey ?? ServerPublicKey, Fill));

    public SecretKey NewKey()
    {
        var bytes = new byte[32];
        Fill(bytes);
        return Own(new SecretKey(bytes));
    }

    public byte[] PublicKeyOf(SecretKey key)
    {
        var publicKey = new byte[32];
        Crypto.Release(Crypto.ImportPrivateKey(key.Bytes, publicKey));
        return publicKey;
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

    /// <summary>Everything that the engine's timers have to send now.</summary>
    public List<byte[]> TakeDue()
    {
        var datagrams = new List<byte[]>();
        var buffer = new byte[64];
        while (Engine.TryTakeDue(Now, buffer, out var length, out _))
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

    /// <summary>What the engine would send to the peer; empty with the verdict if it would not.</summary>
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

    /// <summary>Puts the engine under load, but with time left for the handshakes that prove their address.</summary>
    public void PutUnderLoad()
    {
        Engine.AccountHandshake(TimeSpan.FromMilliseconds(50), Now);
        Now += TimeSpan.FromMilliseconds(100);
    }

    public void Fill(Span<byte> bytes) => _random.NextBytes(bytes);

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
}

/// <summary>What became of one datagram.</summary>
internal sealed record Received(ReceiveResult Result, byte[] Payload, byte[] Answer)
{
    public ReceiveVerdict Verdict => Result.Verdict;
}
