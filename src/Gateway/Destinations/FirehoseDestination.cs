using UdpGateway.Aws;
using UdpGateway.Gateway.Batching;
using UdpGateway.Gateway.Packets;

namespace UdpGateway.Gateway.Destinations;

/// <summary>One record per packet: its JSON and a line feed, so that what the stream writes is a file of lines.</summary>
internal sealed class FirehoseDestination : IDestination
{
    // https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html
    private const int MaxEntries = 500;
    private const long MaxCallBytes = 4 * 1024 * 1024;
    private const long MaxRecordBytes = 1000 * 1024;

    private readonly RequestPacketWriter _writer;
    private readonly EntrySender<ReadOnlyMemory<byte>> _sender;

    public FirehoseDestination(DestinationContext context)
    {
        _writer = new RequestPacketWriter(context.Facts);
        var firehose = new FirehoseClient(context.Connection);
        var stream = context.Arn.Resource["deliverystream/".Length..];
        _sender = new EntrySender<ReadOnlyMemory<byte>>(
            new EntryLimits(MaxEntries, MaxCallBytes, MaxRecordBytes), context.Retries, (records, token) => firehose.PutRecordBatchAsync(stream, records, token));
    }

    public DestinationLimits Limits => DestinationLimits.OneWay;

    public async Task<DeliveryOutcome> DeliverAsync(PacketBatch batch, CancellationToken cancellationToken)
    {
        using var packets = EncodedPackets.AsJson(batch, _writer, lines: true);
        var entries = new Entry<ReadOnlyMemory<byte>>[batch.Count];
        for (var index = 0; index < entries.Length; index++)
            entries[index] = new Entry<ReadOnlyMemory<byte>>(index, packets[index].Length, packets[index]);

        return await _sender.SendAsync(batch, entries, new DeliveryTally(), cancellationToken);
    }
}
