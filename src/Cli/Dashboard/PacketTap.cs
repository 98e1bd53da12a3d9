using System.Text;
using System.Threading.Channels;
using UdpGateway.Aws;
using UdpGateway.Gateway.Batching;
using UdpGateway.Gateway.Destinations;
using UdpGateway.Gateway.Observability;
using UdpGateway.Gateway.Packets;
using UdpGateway.Gateway.Replies;
using UdpGateway.Gateway.Workers;
using UdpGateway.WireGuard;

namespace UdpGateway.Cli.Dashboard;

/// <summary>
/// Copies what passes into a bounded queue, which one reader turns into the <see cref="PacketLog"/>: a gateway that is
/// watched never waits for who watches. What finds no room is not shown, and counted.
/// </summary>
internal sealed class PacketTap : IPacketTap, IAsyncDisposable
{
    private const int QueueCapacity = 16_384;
    private const long QueueByteCapacity = 16 * 1024 * 1024;

    /// <summary>Longer documents are cut: they are for reading.</summary>
    private const int MaxDocument = 64 * 1024;

    private readonly Channel<Change> _changes = Channel.CreateBounded<Change>(new BoundedChannelOptions(QueueCapacity) { SingleReader = true });
    private readonly Task _reading;
    private readonly Func<string, string, bool> _isNamedPeer;
    private long _queuedBytes;
    private long _lastNumber;
    private long _missed;

    /// <param name="isNamedPeer">Whether the listener declares the peer's key.</param>
    public PacketTap(Func<string, string, bool> isNamedPeer)
    {
        _isNamedPeer = isNamedPeer;
        _reading = ReadAsync();
    }

    public PacketLog Log { get; } = new();

    /// <summary>Steps that were too many to be shown.</summary>
    public long Missed => Volatile.Read(ref _missed);

    public long Accepted(WorkerListener listener, ReadOnlySpan<byte> packet, in PacketOrigin origin, TimeSpan receivedAt)
    {
        var number = Interlocked.Increment(ref _lastNumber);
        var now = listener.Worker.Clock.Now;
        var at = DateTimeOffset.UtcNow - (now - receivedAt);
        var local = PeerEndpoint.From(listener.Socket.LocalEndPoint);
        var route = origin.Route;
        var peerKey = origin.PeerKey;
        var bytes = packet.ToArray();
        Post(bytes.Length, log =>
        {
            var key = route.IsTunnel ? Convert.ToBase64String(peerKey) : null;
            log.Add(new PassedPacket
            {
                Number = number,
                Listener = listener.Name,
                Local = local,
                Source = route.Endpoint,
                At = at,
                ReceivedAt = receivedAt,
                AcceptedAt = now,
                IsTunnel = route.IsTunnel,
                Bytes = bytes,
                Length = bytes.Length,
                PeerKey = key,
                IsNamedPeer = key is not null && _isNamedPeer(listener.Name, key),
            });
        });
        return number;
    }

    public void Placed(long packet, WorkerListener listener, DestinationDelivery delivery, in PacketPlace place)
    {
        var now = listener.Worker.Clock.Now;
        var where = place;
        Post(0, log => log.Place(packet, delivery.Name, where, now));
    }

    public void Dropped(WorkerListener listener, ReadOnlySpan<byte> datagram, in PeerEndpoint source, DropReason reason)
    {
        var number = Interlocked.Increment(ref _lastNumber);
        var now = listener.Worker.Clock.Now;
        var at = DateTimeOffset.UtcNow;
        var local = PeerEndpoint.From(listener.Socket.LocalEndPoint);
        var isTunnel = listener.Engine is not null;
        var from = source;
        var length = datagram.Length;
        var bytes = ReadableBytes(datagram, isTunnel, reason).ToArray();
        Post(bytes.Length, log => log.Add(new PassedPacket
        {
            Number = number,
            Listener = listener.Name,
            Local = local,
            Source = from,
            At = at,
            ReceivedAt = now,
            AcceptedAt = now,
            IsTunnel = isTunnel,
            Bytes = bytes,
            Length = length,
            DropReason = reason.Label(),
        }));
    }

    public void BatchDropped(PacketBatch batch, DropReason reason)
    {
        var id = batch.Id;
        var count = batch.Count;
        var now = batch.Listener.Worker.Clock.Now;
        Post(0, log =>
        {
            var dropped = log.Batch(id);
            dropped.Count = count;
            dropped.DeliveredAt = now;
            dropped.Result = "dropped";
            dropped.Problem = reason.Label();
            log.Touch(dropped);
        });
    }

    public void Delivering(PacketBatch batch, DeliverySettings settings)
    {
        var now = batch.Listener.Worker.Clock.Now;
        var (id, count, bytes) = (batch.Id, batch.Count, batch.Bytes);
        var request = Write(batch, settings.Facts);
        Post(PacketLog.TextBytes(request), log =>
        {
            var delivering = log.Batch(id);
            delivering.Count = count;
            delivering.Bytes = bytes;
            delivering.DeliveringAt = now;
            delivering.Request = request;
            log.Keep(PacketLog.TextBytes(request));
            log.Touch(delivering);
        });
    }

    public void Delivered(PacketBatch batch, in DeliveryOutcome outcome)
    {
        var now = batch.Listener.Worker.Clock.Now;
        var id = batch.Id;
        var (result, problem, answerBytes) = (outcome.Result, outcome.Problem, outcome.Answer.Length);
        var answer = outcome.Answer.IsEmpty ? null : Encoding.UTF8.GetString(outcome.Answer.Span[..Math.Min(answerBytes, MaxDocument)]);
        Post(PacketLog.TextBytes(answer), log =>
        {
            var delivered = log.Batch(id);
            delivered.DeliveredAt = now;
            delivered.Result = result switch { DeliveryResult.Delivered => "delivered", DeliveryResult.FunctionError => "function_error", _ => "failed" };
            delivered.Problem = problem;
            delivered.Answer = answer;
            delivered.AnswerBytes = answerBytes;
            log.Keep(PacketLog.TextBytes(answer));
            if (delivered.DeliveringAt is { } started)
                log.CountLatency(now - started);
            log.Touch(delivered);
        });
    }

    public void Replied(PacketBatch batch, int index, ReadOnlySpan<byte> payload)
    {
        var id = batch.Id;
        var reply = new PassedReply(batch[index].Origin.Route, payload.ToArray(), batch.Listener.Worker.Clock.Now);
        Post(payload.Length, log =>
        {
            var placement = log.Batch(id).PlacementOf(index);
            placement.Replies.Add(reply);
            log.Keep(reply.Payload.Length);
            if (placement.Packet is not { } packet)
                return;
            log.CountReply(packet);
            log.Touch(packet);
        });
    }

    public void RepliesRead(PacketBatch batch, ReplyDocument document)
    {
        if (document.UnknownTags + document.Malformed == 0)
            return;
        var id = batch.Id;
        var problem = document.FirstProblem ?? "a tag is none of the batch";
        var text = $"{document.UnknownTags} replies with unknown tags and {document.Malformed} that cannot be read: {problem}";
        Post(0, log =>
        {
            var read = log.Batch(id);
            read.ReplyProblem = text;
            log.Touch(read);
        });
    }

    public void ReplySent(WorkerListener listener, in PacketPlace packet, DropReason? reason)
    {
        var now = listener.Worker.Clock.Now;
        var (id, index) = (packet.Batch, packet.Index);
        Post(0, log =>
        {
            var placement = log.Batch(id).PlacementOf(index);
            if (placement.Replies.Find(candidate => candidate.SentAt is null) is not { } reply)
                return;
            reply.SentAt = now;
            reply.DropReason = reason?.Label();
            if (placement.Packet is { } answered)
                log.Touch(answered);
        });
    }

    /// <summary>Everything that was posted before is in the log when it ends.</summary>
    public async ValueTask DisposeAsync()
    {
        _changes.Writer.TryComplete();
        await _reading;
    }

    /// <summary>Of a tunnel only what was opened, in place, before the packet was refused; the rest is noise to a reader.</summary>
    private static ReadOnlySpan<byte> ReadableBytes(ReadOnlySpan<byte> datagram, bool isTunnel, DropReason reason)
    {
        if (!isTunnel)
            return datagram;
        var isOpen = reason is DropReason.InnerSourceNotAllowed or DropReason.RawNotAllowed or DropReason.InnerNotUdp
            or DropReason.InnerFragment or DropReason.InnerMalformed or DropReason.NoDestination;
        return isOpen && datagram.Length >= WireGuardEngine.HeaderSize + WireGuardEngine.TagSize
            ? PacketDecoder.WithoutPadding(datagram[WireGuardEngine.HeaderSize..^WireGuardEngine.TagSize])
            : [];
    }

    private static string? Write(PacketBatch batch, PacketFacts facts)
    {
        if (batch.EncodedSize > MaxDocument)
            return null;
        using var buffer = new PooledBuffer((int)batch.EncodedSize + RequestPacketWriter.EnvelopeSize);
        new RequestPacketWriter(facts).Write(buffer, batch);
        return Encoding.UTF8.GetString(buffer.WrittenMemory.Span);
    }

    private void Post(int bytes, Action<PacketLog> apply)
    {
        if (Volatile.Read(ref _queuedBytes) + bytes <= QueueByteCapacity && _changes.Writer.TryWrite(new Change(apply, bytes)))
            Interlocked.Add(ref _queuedBytes, bytes);
        else
            Interlocked.Increment(ref _missed);
    }

    private async Task ReadAsync()
    {
        await foreach (var change in _changes.Reader.ReadAllAsync())
        {
            Interlocked.Add(ref _queuedBytes, -change.Bytes);
            Log.Change(change.Apply);
        }
    }

    private readonly record struct Change(Action<PacketLog> Apply, int Bytes);
}
