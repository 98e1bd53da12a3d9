namespace UdpGateway.Aws;

/// <summary>The operations of Amazon DynamoDB that deliveries call, named after the API's own.</summary>
public interface IDynamoDb
{
    /// <exception cref="AwsServiceException">The call failed.</exception>
    Task<DynamoDbKeys> DescribeTableAsync(string tableName, CancellationToken cancellationToken);

    /// <summary>At most 25 items, with different keys. Not repeated on failure.</summary>
    /// <returns>The items that were not taken for lack of capacity.</returns>
    /// <exception cref="AwsServiceException">The call failed as a whole.</exception>
    Task<IReadOnlyList<BatchEntryFailure>> BatchWriteItemAsync(string tableName, DynamoDbKeys keys, IReadOnlyList<DynamoDbItem> items, CancellationToken cancellationToken);
}

/// <summary>The names of a table's key attributes.</summary>
/// <param name="SortKey">Null if the table has none.</param>
/// <param name="AreStrings">Whether each holds strings.</param>
public sealed record DynamoDbKeys(string PartitionKey, string? SortKey, bool AreStrings = true);

/// <param name="PartitionValue">Of the key attribute.</param>
/// <param name="SortValue">Of the key attribute, if the table has one.</param>
/// <param name="Attributes">All others as one JSON object, <c>{"Data":{"S":"…"}}</c>; it must not change until the call ends.</param>
public sealed record DynamoDbItem(string PartitionValue, string SortValue, ReadOnlyMemory<byte> Attributes);
