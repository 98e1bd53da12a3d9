using System.Net;
using System.Security.Cryptography;
using UdpGateway.WireGuard;

namespace UdpGateway.Cli.Client;

/// <summary>Gives the sans-IO client a socket and a clock. Owns the keys.</summary>
internal sealed class WireGuardChannel : IPayloadChannel
{
    private readonly ClientSocket _socket;
    private readonly ICryptoBackend _crypto = CryptoBackends.CreateBest();
    private readonly SecretKey _privateKey;
    private readonly SecretKey? _presharedKey;
    private readonly WireGuardClient _client;
    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly byte[] _datagram = new byte[ushort.MaxValue];

    public WireGuardChannel(IPEndPoint endpoint, SecretKey privateKey, ReadOnlySpan<byte> serverPublicKey, SecretKey? presharedKey, TimeProvider time)
    {
        _time = time;
        _privateKey = privateKey;
        _presharedKey = presharedKey;
        _start = time.GetTimestamp();
        _socket = new ClientSocket(endpoint);
        _client = new WireGuardClient(privateKey, serverPublicKey, presharedKey, _crypto, RandomNumberGenerator.Fill);
    }

    public string? Complaint =>
        _socket.IsRefused ? "nothing listens on that port"
        : _client.IsConnected ? null
        : "no session came about; a gateway stays silent when its public key, this client's key or the pre-shared key is not the right one";

    private TimeSpan Now => _time.GetElapsedTime(_start);

    public Task SendAsync(ReadOnlyMemory<byte> payload, bool isPacket, CancellationToken cancellationToken)
    {
        _client.Send(payload.Span, isPacket, Now);
        return FlushAsync(cancellationToken);
    }

    public async Task<ReadOnlyMemory<byte>?> ReceiveAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        var until = Now + timeout;
        do
        {
            await FlushAsync(cancellationToken);
            var wait = (_client.NextDeadline < until ? _client.NextDeadline : until) - Now;
            if (await _socket.ReceiveAsync(wait, cancellationToken) is not { } datagram)
                continue;

            var isPayload = _client.Receive(datagram.Span, Now, out var offset, out var length);
            await FlushAsync(cancellationToken);
            if (isPayload)
                return datagram.Slice(offset, length);
        }
        while (Now < until);
        return null;
    }

    public void Dispose()
    {
        _client.Dispose();
        _privateKey.Dispose();
        _presharedKey?.Dispose();
        _crypto.Dispose();
        _socket.Dispose();
    }

    private async Task FlushAsync(CancellationToken cancellationToken)
    {
        while (_client.TryTakeDatagram(Now, _time.GetUtcNow(), _datagram, out var length))
            await _socket.SendAsync(_datagram.AsMemory(0, length), cancellationToken);
    }
}
