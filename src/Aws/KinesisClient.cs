namespace UdpGateway.Aws;

/// <summary>Amazon Kinesis Data Streams over HTTPS, JSON protocol.</summary>
/// <remarks>Source: Amazon Kinesis Data Streams API Reference, version 2013-12-02.</remarks>
public sealed class KinesisClient(AwsConnection connection) : IKinesis
{
    private static readonly AwsService Kinesis = new("Kinesis", SigningName: "kinesis", EndpointPrefix: "kinesis");
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    private readonly IAwsTransport _transport = connection.Open(Kinesis, AwsRetries.None, Timeout);

    public async Task<IReadOnlyList<BatchEntryFailure>> PutRecordsAsync(string streamArn, IReadOnlyList<KinesisRecord> records, CancellationToken cancellationToken)
    {
        using var body = new PooledBuffer(records.Sum(record => (record.Data.Length / 3 * 4) + record.PartitionKey.Length + 64));
        using (var writer = AwsJson.Writer(body))
        {
            writer.WriteStartObject();
            writer.WriteString("StreamARN", streamArn);
            writer.WriteStartArray("Records");
            foreach (var record in records)
            {
                writer.WriteStartObject();
                writer.WriteBase64String("Data", record.Data.Span);
                writer.WriteString("PartitionKey", record.PartitionKey);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        var request = new PutRecords
        {
            Method = HttpMethod.Post,
            Headers = AwsJson.Headers("Kinesis_20131202.PutRecords", "1.1"),
            Body = body.WrittenMemory,
            Recorded = body.WrittenMemory,
        };
        var response = await _transport.SendAsync(request, cancellationToken);

        using var json = AwsJson.Parse(response, "Kinesis PutRecords");
        return AwsJson.EntryFailures(json.RootElement, "Records", "ErrorCode");
    }

    private sealed class PutRecords : AwsRequest;
}
