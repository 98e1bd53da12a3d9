using System.Net;
using System.Net.Sockets;

namespace UdpGateway.Cli.Client;

/// <summary>A UDP socket connected to one endpoint, so that nobody else's datagrams arrive.</summary>
internal sealed class ClientSocket : IDisposable
{
    private readonly Socket _socket;
    private readonly byte[] _buffer = new byte[ushort.MaxValue];

    public ClientSocket(IPEndPoint endpoint)
    {
        _socket = new Socket(endpoint.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        _socket.Connect(endpoint);
    }

    /// <summary>The host answered that nothing listens on the port.</summary>
    public bool IsRefused { get; private set; }

    /// <exception cref="UserErrorException">The datagram is longer than the path or the protocol allows.</exception>
    public async Task SendAsync(ReadOnlyMemory<byte> datagram, CancellationToken cancellationToken)
    {
        try
        {
            await _socket.SendAsync(datagram, cancellationToken);
        }
        catch (SocketException exception) when (exception.SocketErrorCode is SocketError.ConnectionRefused)
        {
            // The refusal of an earlier datagram; this one was not sent, as if it were lost.
            IsRefused = true;
        }
        catch (SocketException exception) when (exception.SocketErrorCode is SocketError.MessageSize)
        {
            throw new UserErrorException($"A datagram of {datagram.Length} bytes is too long to be sent.");
        }
    }

    /// <summary>The next datagram, valid until the next call; null when the time is over.</summary>
    public async Task<Memory<byte>?> ReceiveAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        // What has arrived already is taken even when there is no time to wait.
        if (_socket.Available == 0)
            deadline.CancelAfter(timeout > TimeSpan.Zero ? timeout : TimeSpan.Zero);
        while (true)
        {
            try
            {
                var length = await _socket.ReceiveAsync(_buffer, deadline.Token);
                return _buffer.AsMemory(0, length);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                return null;
            }
            catch (SocketException exception) when (exception.SocketErrorCode is SocketError.ConnectionRefused or SocketError.ConnectionReset)
            {
                IsRefused = true;
            }
        }
    }

    public void Dispose() => _socket.Dispose();
}
