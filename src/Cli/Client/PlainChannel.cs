using System.Net;

namespace UdpGateway.Cli.Client;

/// <summary>Payloads are the datagrams.</summary>
internal sealed class PlainChannel(IPEndPoint endpoint) : IPayloadChannel
{
    private readonly ClientSocket _socket = new(endpoint);

    public string? Complaint => _socket.IsRefused ? $"nothing listens on {endpoint}" : null;

    public Task SendAsync(ReadOnlyMemory<byte> payload, bool isPacket, CancellationToken cancellationToken) =>
        _socket.SendAsync(payload, cancellationToken);

    public async Task<ReadOnlyMemory<byte>?> ReceiveAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        var datagram = await _socket.ReceiveAsync(timeout, cancellationToken);
        return datagram;
    }

    public void Dispose() => _socket.Dispose();
}
