using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace UdpGateway.Gateway.Sockets;

/// <summary>A UDP socket that moves whole batches with recvmmsg(2) and sendmmsg(2), and runs to one client with UDP_SEGMENT.</summary>
internal sealed unsafe class LinuxDatagramSocket : IDatagramSocket
{
    /// <summary>How long one flush waits once for a full send buffer to drain before the rest is dropped.</summary>
    private const int SendPatienceMilliseconds = 10;

    private readonly Socket _socket;
    private readonly bool _ipv6;
    private uint _lastOverflow;
    private bool _joins = true;

    public LinuxDatagramSocket(Socket socket)
    {
        _socket = socket;
        _ipv6 = socket.AddressFamily == AddressFamily.InterNetworkV6;
        Descriptor = (int)socket.SafeHandle.DangerousGetHandle();
        LocalEndPoint = (IPEndPoint)socket.LocalEndPoint!;
        ReceiveBufferBytes = socket.ReceiveBufferSize;

        if (ReadDrops() < 0)
            throw new SocketException(Marshal.GetLastPInvokeError());
        // Replies may be larger than the path: the network fragments them rather than refusing.
        if (_ipv6)
            SetOption(LinuxSystemCalls.Ipv6Level, LinuxSystemCalls.Ipv6MtuDiscover, LinuxSystemCalls.PathMtuDiscoveryDont);
        else
            SetOption(LinuxSystemCalls.IpLevel, LinuxSystemCalls.IpMtuDiscover, LinuxSystemCalls.PathMtuDiscoveryDont);
    }

    public int Descriptor { get; }

    public IPEndPoint LocalEndPoint { get; }

    public int ReceiveBufferBytes { get; }

    public bool IsReadable { get; set; }

    public long Overflows { get; private set; }

    public int Receive(DatagramBatch batch)
    {
        var vector = (LinuxMessageVector)batch.Native!;
        vector.PrepareReceive();
        int received;
        do
            received = LinuxSystemCalls.recvmmsg(Descriptor, vector.Messages, DatagramBatch.Capacity, LinuxSystemCalls.DoNotWait, null);
        while (received < 0 && Marshal.GetLastPInvokeError() == LinuxSystemCalls.Interrupted);
        CountOverflow();
        if (received <= 0)
        {
            batch.Count = 0;
            return 0;
        }

        vector.CompleteReceive(received);
        batch.Count = received;
        return received;
    }

    public SendSummary Send(DatagramBatch batch)
    {
        var vector = (LinuxMessageVector)batch.Native!;
        var messages = vector.PrepareSend(_ipv6, 0, _joins);
        var packets = 0;
        var bytes = 0L;
        var waited = false;
        var refusedAt = -1;
        for (var next = 0; next < messages;)
        {
            var sent = LinuxSystemCalls.sendmmsg(Descriptor, vector.Messages + next, (uint)(messages - next), LinuxSystemCalls.DoNotWait);
            if (sent > 0)
            {
                for (var end = next + sent; next < end; next++)
                {
                    var (firstSent, slotsSent) = vector.SlotsOf(next);
                    packets += slotsSent;
                    for (var slot = firstSent; slot < firstSent + slotsSent; slot++)
                        bytes += batch.Length(slot);
                }

                continue;
            }

            var error = Marshal.GetLastPInvokeError();
            var (first, slots) = vector.SlotsOf(next);
            switch (error)
            {
                case LinuxSystemCalls.Interrupted:
                    break;
                case LinuxSystemCalls.TryAgain when !waited:
                    waited = true;
                    AwaitWritable();
                    break;
                case LinuxSystemCalls.TryAgain:
                    return new SendSummary(packets, bytes);
                // An ICMP error of an earlier datagram is reported here once: the datagram itself was not tried.
                case LinuxSystemCalls.ConnectionRefused when refusedAt != next:
                    refusedAt = next;
                    break;
                // A segment is too long for the path, or the device cannot cut them: the rest of the batch goes one by one.
                case var _ when slots > 1:
                    _joins &= error != LinuxSystemCalls.InputOutputError;
                    messages = vector.PrepareSend(_ipv6, first, joins: false);
                    next = 0;
                    refusedAt = -1;
                    break;
                default:
                    next++;
                    break;
            }
        }

        return new SendSummary(packets, bytes);
    }

    public void Dispose() => _socket.Dispose();

    private void AwaitWritable()
    {
        var entry = new LinuxSystemCalls.PollEntry { Descriptor = Descriptor, Events = LinuxSystemCalls.PollOut };
        _ = LinuxSystemCalls.poll(&entry, 1, SendPatienceMilliseconds);
    }

    /// <summary>The kernel's counter has 32 bits and wraps.</summary>
    private void CountOverflow()
    {
        var drops = ReadDrops();
        if (drops < 0)
            return;
        Overflows += unchecked((uint)drops - _lastOverflow);
        _lastOverflow = (uint)drops;
    }

    /// <summary>
    /// The counter that SO_RXQ_OVFL attaches to datagrams: asked for once per batch it costs less than a control message with each
    /// datagram, and leaves out no drop behind the last of them. -1 when the kernel does not tell.
    /// </summary>
    private long ReadDrops()
    {
        var counters = stackalloc uint[LinuxSystemCalls.MemoryInfoCounters];
        var length = (uint)(LinuxSystemCalls.MemoryInfoCounters * sizeof(uint));
        return LinuxSystemCalls.getsockopt(Descriptor, LinuxSystemCalls.SolSocket, LinuxSystemCalls.SoMemoryInfo, counters, &length) == 0
            ? counters[LinuxSystemCalls.MemoryInfoDrops]
            : -1;
    }

    private void SetOption(int level, int name, int value) => _socket.SetRawSocketOption(level, name, MemoryMarshal.AsBytes(new ReadOnlySpan<int>(in value)));
}
