using System.Buffers.Binary;
using System.Security.Cryptography;
using UdpGateway.EndToEnd.Tests.Harness;
using UdpGateway.WireGuard;

namespace UdpGateway.EndToEnd.Tests.WireGuard;

/// <summary>
/// The project's initiator with every datagram in the test's hands: it sends nothing itself, and its clock moves only
/// when the test asks for a handshake.
/// </summary>
internal sealed class HandDrivenClient : IDisposable
{
    private readonly ICryptoBackend _crypto = CryptoBackends.CreateBest();
    private readonly SecretKey _privateKey;
    private readonly SecretKey? _presharedKey;
    private readonly WireGuardClient _client;
    private TimeSpan _now = TimeSpan.FromHours(1);

    /// <param name="privateKey">Null for a key that nobody has seen before.</param>
    public HandDrivenClient(string serverPublicKey, byte[]? privateKey = null, byte[]? presharedKey = null)
    {
        _privateKey = new SecretKey(privateKey ?? TunnelClient.NewPrivateKey());
        _presharedKey = presharedKey is null ? null : new SecretKey(presharedKey);
        _client = new WireGuardClient(_privateKey, Convert.FromBase64String(serverPublicKey), _presharedKey, _crypto, RandomNumberGenerator.Fill);
    }

    public bool IsConnected => _client.IsConnected;

    /// <summary>A first message at that time; a cookie that came before is used.</summary>
    public byte[] Initiate(DateTimeOffset? wallClock = null)
    {
        // Beyond REKEY_TIMEOUT, so that the client does not wait for an answer to the one before.
        _now += TimeSpan.FromSeconds(10);
        _client.Connect(_now);
        return Take(wallClock).Single();
    }

    /// <summary>The initiation for a payload that waits for the session.</summary>
    public byte[] InitiateFor(byte[] payload, DateTimeOffset wallClock)
    {
        _client.Send(payload, pad: false, _now);
        return Take(wallClock).Single();
    }

    /// <summary>Takes a response, a cookie or data; returns what the client wants to send now.</summary>
    public IReadOnlyList<byte[]> Consume(byte[] datagram)
    {
        _client.Receive(datagram, _now, out _, out _);
        return Take(null);
    }

    /// <summary>The payload; null if the client does not accept the datagram.</summary>
    public byte[]? Open(byte[] datagram) =>
        _client.Receive(datagram, _now, out var offset, out var length) ? datagram[offset..(offset + length)] : null;

    /// <summary>An empty payload makes a keepalive.</summary>
    public byte[] Seal(byte[] payload)
    {
        var datagram = new byte[payload.Length + 64];
        payload.CopyTo(datagram, WireGuardEngine.HeaderSize);
        Assert.True(_client.TrySeal(datagram, payload.Length, pad: false, _now, out var length));
        return datagram[..length];
    }

    /// <summary>Handshake and confirmation through that socket.</summary>
    public async Task ConnectAsync(OuterSocket socket)
    {
        socket.Send(Initiate());
        var response = await socket.ReceiveAsync(OuterSocket.Patience);
        Assert.NotNull(response);
        foreach (var datagram in Consume(response))
            socket.Send(datagram);
        Assert.True(IsConnected);
    }

    /// <summary>The counter of a transport message (paper §5.4.6).</summary>
    public static ulong CounterOf(byte[] datagram) => BinaryPrimitives.ReadUInt64LittleEndian(datagram.AsSpan(8));

    public void Dispose()
    {
        _client.Dispose();
        _privateKey.Dispose();
        _presharedKey?.Dispose();
        _crypto.Dispose();
    }

    private List<byte[]> Take(DateTimeOffset? wallClock)
    {
        var taken = new List<byte[]>();
        var buffer = new byte[ushort.MaxValue];
        while (_client.TryTakeDatagram(_now, wallClock ?? DateTimeOffset.UtcNow, buffer, out var length))
            taken.Add(buffer[..length]);
        return taken;
    }
}
