using UdpGateway.Aws;
using UdpGateway.Gateway.Batching;
using UdpGateway.Gateway.Packets;

namespace UdpGateway.Gateway.Destinations;

/// <summary>One event per packet; its detail is the packet.</summary>
internal sealed class EventBridgeDestination : IDestination
{
    // Rules of existing templates match these two.
    private const string Source = "proxylity";
    private const string DetailType = "udp-gateway-packet-ingress";

    // https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html and its user guide, "calculating event entry size":
    // the time counts 14 bytes, the texts their length.
    private const int MaxEntries = 10;
    private const long MaxBytes = 256 * 1024;
    private const int EntryOverhead = 40 + 14;

    private readonly string _bus;
    private readonly RequestPacketWriter _writer;
    private readonly EntrySender<EventBridgeEntry> _sender;

    public EventBridgeDestination(DestinationContext context)
    {
        _bus = context.Arn.ToString();
        _writer = new RequestPacketWriter(context.Facts);
        var events = new EventBridgeClient(context.Connection);
        _sender = new EntrySender<EventBridgeEntry>(new EntryLimits(MaxEntries, MaxBytes, MaxBytes), context.Retries, events.PutEventsAsync);
    }

    public DestinationLimits Limits => DestinationLimits.OneWay;

    public async Task<DeliveryOutcome> DeliverAsync(PacketBatch batch, CancellationToken cancellationToken)
    {
        using var packets = EncodedPackets.AsJson(batch, _writer);
        var entries = new Entry<EventBridgeEntry>[batch.Count];
        for (var index = 0; index < entries.Length; index++)
        {
            var receivedAt = DateTimeOffset.FromUnixTimeMilliseconds(batch[index].Origin.ReceivedAtUnixMilliseconds);
            entries[index] = new Entry<EventBridgeEntry>(index, packets[index].Length + EntryOverhead, new EventBridgeEntry(_bus, Source, DetailType, receivedAt, packets[index]));
        }

        return await _sender.SendAsync(batch, entries, new DeliveryTally(), cancellationToken);
    }
}
