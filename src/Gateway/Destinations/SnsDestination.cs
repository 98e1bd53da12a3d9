using UdpGateway.Aws;
using UdpGateway.Gateway.Batching;
using UdpGateway.Gateway.Packets;

namespace UdpGateway.Gateway.Destinations;

/// <summary>One message per packet. FIFO topics order by client, and get their calls one after the other.</summary>
internal sealed class SnsDestination : IDestination
{
    // https://docs.aws.amazon.com/sns/latest/dg/sns-batch-api-actions.html
    private const int MaxEntries = 10;
    private const long MaxBytes = 256 * 1024;

    private readonly bool _isFifo;
    private readonly RequestPacketWriter _writer;
    private readonly EntrySender<SnsMessage> _sender;

    public SnsDestination(DestinationContext context)
    {
        _isFifo = context.Arn.Resource.EndsWith(".fifo", StringComparison.Ordinal);
        _writer = new RequestPacketWriter(context.Facts);
        var sns = new SnsClient(context.Connection);
        var topic = context.Arn.ToString();
        var limits = new EntryLimits(MaxEntries, MaxBytes, MaxBytes) { Parallel = _isFifo ? 1 : EntryLimits.DefaultParallel };
        _sender = new EntrySender<SnsMessage>(limits, context.Retries, (messages, token) => sns.PublishBatchAsync(topic, messages, token));
    }

    public DestinationLimits Limits => DestinationLimits.OneWay;

    public async Task<DeliveryOutcome> DeliverAsync(PacketBatch batch, CancellationToken cancellationToken)
    {
        using var packets = EncodedPackets.AsJson(batch, _writer);
        var entries = new Entry<SnsMessage>[batch.Count];
        for (var index = 0; index < entries.Length; index++)
        {
            var message = _isFifo
                ? new SnsMessage(packets[index], PacketKey.OfClient(batch[index].Origin), Guid.NewGuid().ToString("N"))
                : new SnsMessage(packets[index]);
            entries[index] = new Entry<SnsMessage>(index, packets[index].Length, message);
        }

        return await _sender.SendAsync(batch, entries, new DeliveryTally(), cancellationToken);
    }
}
