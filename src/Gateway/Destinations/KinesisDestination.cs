using UdpGateway.Aws;
using UdpGateway.Gateway.Batching;
using UdpGateway.Gateway.Packets;

namespace UdpGateway.Gateway.Destinations;

/// <summary>One record per packet. With a partition key, calls go one after the other, so that records of a key keep their order.</summary>
internal sealed class KinesisDestination : IDestination
{
    // https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html; keys count too.
    private const int MaxEntries = 500;
    private const long MaxCallBytes = 5 * 1024 * 1024;
    private const long MaxRecordBytes = 1024 * 1024;
    private const int MaxKeyLength = 256;

    private readonly RequestPacketWriter _writer;
    private readonly PacketKey? _key;
    private readonly EntrySender<KinesisRecord> _sender;

    public KinesisDestination(DestinationContext context)
    {
        _writer = new RequestPacketWriter(context.Facts);
        _key = PacketKey.Create(context.Definition.Arguments.Kinesis?.PartitionKey, MaxKeyLength);
        var kinesis = new KinesisClient(context.Connection);
        var stream = context.Arn.ToString();
        var limits = new EntryLimits(MaxEntries, MaxCallBytes, MaxRecordBytes) { Parallel = _key is null ? EntryLimits.DefaultParallel : 1 };
        _sender = new EntrySender<KinesisRecord>(limits, context.Retries, (records, token) => kinesis.PutRecordsAsync(stream, records, token));
    }

    public DestinationLimits Limits => DestinationLimits.OneWay;

    public async Task<DeliveryOutcome> DeliverAsync(PacketBatch batch, CancellationToken cancellationToken)
    {
        using var packets = EncodedPackets.AsJson(batch, _writer);
        var entries = new Entry<KinesisRecord>[batch.Count];
        for (var index = 0; index < entries.Length; index++)
        {
            var key = _key?.Of(batch.Payload(index)) ?? Guid.NewGuid().ToString();
            entries[index] = new Entry<KinesisRecord>(index, packets[index].Length + key.Length, new KinesisRecord(packets[index], key));
        }

        return await _sender.SendAsync(batch, entries, new DeliveryTally(), cancellationToken);
    }
}
