using System.Text.Json.Nodes;

namespace UdpGateway.Aws;

/// <summary>The operations of Amazon DynamoDB that deliveries and the store call, named after the API's own.</summary>
public interface IDynamoDb
{
    /// <exception cref="AwsServiceException">The call failed.</exception>
    Task<DynamoDbKeys> DescribeTableAsync(string tableName, CancellationToken cancellationToken);

    /// <summary>At most 25 items, with different keys. Not repeated on failure.</summary>
    /// <returns>The items that were not taken for lack of capacity.</returns>
    /// <exception cref="AwsServiceException">The call failed as a whole.</exception>
    Task<IReadOnlyList<BatchEntryFailure>> BatchWriteItemAsync(string tableName, DynamoDbKeys keys, IReadOnlyList<DynamoDbItem> items, CancellationToken cancellationToken);

    /// <param name="request">As the API reference has it; so are those of the operations below. None is repeated on failure.</param>
    /// <exception cref="AwsServiceException">The call failed.</exception>
    Task<DynamoDbAnswer> GetItemAsync(JsonObject request, CancellationToken cancellationToken);

    /// <summary>One page.</summary>
    /// <exception cref="AwsServiceException">The call failed.</exception>
    Task<DynamoDbAnswer> QueryAsync(JsonObject request, CancellationToken cancellationToken);

    /// <exception cref="AwsServiceException">The call failed, or the condition does not hold: ConditionalCheckFailedException.</exception>
    Task<DynamoDbAnswer> PutItemAsync(JsonObject request, CancellationToken cancellationToken);

    /// <exception cref="AwsServiceException">The call failed, or the condition does not hold: ConditionalCheckFailedException.</exception>
    Task<DynamoDbAnswer> UpdateItemAsync(JsonObject request, CancellationToken cancellationToken);

    /// <exception cref="AwsServiceException">The call failed, or the condition does not hold: ConditionalCheckFailedException.</exception>
    Task<DynamoDbAnswer> DeleteItemAsync(JsonObject request, CancellationToken cancellationToken);

    /// <exception cref="AwsServiceException">The call failed, or was cancelled as a whole: TransactionCanceledException, with its reasons in the body.</exception>
    Task<DynamoDbAnswer> TransactWriteItemsAsync(JsonObject request, CancellationToken cancellationToken);
}

/// <param name="Body">As the API reference has it.</param>
/// <param name="Date">When the service answered, by its own clock, to the second.</param>
public sealed record DynamoDbAnswer(JsonObject Body, DateTimeOffset? Date);

/// <summary>The names of a table's key attributes.</summary>
/// <param name="SortKey">Null if the table has none.</param>
/// <param name="AreStrings">Whether each holds strings.</param>
public sealed record DynamoDbKeys(string PartitionKey, string? SortKey, bool AreStrings = true);

/// <param name="PartitionValue">Of the key attribute.</param>
/// <param name="SortValue">Of the key attribute, if the table has one.</param>
/// <param name="Attributes">All others as one JSON object, <c>{"Data":{"S":"…"}}</c>; it must not change until the call ends.</param>
public sealed record DynamoDbItem(string PartitionValue, string SortValue, ReadOnlyMemory<byte> Attributes);
