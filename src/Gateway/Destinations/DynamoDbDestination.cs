using System.Text.Json;
using UdpGateway.Aws;
using UdpGateway.Gateway.Batching;
using UdpGateway.Gateway.Packets;

namespace UdpGateway.Gateway.Destinations;

/// <summary>
/// One item per packet: the members of the packet as attributes of the same names (strings S, numbers N, objects M), the table's
/// partition key <c>CLIENT:PORT|DOMAIN:PORT</c> and its sort key <c>RECEIVED-AT#TAG</c>. Where the role may not describe the table,
/// the keys are named PK and SK.
/// </summary>
internal sealed class DynamoDbDestination : IDestination
{
    // https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
    private const int MaxEntries = 25;
    private const long MaxCallBytes = 16 * 1024 * 1024;
    private const long MaxItemBytes = 400 * 1024;

    private static readonly DynamoDbKeys UnknownKeys = new("PK", "SK");

    private readonly string _table;
    private readonly PacketFacts _facts;
    private readonly RequestPacketWriter _writer;
    private readonly DynamoDbClient _dynamoDb;
    private readonly SharedLookup<DynamoDbKeys> _keys;
    private readonly EntrySender<DynamoDbItem> _sender;

    public DynamoDbDestination(DestinationContext context)
    {
        _table = context.Arn.Resource["table/".Length..];
        _facts = context.Facts;
        _writer = new RequestPacketWriter(context.Facts);
        _dynamoDb = new DynamoDbClient(context.Connection);
        _keys = new SharedLookup<DynamoDbKeys>(FindKeysAsync);
        _sender = new EntrySender<DynamoDbItem>(new EntryLimits(MaxEntries, MaxCallBytes, MaxItemBytes), context.Retries, async (items, token) =>
            await _dynamoDb.BatchWriteItemAsync(_table, await _keys.GetAsync(token), items, token));
    }

    public DestinationLimits Limits => DestinationLimits.OneWay;

    public async Task<DeliveryOutcome> DeliverAsync(PacketBatch batch, CancellationToken cancellationToken)
    {
        using var packets = EncodedPackets.AsJson(batch, _writer);
        using var attributes = new PooledBuffer(packets.All.Length * 2);
        var ends = new int[batch.Count];
        var items = new (string Partition, string Sort)[batch.Count];
        for (var index = 0; index < batch.Count; index++)
        {
            using var packet = JsonDocument.Parse(packets[index]);
            using (var writer = new Utf8JsonWriter(attributes))
                WriteMap(writer, packet.RootElement);
            ends[index] = attributes.Written;
            items[index] = KeysOf(batch[index].Origin, packet.RootElement);
        }

        var entries = new Entry<DynamoDbItem>[batch.Count];
        for (var index = 0; index < entries.Length; index++)
        {
            var map = attributes.WrittenMemory[(index == 0 ? 0 : ends[index - 1])..ends[index]];
            entries[index] = new Entry<DynamoDbItem>(index, map.Length, new DynamoDbItem(items[index].Partition, items[index].Sort, map));
        }

        return await _sender.SendAsync(batch, entries, new DeliveryTally(), cancellationToken);
    }

    private (string Partition, string Sort) KeysOf(in PacketOrigin origin, JsonElement packet) =>
        ($"{PacketKey.OfClient(origin)}|{_facts.Domain}:{_facts.Port}", $"{packet.GetProperty("ReceivedAt").GetString()}#{packet.GetProperty("Tag").GetString()}");

    private async Task<DynamoDbKeys> FindKeysAsync(CancellationToken cancellationToken)
    {
        DynamoDbKeys keys;
        try
        {
            keys = await _dynamoDb.DescribeTableAsync(_table, cancellationToken);
        }
        catch (AwsServiceException failure) when (failure.ErrorCode is "AccessDeniedException" or "AccessDenied")
        {
            return UnknownKeys;
        }

        return keys.AreStrings && keys.SortKey is not null
            ? keys
            : throw new ListenerNotServedException($"Table {_table} needs a partition key and a sort key, both strings.");
    }

    private static void WriteMap(Utf8JsonWriter writer, JsonElement members)
    {
        writer.WriteStartObject();
        foreach (var member in members.EnumerateObject())
        {
            writer.WriteStartObject(member.Name);
            switch (member.Value.ValueKind)
            {
                case JsonValueKind.Object:
                    writer.WritePropertyName("M");
                    WriteMap(writer, member.Value);
                    break;
                case JsonValueKind.Number:
                    writer.WriteString("N", member.Value.GetRawText());
                    break;
                default:
                    writer.WriteString("S", member.Value.GetString());
                    break;
            }

            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }
}
