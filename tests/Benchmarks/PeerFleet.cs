using System.Net;
using System.Security.Cryptography;
using UdpGateway.WireGuard;

namespace UdpGateway.Benchmarks;

/// <summary>
/// One engine with many peers whose handshakes were really made, on a virtual clock; and packets of theirs that nobody has opened yet.
/// </summary>
internal sealed class PeerFleet : IDisposable
{
    private readonly List<WireGuardClient> _clients = [];
    private readonly List<PeerId> _peers = [];
    private readonly SecretKey _serverKey;
    private readonly byte[] _serverPublicKey = new byte[32];

    public PeerFleet(ICryptoBackend crypto, int maxPeers = 1_048_576)
    {
        Crypto = crypto;
        var privateKey = RandomNumberGenerator.GetBytes(32);
        crypto.Release(crypto.ImportPrivateKey(privateKey, _serverPublicKey));
        _serverKey = new SecretKey(privateKey);
        Engine = new WireGuardEngine(new WireGuardEngineOptions { MaxPeers = maxPeers }, crypto, RandomNumberGenerator.Fill);
        Engine.Apply([new TunnelConfiguration { TunnelId = 1, PrivateKeys = [_serverKey], AllowUnknownPeers = true }], Now);
    }

    public ICryptoBackend Crypto { get; }

    public WireGuardEngine Engine { get; }

    public TimeSpan Now { get; set; } = TimeSpan.FromHours(1);

    public PeerEndpoint Source { get; } = PeerEndpoint.From(IPEndPoint.Parse("198.51.100.7:40112"));

    public IReadOnlyList<WireGuardClient> Clients => _clients;

    public IReadOnlyList<PeerId> Peers => _peers;

    public WireGuardClient NewClient()
    {
        using var key = new SecretKey(RandomNumberGenerator.GetBytes(32));
        return NewClient(key, Crypto);
    }

    /// <summary>A client with cryptography of its own, for another thread.</summary>
    public WireGuardClient NewClient(SecretKey key, ICryptoBackend crypto) => new(key, _serverPublicKey, null, crypto, RandomNumberGenerator.Fill);

    /// <summary>Connects a client by a real handshake and its confirmation.</summary>
    public PeerId Connect(WireGuardClient client)
    {
        Span<byte> datagram = stackalloc byte[256];
        Span<byte> reply = stackalloc byte[WireGuardEngine.MaxReplySize];
        client.Connect(Now);
        while (client.TryTakeDatagram(Now, DateTimeOffset.UnixEpoch + Now, datagram, out var length))
        {
            var result = Engine.Receive(datagram[..length], Source, Now, reply);
            if (result.HandshakeCompleted)
                return result.Peer;
            client.Receive(reply[..result.ReplyLength], Now, out _, out _);
        }

        throw new InvalidOperationException("The handshake did not complete.");
    }

    public void Add(int count)
    {
        for (var i = 0; i < count; i++)
        {
            var client = NewClient();
            _clients.Add(client);
            _peers.Add(Connect(client));
        }
    }

    /// <summary>One initiation of a key that the engine has never seen.</summary>
    public byte[] NewInitiation()
    {
        using var client = NewClient();
        var datagram = new byte[256];
        client.Connect(Now);
        client.TryTakeDatagram(Now, DateTimeOffset.UnixEpoch + Now, datagram, out var length);
        return datagram[..length];
    }

    /// <summary>Packets of random clients, each to be opened once, back to back in one block.</summary>
    public byte[] SealPackets(int count, int payloadLength, Random random)
    {
        var size = WireGuardEngine.HeaderSize + payloadLength + WireGuardEngine.TagSize;
        var block = new byte[count * size];
        for (var i = 0; i < count; i++)
        {
            if (!_clients[random.Next(_clients.Count)].TrySeal(block.AsSpan(i * size, size), payloadLength, pad: false, Now, out _))
                throw new InvalidOperationException("The session cannot send.");
        }

        return block;
    }

    public void Dispose()
    {
        foreach (var client in _clients)
            client.Dispose();
        Engine.Dispose();
        _serverKey.Dispose();
    }
}
