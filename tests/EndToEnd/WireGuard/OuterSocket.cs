using System.Net;
using System.Net.Sockets;

namespace UdpGateway.EndToEnd.Tests.WireGuard;

/// <summary>A client's UDP socket on an address of the loopback network, which has sixteen million of them.</summary>
internal sealed class OuterSocket : IDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private const int SolUdp = 17;
    private const int UdpSegment = 103;

    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private readonly byte[] _buffer = new byte[ushort.MaxValue];

    public OuterSocket(IPEndPoint gateway, string source = "127.0.0.1")
    {
        _socket.Bind(new IPEndPoint(IPAddress.Parse(source), 0));
        _socket.Connect(gateway);
    }

    public void Send(byte[] datagram) => _socket.Send(datagram);

    /// <summary>Hands datagrams of one length to the kernel in one piece, to be cut up there (UDP_SEGMENT).</summary>
    public void SendInOnePiece(IReadOnlyList<byte[]> datagrams)
    {
        _socket.SetRawSocketOption(SolUdp, UdpSegment, BitConverter.GetBytes(datagrams[0].Length));
        _socket.Send([.. datagrams.SelectMany(datagram => datagram)]);
        _socket.SetRawSocketOption(SolUdp, UdpSegment, BitConverter.GetBytes(0));
    }

    /// <summary>The next datagram; null when none comes in that time.</summary>
    public async Task<byte[]?> ReceiveAsync(TimeSpan timeout)
    {
        using var deadline = new CancellationTokenSource(timeout);
        try
        {
            return _buffer[..await _socket.ReceiveAsync(_buffer, deadline.Token)];
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    public void Dispose() => _socket.Dispose();
}
