using System.Buffers.Binary;
using System.Net;
using UdpGateway.WireGuard;

namespace UdpGateway.Fuzz;

/// <summary>
/// An engine and a client that come out the same every time: one input alone decides what happens, and messages that
/// were recorded as seeds of the corpus stay genuine.
/// </summary>
internal sealed class FuzzTunnel : IDisposable
{
    private readonly Random _random;
    private readonly ICryptoBackend _crypto = CryptoBackends.CreateBest();
    private readonly SecretKey _serverKey;

    public FuzzTunnel(int maxHalfOpen, int seed = 20260603)
    {
        _random = new Random(seed);
        _serverKey = NewKey();
        ServerPublicKey = new byte[32];
        _crypto.Release(_crypto.ImportPrivateKey(_serverKey.Bytes, ServerPublicKey));
        using var clientKey = NewKey();
        Client = new WireGuardClient(clientKey, ServerPublicKey, null, _crypto, _random.NextBytes);
        Engine = new WireGuardEngine(new WireGuardEngineOptions { MaxHalfOpen = maxHalfOpen, MaxPeers = 8 }, _crypto, _random.NextBytes);
        var named = new NamedPeer { PublicKey = new byte[32], AllowedIPs = [IPNetwork.Parse("10.1.0.0/16"), IPNetwork.Parse("fd01::/16")] };
        Engine.Apply([new TunnelConfiguration { TunnelId = 1, PrivateKeys = [_serverKey], AllowUnknownPeers = true, Peers = [named] }], Now);
    }

    public static PeerEndpoint Source { get; } = PeerEndpoint.From(IPEndPoint.Parse("198.51.100.7:40112"));

    public TimeSpan Now { get; set; } = TimeSpan.FromHours(1);

    public byte[] ServerPublicKey { get; }

    public WireGuardEngine Engine { get; }

    public WireGuardClient Client { get; }

    /// <summary>Everything that the client has to send now.</summary>
    public List<byte[]> Take()
    {
        var datagrams = new List<byte[]>();
        var buffer = new byte[65_536];
        while (Client.TryTakeDatagram(Now, DateTimeOffset.UnixEpoch + Now, buffer, out var length))
            datagrams.Add(buffer[..length]);
        return datagrams;
    }

    /// <summary>The client's first initiation goes out; its index, at which the client takes an answer.</summary>
    public uint Initiate()
    {
        Client.Connect(Now);
        return BinaryPrimitives.ReadUInt32LittleEndian(Take().Single().AsSpan(4));
    }

    /// <summary>A whole handshake; the index at which the engine takes the client's packets.</summary>
    public uint Connect()
    {
        Client.Connect(Now);
        var response = Answer(Take().Single());
        Client.Receive(response, Now, out _, out _);
        foreach (var datagram in Take())
            Answer(datagram);
        return BinaryPrimitives.ReadUInt32LittleEndian(response.AsSpan(4));
    }

    public byte[] Answer(byte[] datagram)
    {
        var reply = new byte[WireGuardEngine.MaxReplySize];
        var result = Engine.Receive(datagram, Source, Now, reply);
        return reply[..result.ReplyLength];
    }

    public void Dispose()
    {
        Client.Dispose();
        Engine.Dispose();
        _serverKey.Dispose();
        _crypto.Dispose();
    }

    private SecretKey NewKey()
    {
        Span<byte> bytes = stackalloc byte[32];
        _random.NextBytes(bytes);
        return new SecretKey(bytes);
    }
}
