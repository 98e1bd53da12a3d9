using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using UdpGateway.WireGuard;

namespace UdpGateway.Gateway.Tests.TestDoubles;

/// <summary>The engine's own initiator behind a real socket.</summary>
internal sealed class WireGuardTestClient : IDisposable
{
    private readonly ICryptoBackend _crypto = CryptoBackends.CreateBest();
    private readonly SecretKey _privateKey;
    private readonly WireGuardClient _client;
    private readonly IPEndPoint _gateway;
    private readonly byte[] _buffer = new byte[65_536];
    private TimeSpan _start = TimeSpan.FromMilliseconds(Environment.TickCount64);
    private Socket _socket = NewSocket();

    public WireGuardTestClient(int port, string gatewayPublicKey, byte[]? privateKey = null, byte[]? presharedKey = null, IPAddress? address = null)
    {
        if (privateKey is null)
            WireGuardKeys.GeneratePrivateKey(privateKey = new byte[SecretKey.Size]);
        _privateKey = new SecretKey(privateKey);
        _gateway = new IPEndPoint(address ?? IPAddress.Loopback, port);
        _client = new WireGuardClient(
            _privateKey, Convert.FromBase64String(gatewayPublicKey), presharedKey is null ? null : new SecretKey(presharedKey), _crypto, RandomNumberGenerator.Fill);
        PublicKey = WireGuardTestKeys.PublicKeyOf(privateKey);
    }

    public string PublicKey { get; }

    /// <summary>How far the clock that the client's timestamps tell is ahead.</summary>
    public TimeSpan ClockOffset { get; init; }

    /// <summary>Outer bytes that came from the gateway.</summary>
    public int DatagramsReceived { get; private set; }

    public bool IsConnected => _client.IsConnected;

    private TimeSpan Now => TimeSpan.FromMilliseconds(Environment.TickCount64) - _start;

    /// <summary>The client takes its session, and all else, for so much older.</summary>
    public void Age(TimeSpan by) => _start -= by;

    /// <summary>From now on the client has another source port.</summary>
    public void Roam()
    {
        _socket.Dispose();
        _socket = NewSocket();
    }

    public void Send(ReadOnlySpan<byte> payload, bool pad = false)
    {
        _client.Send(payload, pad, Now);
        Pump();
    }

    /// <summary>The next payload of the tunnel; null when none comes in that time.</summary>
    public async Task<byte[]?> ReceiveAsync(TimeSpan? patience = null)
    {
        var deadline = DateTime.UtcNow + (patience ?? Eventually.Patience);
        while (DateTime.UtcNow < deadline)
        {
            Pump();
            if (!_socket.Poll(0, SelectMode.SelectRead))
            {
                await Task.Delay(5);
                continue;
            }

            var length = _socket.Receive(_buffer);
            DatagramsReceived++;
            if (_client.Receive(_buffer.AsSpan(0, length), Now, out var offset, out var size) && size > 0)
                return _buffer[offset..(offset + size)];
        }

        return null;
    }

    public async Task<byte[]?> ExchangeAsync(byte[] payload, bool pad = false)
    {
        Send(payload, pad);
        return await ReceiveAsync();
    }

    public void Dispose()
    {
        _client.Dispose();
        _privateKey.Dispose();
        _crypto.Dispose();
        _socket.Dispose();
    }

    private void Pump()
    {
        var datagram = new byte[65_536];
        while (_client.TryTakeDatagram(Now, DateTimeOffset.UtcNow + ClockOffset, datagram, out var length))
            _socket.SendTo(datagram.AsSpan(0, length), SocketFlags.None, _gateway);
    }

    private static Socket NewSocket()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return socket;
    }
}

/// <summary>Key pairs for tests.</summary>
internal static class WireGuardTestKeys
{
    public static byte[] NewPrivateKey()
    {
        var key = new byte[SecretKey.Size];
        WireGuardKeys.GeneratePrivateKey(key);
        return key;
    }

    public static string PublicKeyOf(byte[] privateKey)
    {
        var key = new byte[SecretKey.Size];
        WireGuardKeys.ComputePublicKey(privateKey, key);
        return Convert.ToBase64String(key);
    }
}
