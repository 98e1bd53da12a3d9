using UdpGateway.Gateway.Observability;
using UdpGateway.WireGuard;

namespace UdpGateway.Gateway.Sockets;

/// <summary>
/// What a worker is about to send, written in place and handed to the kernel in runs of one socket.
/// Take a slot with <see cref="Next"/>; it goes only if <see cref="Commit"/> follows.
/// </summary>
internal sealed class SendQueue(IDatagramPlatform platform) : IDisposable
{
    private readonly DatagramBatch _batch = platform.CreateBatch();
    private IDatagramSocket? _socket;
    private ListenerCounters? _counters;

    /// <summary>A slot of <see cref="DatagramBatch.SlotSize"/> bytes for one datagram of that socket.</summary>
    public Span<byte> Next(IDatagramSocket socket, ListenerCounters counters)
    {
        if (_batch.Count == DatagramBatch.Capacity || !ReferenceEquals(_socket, socket))
            Flush();
        _socket = socket;
        _counters = counters;
        return _batch.Slot(_batch.Count);
    }

    public void Commit(int length, in PeerEndpoint target)
    {
        _batch.Set(_batch.Count, length, target);
        _batch.Count++;
    }

    public void Flush()
    {
        if (_batch.Count == 0)
            return;
        var sent = _socket!.Send(_batch);
        _counters!.Sent(sent.Packets, sent.Bytes);
        if (sent.Packets < _batch.Count)
            _counters.Drop(DropReason.SendFailed, _batch.Count - sent.Packets);
        _batch.Count = 0;
    }

    public void Dispose() => _batch.Dispose();
}
