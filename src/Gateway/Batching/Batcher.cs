using UdpGateway.Gateway.Destinations;
using UdpGateway.Gateway.Observability;
using UdpGateway.Gateway.Packets;
using UdpGateway.Gateway.Workers;

namespace UdpGateway.Gateway.Batching;

/// <summary>
/// The open batch of one destination on one worker. It leaves when it has enough packets, enough encoded bytes, or
/// when its first packet is old enough, whichever comes first.
/// </summary>
internal sealed class Batcher(DestinationDelivery delivery, BatchPool pool, WorkerListener listener)
{
    private PacketBatch? _open;
    private long _filtered;
    private long _notEncodable;

    public DestinationDelivery Delivery => delivery;

    /// <summary>When the open batch must leave; <see cref="TimeSpan.MaxValue"/> if none is open.</summary>
    public TimeSpan Deadline { get; private set; } = TimeSpan.MaxValue;

    public PacketPlace Add(ReadOnlySpan<byte> payload, in PacketOrigin origin, TimeSpan now)
    {
        if (delivery.Filter is { } filter && !filter.IsTrue(payload))
        {
            _filtered++;
            return new PacketPlace(PacketPlacement.Filtered, 0, 0);
        }

        if (!PayloadEncoding.CanEncode(delivery.Formatter, payload))
        {
            _notEncodable++;
            return new PacketPlace(PacketPlacement.NotEncodable, 0, 0);
        }

        if (!delivery.IsRouted)
        {
            listener.Counters.Drop(DropReason.NoDestination);
            return new PacketPlace(PacketPlacement.NotRouted, 0, 0);
        }

        var encodedSize = delivery.PacketOverhead + PayloadEncoding.EncodedSize(delivery.Formatter, payload);
        if (_open is not null && _open.EncodedSize + encodedSize > delivery.MaxEncodedSize)
            Flush();
        if (_open is null)
        {
            _open = pool.Rent(listener);
            Deadline = now + delivery.Timeout;
        }

        var place = new PacketPlace(PacketPlacement.Batched, _open.Count, _open.Id);
        _open.Add(payload, origin, encodedSize);
        if (_open.Count >= delivery.MaxCount || _open.EncodedSize >= delivery.MaxEncodedSize)
            Flush();
        return place;
    }

    /// <summary>Once per turn of the worker.</summary>
    public void FlushIfDue(TimeSpan now)
    {
        CountSkipped();
        if (now >= Deadline)
            Flush();
    }

    public void Flush()
    {
        CountSkipped();
        if (_open is not { } batch)
            return;
        _open = null;
        Deadline = TimeSpan.MaxValue;
        if (delivery.TryEnqueue(batch, pool))
            return;
        listener.Counters.Drop(DropReason.DestinationQueueFull, batch.Count);
        listener.Worker.Tap?.BatchDropped(batch, DropReason.DestinationQueueFull);
        pool.Return(batch);
    }

    /// <summary>The delivery is shared by the workers, so it hears of skipped packets once per turn and not once per packet.</summary>
    private void CountSkipped()
    {
        if (_filtered > 0)
            delivery.Skip(SkipReason.Filtered, _filtered);
        if (_notEncodable > 0)
            delivery.Skip(SkipReason.NotCoap, _notEncodable);
        _filtered = 0;
        _notEncodable = 0;
    }
}
