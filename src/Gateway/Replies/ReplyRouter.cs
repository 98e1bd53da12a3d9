using System.Buffers;
using Microsoft.Extensions.Logging;
using UdpGateway.Gateway.Batching;
using UdpGateway.Gateway.Destinations;
using UdpGateway.Gateway.Observability;
using UdpGateway.Gateway.Packets;
using UdpGateway.Gateway.Workers;

namespace UdpGateway.Gateway.Replies;

/// <summary>
/// Step 7 of the packet path: decodes each reply and posts it to the worker that owns the client. A bad reply is
/// counted and mentioned once in a while; it never stops the others.
/// </summary>
internal sealed partial class ReplyRouter(DeliverySettings settings, ILogger logger) : IReplySink
{
    /// <summary>How long a full worker is waited for before replies are dropped.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(1);

    private readonly LogGate _problemLog = new();

    public async Task RouteAsync(PacketBatch batch, ReplyDocument document, CancellationToken cancellationToken)
    {
        var (replies, bytes) = (0, 0L);
        foreach (var reply in document.Replies)
        {
            if (TryDecode(reply, batch, out var message))
            {
                if (!await TryPostAsync(message, cancellationToken))
                    continue;
                replies++;
                bytes += message.Length;
            }
            else
            {
                document.AddProblem($"the Data of a reply is no {settings.Facts.Formatter} text");
            }
        }

        settings.Tap?.RepliesRead(batch, document);
        if (replies > 0)
            settings.Report?.Replied(replies, bytes);

        var counters = batch.Listener.Counters;
        if (document.UnknownTags > 0)
            counters.DropReply(DropReason.ReplyUnknownTag, document.UnknownTags);
        if (document.Malformed > 0)
            counters.DropReply(DropReason.ReplyMalformed, document.Malformed);
        var dropped = document.UnknownTags + document.Malformed;
        if (dropped == 0)
            return;
        var problem = document.FirstProblem ?? "a tag is none of the batch";
        settings.Report?.RepliesDropped(dropped, problem);
        if (_problemLog.TryOpen(out var suppressed))
            Log.BadReplies(logger, settings.ListenerName, settings.Definition.Name, document.UnknownTags, document.Malformed, problem, LogGate.More(suppressed));
    }

    private bool TryDecode(in Reply reply, PacketBatch batch, out WorkerMessage message)
    {
        var formatter = settings.Facts.Formatter;
        var bytes = ArrayPool<byte>.Shared.Rent(PayloadEncoding.MaxDecodedSize(formatter, reply.Data));
        if (PayloadEncoding.TryRead(formatter, reply.Data, bytes, out var length))
        {
            settings.Tap?.Replied(batch, reply.PacketIndex, bytes.AsSpan(0, length));
            message = new WorkerMessage(WorkerMessageKind.Reply, batch.Listener, batch[reply.PacketIndex].Origin.Route, bytes, length)
            {
                Packet = new PacketPlace(PacketPlacement.Batched, reply.PacketIndex, batch.Id),
            };
            return true;
        }

        ArrayPool<byte>.Shared.Return(bytes);
        message = default;
        return false;
    }

    /// <summary>A large answer may be faster than the worker: wait for it a little, then drop.</summary>
    private static async Task<bool> TryPostAsync(WorkerMessage message, CancellationToken cancellationToken)
    {
        var worker = message.Listener.Worker;
        for (var waited = TimeSpan.Zero; !worker.TryPost(message); waited += Pause)
        {
            if (waited >= Patience || cancellationToken.IsCancellationRequested)
            {
                message.Listener.Counters.DropReply(DropReason.ReplyQueueFull, 1);
                ArrayPool<byte>.Shared.Return(message.Bytes);
                return false;
            }

            await Task.Delay(Pause, CancellationToken.None);
        }

        return true;
    }

    private static partial class Log
    {
        [LoggerMessage(1201, LogLevel.Warning, "Listener {Listener}, destination {Destination}: replies were dropped (unknown tags: {UnknownTags}, malformed: {Malformed}): {Problem}{More}")]
        public static partial void BadReplies(ILogger logger, string listener, string destination, int unknownTags, int malformed, string problem, string more);
    }
}
