namespace UdpGateway.Aws;

/// <summary>The operations of Amazon Data Firehose that the gateway calls, named after the API's own.</summary>
public interface IFirehose
{
    /// <summary>At most 500 records and 4 MiB in all. Not repeated on failure.</summary>
    /// <param name="deliveryStreamName">Name of the stream, not its ARN.</param>
    /// <param name="records">They must not change until the call ends.</param>
    /// <param name="cancellationToken">Gives up the call.</param>
    /// <returns>The records that were not taken.</returns>
    /// <exception cref="AwsServiceException">The call failed as a whole.</exception>
    Task<IReadOnlyList<BatchEntryFailure>> PutRecordBatchAsync(string deliveryStreamName, IReadOnlyList<ReadOnlyMemory<byte>> records, CancellationToken cancellationToken);
}
