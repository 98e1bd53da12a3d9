using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using UdpGateway.WireGuard;

namespace UdpGateway.Benchmarks.Load;

/// <summary>
/// One WireGuard client with a socket of its own. Its packets are inner IPv4 UDP datagrams to <see cref="EchoAddress"/>,
/// port 7, sealed and sent in runs that the kernel cuts up; answers are counted, or opened to see how old they are.
/// </summary>
internal sealed class LoadClient : IDisposable
{
    public const string EchoAddress = "10.9.255.1";

    /// <summary>In front of the payload of its inner packets.</summary>
    public const int InnerHeaders = 28;

    private const int SolUdp = 17;
    private const int UdpSegment = 103;
    private const int UdpGro = 104;
    private const int MostBytesAtOnce = 60_000;
    private const int MostDatagramsAtOnce = 64;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private readonly ArrivalStamps _arrivals;
    private readonly WireGuardClient _client;
    private readonly SecretKey _privateKey;
    private readonly byte[] _innerPacket;
    private readonly byte[] _run = new byte[ushort.MaxValue];
    private readonly byte[] _received = new byte[ushort.MaxValue];
    private readonly int _datagramSize;

    /// <param name="number">Makes the client's inner address.</param>
    /// <param name="payloadLength">Of the inner UDP datagram; at least 8.</param>
    public LoadClient(IPEndPoint server, ReadOnlySpan<byte> serverPublicKey, SecretKey privateKey, ICryptoBackend crypto, int number, int payloadLength)
    {
        _privateKey = privateKey;
        _client = new WireGuardClient(privateKey, serverPublicKey, null, crypto, RandomNumberGenerator.Fill);
        _innerPacket = InnerPacket(AddressOf(number), payloadLength);
        _datagramSize = WireGuardEngine.HeaderSize + ((_innerPacket.Length + 15) & ~15) + WireGuardEngine.TagSize;
        _socket.ReceiveBufferSize = 4 * 1024 * 1024;
        _socket.Connect(server);
        _socket.Blocking = false;
        _arrivals = new ArrivalStamps(_socket);
    }

    /// <summary>Datagrams that go into one run.</summary>
    public int LongestRun => Math.Min(MostDatagramsAtOnce, MostBytesAtOnce / _datagramSize);

    public static IPAddress AddressOf(int number) => new([10, 9, (byte)(number / 250), (byte)(1 + (number % 250))]);

    /// <summary>Completes a handshake; under load that may need a cookie and more than one attempt.</summary>
    public void Connect()
    {
        Span<byte> datagram = stackalloc byte[256];
        var started = Now();
        while (!_client.IsConnected)
        {
            if (Now() - started > Patience)
                throw new TimeoutException("The server does not complete a handshake.");
            if (_client.InitiationsSent == 0)
                _client.Connect(Now());
            Flush(datagram);
            if (_socket.Poll(TimeSpan.FromMilliseconds(10), SelectMode.SelectRead))
            {
                var length = _socket.Receive(_received, SocketFlags.None, out var error);
                if (error == SocketError.Success)
                    _client.Receive(_received.AsSpan(0, length), Now(), out _, out _);
            }
        }

        // The empty packet that confirms the session.
        Flush(datagram);
        _socket.SetRawSocketOption(SolUdp, UdpSegment, BitConverter.GetBytes(_datagramSize));
    }

    /// <summary>From now on the kernel hands over several answers at once; only <see cref="CountReplies"/> understands that.</summary>
    public void ReceiveInRuns() => _socket.SetRawSocketOption(SolUdp, UdpGro, BitConverter.GetBytes(1));

    /// <summary>Seals and sends that many packets; returns how many the kernel took.</summary>
    /// <param name="count">How many.</param>
    /// <param name="ledger">With it each carries its number there, else the present time.</param>
    public int Send(int count, DelayLedger? ledger = null)
    {
        var length = 0;
        for (var i = 0; i < count; i++)
        {
            var datagram = _run.AsSpan(length);
            var packet = datagram.Slice(WireGuardEngine.HeaderSize, _innerPacket.Length);
            _innerPacket.CopyTo(packet);
            BinaryPrimitives.WriteInt64LittleEndian(packet[InnerHeaders..], ledger?.Next() ?? Stopwatch.GetTimestamp());
            if (!_client.TrySeal(datagram, packet.Length, pad: true, Now(), out var sealedLength))
                throw new InvalidOperationException("The session is too old to send.");
            length += sealedLength;
        }

        ledger?.Sent(count);
        _socket.Send(_run.AsSpan(0, length), SocketFlags.None, out var error);
        return error == SocketError.Success ? count : 0;
    }

    /// <summary>Takes what has arrived; only answers of the right size count.</summary>
    public int CountReplies()
    {
        var replies = 0;
        while (TryReceive(out var length))
            replies += length / _datagramSize;
        return replies;
    }

    /// <summary>Takes and opens what has arrived, and reports how long each packet was under way.</summary>
    public int OpenReplies(List<TimeSpan> ages)
    {
        var replies = 0;
        while (TryReceive(out var length))
        {
            if (!_client.Receive(_received.AsSpan(0, length), Now(), out var offset, out var payloadLength) || payloadLength < _innerPacket.Length)
                continue;
            ages.Add(Stopwatch.GetElapsedTime(BinaryPrimitives.ReadInt64LittleEndian(_received.AsSpan(offset + InnerHeaders))));
            replies++;
        }

        return replies;
    }

    /// <summary>Takes and opens what has arrived, and reports how long each packet was at the endpoint and how long elsewhere.</summary>
    public int OpenReplies(DelayLedger ledger, List<TimeSpan> added, List<TimeSpan> atEndpoint)
    {
        var replies = 0;
        int length;
        while ((length = _arrivals.Receive(_received, waits: false, out var arrived)) >= 0)
        {
            if (!_client.Receive(_received.AsSpan(0, length), Now(), out var offset, out var payloadLength) || payloadLength < _innerPacket.Length)
                continue;
            var number = BinaryPrimitives.ReadInt64LittleEndian(_received.AsSpan(offset + InnerHeaders));
            added.Add(ledger.Added(number, arrived));
            atEndpoint.Add(ledger.AtEndpoint(number));
            replies++;
        }

        return replies;
    }

    public void Dispose()
    {
        _client.Dispose();
        _privateKey.Dispose();
        _socket.Dispose();
    }

    private static TimeSpan Now() => TimeSpan.FromTicks(Stopwatch.GetTimestamp() / (Stopwatch.Frequency / TimeSpan.TicksPerSecond));

    private bool TryReceive(out int length)
    {
        length = _socket.Receive(_received, SocketFlags.None, out var error);
        return error == SocketError.Success;
    }

    private void Flush(Span<byte> datagram)
    {
        while (_client.TryTakeDatagram(Now(), DateTimeOffset.UtcNow, datagram, out var length))
            _socket.Send(datagram[..length], SocketFlags.None, out _);
    }

    /// <summary>IPv4 with its checksum, UDP without one, which RFC 768 allows.</summary>
    private static byte[] InnerPacket(IPAddress source, int payloadLength)
    {
        var packet = new byte[InnerHeaders + payloadLength];
        packet[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)packet.Length);
        packet[8] = 64;
        packet[9] = 17;
        source.GetAddressBytes().CopyTo(packet, 12);
        IPAddress.Parse(EchoAddress).GetAddressBytes().CopyTo(packet, 16);
        var sum = 0u;
        for (var i = 0; i < 20; i += 2)
            sum += BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(i));
        sum = (sum & 0xffff) + (sum >> 16);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(10), (ushort)~((sum & 0xffff) + (sum >> 16)));
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(20), 40_000);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(22), 7);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(24), (ushort)(8 + payloadLength));
        return packet;
    }
}
