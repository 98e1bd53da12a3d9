using UdpGateway.Gateway.Batching;
using UdpGateway.Gateway.InnerPackets;
using UdpGateway.Gateway.Observability;
using UdpGateway.Gateway.Replies;
using UdpGateway.Gateway.Sockets;
using UdpGateway.Gateway.Tunnels;
using UdpGateway.Gateway.Workers;
using UdpGateway.WireGuard;

namespace UdpGateway.Gateway;

/// <summary>
/// The way of a packet, in one direction:
/// <list type="number">
/// <item>receive a datagram from a listener's socket;</item>
/// <item>check the client: its outer source must be in an allowed network, before anything answers it;</item>
/// <item>open WireGuard, or pass plain UDP; handshakes, cookies and keepalives end here;</item>
/// <item>read the inner packet, with DecapsulatedDelivery down to its UDP payload;</item>
/// <item>add the payload to the open batch of every destination (<see cref="Batcher"/>);</item>
/// <item>deliver the batch (<see cref="Destinations.DestinationDelivery"/>, on the thread pool);</item>
/// <item>route each reply back to the packet with its tag (<see cref="ReplyReader"/>);</item>
/// <item>wrap, seal and send the reply (<see cref="ReplySender"/>, on this worker again).</item>
/// </list>
/// Handshake initiations wait before step 2 until no data does. Steps 1 to 5 run here, on the worker's thread, to
/// completion: no lock, no allocation, no await. Each drop is counted under its reason.
/// </summary>
internal sealed class PacketPath(Worker worker, SendQueue sendQueue) : IDisposable
{
    /// <summary>Handshakes that are done at once when no data waits; what comes meanwhile waits no longer than this.</summary>
    private static readonly TimeSpan HandshakeSlice = TimeSpan.FromMilliseconds(1);

    /// <summary>Responses in a row that a client with the right key does not leave unconfirmed by chance.</summary>
    private const int LikelyUnconfirmable = 3;

    private readonly DatagramBatch _received = worker.Platform.CreateBatch();

    /// <summary>Takes one batch from a readable socket. The socket stays readable when more may be waiting.</summary>
    public void Receive(WorkerListener listener)
    {
        // 1 receive
        var count = listener.Socket.Receive(_received);
        if (count < DatagramBatch.Capacity)
            listener.Socket.IsReadable = false;
        listener.CountOverflows();

        var now = worker.Clock.Now;
        var receivedAt = worker.Clock.UnixMilliseconds;
        for (var slot = 0; slot < count; slot++)
        {
            var datagram = _received.Datagram(slot);
            listener.Counters.Received(datagram.Length);
            if (slot + 1 < count)
                listener.Engine?.Prefetch(_received.Datagram(slot + 1));
            var verdict = listener.Engine is not null && InitiationQueue.IsInitiation(datagram)
                ? Defer(listener, datagram, _received.Endpoint(slot))
                : Process(listener, datagram, _received.Endpoint(slot), now, receivedAt);
            if (verdict is { } reason)
                Drop(listener, datagram, _received.Endpoint(slot), reason);
        }
    }

    /// <summary>
    /// Answers initiations that waited: one in any case, more while nothing else waits. So a flood of them costs
    /// established sessions a moment, not their place in the socket's queue.
    /// </summary>
    public void AnswerInitiations(WorkerListener listener)
    {
        var now = worker.Clock.Now;
        var end = now + HandshakeSlice;
        while (listener.Initiations.TryTake(out var initiation, out var source))
        {
            if (Process(listener, initiation, source, now, 0) is { } reason)
                Drop(listener, initiation, source, reason);
            now = worker.Clock.Now;
            if (listener.Socket.IsReadable || now >= end)
                return;
        }
    }

    /// <summary>Steps 2 to 5 for one datagram, which is decrypted in place. Returns why it was dropped, or null.</summary>
    public DropReason? Process(WorkerListener listener, Span<byte> datagram, in PeerEndpoint source, TimeSpan now, long receivedAt)
    {
        // 2 check the client
        if (listener.AllowedClients.Check(source) is { } refused)
            return refused;

        var origin = new PacketOrigin { ReceivedAtUnixMilliseconds = receivedAt };
        if (listener.Engine is null)
        {
            origin.Route = new ReplyRoute(ReplyForm.Datagram, source, default, 0, default);
            return Batch(listener, datagram, datagram, origin, now);
        }

        // 3 open WireGuard
        var opened = TunnelReceiver.Receive(listener.Engine, worker.Clock, datagram, source, now, sendQueue.Next(listener.Socket, listener.Counters));
        if (opened.ReplyLength > 0)
            sendQueue.Commit(opened.ReplyLength, source);
        if (opened.HandshakeCompleted)
            listener.Counters.HandshakesCompleted++;
        switch (opened.Verdict)
        {
            case ReceiveVerdict.Data:
                break;
            case ReceiveVerdict.Keepalive:
                return null;
            case ReceiveVerdict.InitiationAnswered:
                listener.Counters.HandshakesAnswered++;
                if (opened.UnconfirmedResponses >= LikelyUnconfirmable)
                    listener.Counters.HandshakesUnconfirmed++;
                return null;
            case ReceiveVerdict.CookieReplied:
                listener.Counters.HandshakesCookieReplied++;
                return null;
            case ReceiveVerdict.BelongsToOtherWorker:
                return worker.TryHandOver(listener, opened.Worker, datagram, source) ? null : DropReason.HandoverQueueFull;
            default:
                return TunnelReceiver.ToDropReason(opened.Verdict);
        }

        if (!listener.Engine.TryGetPeer(opened.Peer, origin.PeerKey, out _, out _))
            return DropReason.NoSession;

        // 4 read the inner packet
        var packet = datagram.Slice(opened.PayloadOffset, opened.PayloadLength);
        var payload = packet;
        var form = ReplyForm.TunnelVerbatim;
        var flow = default(InnerFlow);
        if (listener.Decapsulates)
        {
            switch (InnerDatagram.Read(payload, out flow, out var inner))
            {
                case InnerVerdict.Udp:
                    form = ReplyForm.TunnelUdp;
                    payload = payload.Slice(inner.Offset, inner.Length);
                    break;
                case InnerVerdict.Raw:
                    form = ReplyForm.TunnelRaw;
                    break;
                case InnerVerdict.NotUdp:
                    return DropReason.InnerNotUdp;
                case InnerVerdict.Fragment:
                    return DropReason.InnerFragment;
                default:
                    return DropReason.InnerMalformed;
            }
        }

        origin.Route = new ReplyRoute(form, source, opened.Peer, listener.EngineGeneration, flow);
        return Batch(listener, packet, payload, origin, now);
    }

    /// <summary>Counts a datagram for which <see cref="Process"/> gave a reason.</summary>
    public void Drop(WorkerListener listener, ReadOnlySpan<byte> datagram, in PeerEndpoint source, DropReason reason)
    {
        listener.Counters.Drop(reason);
        worker.Tap?.Dropped(listener, datagram, source, reason);
    }

    public void Dispose() => _received.Dispose();

    private static DropReason? Defer(WorkerListener listener, ReadOnlySpan<byte> initiation, in PeerEndpoint source) =>
        listener.Initiations.TryAdd(initiation, source) ? null : DropReason.HandshakeBudgetExhausted;

    // 5 add to every destination's batch
    private DropReason? Batch(WorkerListener listener, ReadOnlySpan<byte> packet, ReadOnlySpan<byte> payload, in PacketOrigin origin, TimeSpan now)
    {
        var batchers = listener.Batchers;
        if (batchers.Length == 0)
            return DropReason.NoDestination;
        if (worker.Tap is { } tap)
        {
            BatchTapped(tap, listener, packet, payload, origin, now);
            return null;
        }

        foreach (var batcher in batchers)
            batcher.Add(payload, origin, now);
        return null;
    }

    private static void BatchTapped(IPacketTap tap, WorkerListener listener, ReadOnlySpan<byte> packet, ReadOnlySpan<byte> payload, in PacketOrigin origin, TimeSpan now)
    {
        var number = tap.Accepted(listener, packet, origin, now);
        foreach (var batcher in listener.Batchers)
            tap.Placed(number, listener, batcher.Delivery, batcher.Add(payload, origin, now));
    }
}
