using System.Collections.Concurrent;
using UdpGateway.Gateway.Batching;
using UdpGateway.Gateway.Replies;

namespace UdpGateway.Gateway.Tests.Destinations;

/// <summary>Keeps the replies that a destination hands over before its delivery has ended.</summary>
internal sealed class RecordedReplies : IReplySink
{
    private readonly ConcurrentQueue<Reply> _replies = new();
    private int _unknownTags;

    public IReadOnlyList<Reply> Replies => [.. _replies];

    public int UnknownTags => Volatile.Read(ref _unknownTags);

    public Task RouteAsync(PacketBatch batch, ReplyDocument document, CancellationToken cancellationToken)
    {
        document.Replies.ForEach(_replies.Enqueue);
        Interlocked.Add(ref _unknownTags, document.UnknownTags);
        return Task.CompletedTask;
    }
}
