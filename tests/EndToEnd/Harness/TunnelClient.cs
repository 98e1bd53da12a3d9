using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using UdpGateway.WireGuard;

namespace UdpGateway.EndToEnd.Tests.Harness;

/// <summary>
/// A WireGuard client in the test's hands: it keeps what it sent, can stay silent after the response, and can move to
/// another port.
/// </summary>
internal sealed class TunnelClient : IDisposable
{
    private readonly IPEndPoint _server;
    private readonly ICryptoBackend _crypto = CryptoBackends.CreateBest();
    private readonly SecretKey _privateKey;
    private readonly SecretKey? _presharedKey;
    private readonly WireGuardClient _client;
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly byte[] _buffer = new byte[ushort.MaxValue];
    private Socket _socket;

    /// <param name="privateKey">Null for a key that nobody has seen before.</param>
    public TunnelClient(RunningStack stack, byte[]? privateKey = null, byte[]? presharedKey = null)
    {
        _server = stack.Endpoint;
        _socket = Connect();
        _privateKey = new SecretKey(privateKey ?? NewPrivateKey());
        _presharedKey = presharedKey is null ? null : new SecretKey(presharedKey);
        _client = new WireGuardClient(_privateKey, Convert.FromBase64String(stack.PublicKey), _presharedKey, _crypto, RandomNumberGenerator.Fill);
    }

    public string PublicKey => Convert.ToBase64String(_client.PublicKey);

    public int HandshakesCompleted => _client.HandshakesCompleted;

    /// <summary>Every datagram that left, in order.</summary>
    public List<byte[]> Sent { get; } = [];

    /// <summary>The length of every datagram that arrived, in order.</summary>
    public List<int> ReceivedLengths { get; } = [];

    public static byte[] NewPrivateKey()
    {
        var key = new byte[SecretKey.Size];
        WireGuardKeys.GeneratePrivateKey(key);
        return key;
    }

    public static string PublicKeyOf(byte[] privateKey)
    {
        var publicKey = new byte[SecretKey.Size];
        WireGuardKeys.ComputePublicKey(privateKey, publicKey);
        return Convert.ToBase64String(publicKey);
    }

    public void Send(byte[] payload, bool isPacket = false)
    {
        _client.Send(payload, isPacket, _clock.Elapsed);
        Flush();
    }

    /// <summary>Sends the initiation, takes the response and says nothing: the session stays unconfirmed.</summary>
    public async Task HandshakeWithoutConfirmingAsync()
    {
        _client.Connect(_clock.Elapsed);
        Flush();
        Assert.NotNull(await ReceiveDatagramAsync(TimeSpan.FromSeconds(5)));
    }

    public async Task<string?> AskAsync(string text, TimeSpan? timeout = null)
    {
        Send(Encoding.UTF8.GetBytes(text));
        return await ReceiveTextAsync(timeout);
    }

    public async Task<string?> ReceiveTextAsync(TimeSpan? timeout = null) =>
        await ReceivePayloadAsync(timeout ?? TimeSpan.FromSeconds(10)) is { } payload ? Encoding.UTF8.GetString(payload) : null;

    /// <summary>The next payload that the session opens; null when the time is over.</summary>
    public async Task<byte[]?> ReceivePayloadAsync(TimeSpan timeout)
    {
        var end = _clock.Elapsed + timeout;
        do
        {
            Flush();
            var deadline = _client.NextDeadline < end ? _client.NextDeadline : end;
            if (await ReceiveDatagramAsync(deadline - _clock.Elapsed) is not { } datagram)
                continue;
            var isPayload = _client.Receive(datagram, _clock.Elapsed, out var offset, out var length);
            Flush();
            if (isPayload)
                return datagram[offset..(offset + length)];
        }
        while (_clock.Elapsed < end);
        return null;
    }

    /// <summary>The next datagram as it is, kept from the session; null when the time is over.</summary>
    public async Task<byte[]?> ReceiveDatagramAsync(TimeSpan timeout)
    {
        using var deadline = new CancellationTokenSource(timeout > TimeSpan.Zero ? timeout : TimeSpan.Zero);
        try
        {
            var length = await _socket.ReceiveAsync(_buffer, deadline.Token);
            ReceivedLengths.Add(length);
            return _buffer[..length];
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    /// <summary>Sends bytes that are none of the session's.</summary>
    public void SendDatagram(byte[] datagram) => _socket.Send(datagram);

    public void MoveToAnotherPort()
    {
        var old = _socket;
        _socket = Connect();
        old.Dispose();
    }

    public void Dispose()
    {
        _client.Dispose();
        _privateKey.Dispose();
        _presharedKey?.Dispose();
        _crypto.Dispose();
        _socket.Dispose();
    }

    private Socket Connect()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Connect(_server);
        return socket;
    }

    private void Flush()
    {
        Span<byte> datagram = new byte[ushort.MaxValue];
        while (_client.TryTakeDatagram(_clock.Elapsed, DateTimeOffset.UtcNow, datagram, out var length))
        {
            Sent.Add(datagram[..length].ToArray());
            _socket.Send(datagram[..length]);
        }
    }
}
