namespace UdpGateway.Aws;

/// <summary>The operations of Amazon Kinesis Data Streams that the gateway calls, named after the API's own.</summary>
public interface IKinesis
{
    /// <summary>At most 500 records and 5 MiB in all. Not repeated on failure.</summary>
    /// <returns>The records that were not taken.</returns>
    /// <exception cref="AwsServiceException">The call failed as a whole.</exception>
    Task<IReadOnlyList<BatchEntryFailure>> PutRecordsAsync(string streamArn, IReadOnlyList<KinesisRecord> records, CancellationToken cancellationToken);
}

/// <param name="Data">It must not change until the call ends.</param>
/// <param name="PartitionKey">1 to 256 characters.</param>
public sealed record KinesisRecord(ReadOnlyMemory<byte> Data, string PartitionKey);
