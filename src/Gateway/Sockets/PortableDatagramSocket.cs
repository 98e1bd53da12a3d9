using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using UdpGateway.WireGuard;

namespace UdpGateway.Gateway.Sockets;

/// <summary>A UDP socket on plain <see cref="Socket"/> calls, for every operating system that .NET runs on.</summary>
internal sealed class PortableDatagramSocket : IDatagramSocket
{
    // Port and addresses lie at the same places of sockaddr_in and sockaddr_in6 on Linux, macOS and Windows.
    private const int PortOffset = 2;
    private const int IPv4AddressOffset = 4;
    private const int IPv6AddressOffset = 8;
    private const int ScopeIdOffset = 24;

    private const int SendPatienceMicroseconds = 10_000;

    private readonly SocketAddress _source;
    private readonly SocketAddress _target;
    private readonly bool _ipv6;

    public PortableDatagramSocket(Socket socket)
    {
        Socket = socket;
        _ipv6 = socket.AddressFamily == AddressFamily.InterNetworkV6;
        _source = new SocketAddress(socket.AddressFamily);
        _target = new SocketAddress(socket.AddressFamily);
        LocalEndPoint = (IPEndPoint)socket.LocalEndPoint!;
        ReceiveBufferBytes = socket.ReceiveBufferSize;
        if (!_ipv6 && !OperatingSystem.IsMacOS())
            socket.DontFragment = false;
    }

    public Socket Socket { get; }

    public IPEndPoint LocalEndPoint { get; }

    public int ReceiveBufferBytes { get; }

    public bool IsReadable { get; set; }

    /// <summary>Plain sockets do not tell.</summary>
    public long Overflows => 0;

    public int Receive(DatagramBatch batch)
    {
        batch.Count = 0;
        while (batch.Count < DatagramBatch.Capacity && Socket.Poll(0, SelectMode.SelectRead))
        {
            try
            {
                var length = Socket.ReceiveFrom(batch.Slot(batch.Count), SocketFlags.None, _source);
                batch.Set(batch.Count, length, ReadAddress(_source));
                batch.Count++;
            }
            catch (SocketException failure) when (failure.SocketErrorCode is SocketError.WouldBlock or SocketError.ConnectionReset or SocketError.ConnectionRefused)
            {
                // A datagram with a bad checksum, or an ICMP error of an earlier reply: nothing was received.
                break;
            }
        }

        return batch.Count;
    }

    public SendSummary Send(DatagramBatch batch)
    {
        var packets = 0;
        var bytes = 0L;
        for (var slot = 0; slot < batch.Count; slot++)
        {
            WriteAddress(_target, batch.Endpoint(slot));
            if (!TrySend(batch.Datagram(slot)))
                continue;
            packets++;
            bytes += batch.Length(slot);
        }

        return new SendSummary(packets, bytes);
    }

    public void Dispose() => Socket.Dispose();

    private bool TrySend(ReadOnlySpan<byte> datagram)
    {
        for (var attempt = 0; attempt < 2; attempt++)
        {
            try
            {
                Socket.SendTo(datagram, SocketFlags.None, _target);
                return true;
            }
            catch (SocketException failure) when (attempt == 0 && failure.SocketErrorCode is SocketError.WouldBlock or SocketError.ConnectionRefused)
            {
                Socket.Poll(SendPatienceMicroseconds, SelectMode.SelectWrite);
            }
            catch (SocketException)
            {
                return false; // counted by the caller as send_failed
            }
        }

        return false;
    }

    private PeerEndpoint ReadAddress(SocketAddress address)
    {
        var bytes = address.Buffer.Span;
        var port = BinaryPrimitives.ReadUInt16BigEndian(bytes[PortOffset..]);
        return _ipv6
            ? PeerEndpoint.FromIPv6(bytes[IPv6AddressOffset..][..16], port, MemoryMarshal.Read<uint>(bytes[ScopeIdOffset..]))
            : PeerEndpoint.FromIPv4(bytes[IPv4AddressOffset..][..4], port);
    }

    private void WriteAddress(SocketAddress address, in PeerEndpoint endpoint)
    {
        var bytes = address.Buffer.Span;
        BinaryPrimitives.WriteUInt16BigEndian(bytes[PortOffset..], endpoint.Port);
        if (!_ipv6)
        {
            BinaryPrimitives.WriteUInt32BigEndian(bytes[IPv4AddressOffset..], (uint)endpoint.Low);
            return;
        }

        BinaryPrimitives.WriteUInt64BigEndian(bytes[IPv6AddressOffset..], endpoint.High);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[(IPv6AddressOffset + 8)..], endpoint.Low);
        MemoryMarshal.Write(bytes[ScopeIdOffset..], endpoint.ScopeId);
    }
}
