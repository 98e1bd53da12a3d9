namespace UdpGateway.Aws;

/// <summary>Amazon Data Firehose over HTTPS, JSON protocol.</summary>
/// <remarks>Source: Amazon Data Firehose API Reference, version 2015-08-04.</remarks>
public sealed class FirehoseClient(AwsConnection connection) : IFirehose
{
    private static readonly AwsService Firehose = new("Firehose", SigningName: "firehose", EndpointPrefix: "firehose");
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    private readonly IAwsTransport _transport = connection.Open(Firehose, AwsRetries.None, Timeout);

    public async Task<IReadOnlyList<BatchEntryFailure>> PutRecordBatchAsync(string deliveryStreamName, IReadOnlyList<ReadOnlyMemory<byte>> records, CancellationToken cancellationToken)
    {
        using var body = new PooledBuffer(records.Sum(record => (record.Length / 3 * 4) + 32));
        using (var writer = AwsJson.Writer(body))
        {
            writer.WriteStartObject();
            writer.WriteString("DeliveryStreamName", deliveryStreamName);
            writer.WriteStartArray("Records");
            foreach (var record in records)
            {
                writer.WriteStartObject();
                writer.WriteBase64String("Data", record.Span);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        var request = new PutRecordBatch
        {
            Method = HttpMethod.Post,
            Headers = AwsJson.Headers("Firehose_20150804.PutRecordBatch", "1.1"),
            Body = body.WrittenMemory,
            Recorded = body.WrittenMemory,
        };
        var response = await _transport.SendAsync(request, cancellationToken);

        using var json = AwsJson.Parse(response, "Firehose PutRecordBatch");
        return AwsJson.EntryFailures(json.RootElement, "RequestResponses", "ErrorCode");
    }

    private sealed class PutRecordBatch : AwsRequest;
}
