using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace UdpGateway.Aws;

/// <summary>Amazon DynamoDB over HTTPS, JSON protocol.</summary>
/// <remarks>Source: Amazon DynamoDB API Reference, version 2012-08-10.</remarks>
public sealed class DynamoDbClient(AwsConnection connection) : IDynamoDb
{
    private static readonly AwsService DynamoDb = new("DynamoDB", SigningName: "dynamodb", EndpointPrefix: "dynamodb");
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    private readonly IAwsTransport _transport = connection.Open(DynamoDb, AwsRetries.None, Timeout);

    public async Task<DynamoDbKeys> DescribeTableAsync(string tableName, CancellationToken cancellationToken)
    {
        var request = new DescribeTable
        {
            Method = HttpMethod.Post,
            Headers = AwsJson.Headers("DynamoDB_20120810.DescribeTable", "1.0"),
            Body = JsonSerializer.SerializeToUtf8Bytes(new { TableName = tableName }),
            RecordedAnswer = """{"Table":{"KeySchema":[{"AttributeName":"PK","KeyType":"HASH"},{"AttributeName":"SK","KeyType":"RANGE"}]}}"""u8.ToArray(),
        };

        var response = await _transport.SendAsync(request, cancellationToken);

        using var json = AwsJson.Parse(response, "DynamoDB DescribeTable");
        return json.RootElement.TryGetProperty("Table", out var table) && NameOf(table, "HASH") is { } partition
            ? new DynamoDbKeys(partition, NameOf(table, "RANGE"), AreStrings(table, partition, NameOf(table, "RANGE")))
            : throw AwsServiceException.FromAnswer("DynamoDB DescribeTable", response.HttpStatusCode, null, isThrottlingCode: false, "no key schema", null, null);
    }

    public async Task<IReadOnlyList<BatchEntryFailure>> BatchWriteItemAsync(string tableName, DynamoDbKeys keys, IReadOnlyList<DynamoDbItem> items, CancellationToken cancellationToken)
    {
        using var body = new PooledBuffer(items.Sum(item => item.Attributes.Length + 256));
        Write(body, tableName, keys, items);
        var request = new BatchWriteItem
        {
            Method = HttpMethod.Post,
            Headers = AwsJson.Headers("DynamoDB_20120810.BatchWriteItem", "1.0"),
            Body = body.WrittenMemory,
            Recorded = body.WrittenMemory,
        };

        var response = await _transport.SendAsync(request, cancellationToken);

        using var json = AwsJson.Parse(response, "DynamoDB BatchWriteItem");
        if (!json.RootElement.TryGetProperty("UnprocessedItems", out var tables) || tables.ValueKind != JsonValueKind.Object)
            return [];
        var unprocessed = AwsJson.Items(tables, tableName).Select(write => KeyOf(write, keys)).ToHashSet();
        return
        [
            .. items.Index()
                .Where(entry => unprocessed.Contains((entry.Item.PartitionValue, keys.SortKey is null ? null : entry.Item.SortValue)))
                .Select(entry => new BatchEntryFailure(entry.Index, "UnprocessedItems", IsTransient: true)),
        ];
    }

    public Task<DynamoDbAnswer> GetItemAsync(JsonObject request, CancellationToken cancellationToken) =>
        SendAsync(body => new GetItem { Method = HttpMethod.Post, Headers = Target("GetItem"), Body = body }, request, cancellationToken);

    public Task<DynamoDbAnswer> QueryAsync(JsonObject request, CancellationToken cancellationToken) =>
        SendAsync(body => new Query { Method = HttpMethod.Post, Headers = Target("Query"), Body = body }, request, cancellationToken);

    public Task<DynamoDbAnswer> PutItemAsync(JsonObject request, CancellationToken cancellationToken) =>
        SendAsync(body => new PutItem { Method = HttpMethod.Post, Headers = Target("PutItem"), Body = body }, request, cancellationToken);

    public Task<DynamoDbAnswer> UpdateItemAsync(JsonObject request, CancellationToken cancellationToken) =>
        SendAsync(body => new UpdateItem { Method = HttpMethod.Post, Headers = Target("UpdateItem"), Body = body }, request, cancellationToken);

    public Task<DynamoDbAnswer> DeleteItemAsync(JsonObject request, CancellationToken cancellationToken) =>
        SendAsync(body => new DeleteItem { Method = HttpMethod.Post, Headers = Target("DeleteItem"), Body = body }, request, cancellationToken);

    public Task<DynamoDbAnswer> TransactWriteItemsAsync(JsonObject request, CancellationToken cancellationToken) =>
        SendAsync(body => new TransactWriteItems { Method = HttpMethod.Post, Headers = Target("TransactWriteItems"), Body = body }, request, cancellationToken);

    private async Task<DynamoDbAnswer> SendAsync(Func<ReadOnlyMemory<byte>, AwsRequest> create, JsonObject body, CancellationToken cancellationToken)
    {
        var request = create(JsonSerializer.SerializeToUtf8Bytes<JsonNode>(body));
        var response = await _transport.SendAsync(request, cancellationToken);
        var operation = $"DynamoDB {request.GetType().Name}";
        using var json = AwsJson.Parse(response, operation);
        var date = DateTimeOffset.TryParse(response.Header("Date"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var parsed) ? parsed : default(DateTimeOffset?);
        return new DynamoDbAnswer(JsonObject.Create(json.RootElement.Clone())!, date);
    }

    private static List<KeyValuePair<string, string>> Target(string operation) => AwsJson.Headers($"DynamoDB_20120810.{operation}", "1.0");

    private static void Write(PooledBuffer body, string tableName, DynamoDbKeys keys, IReadOnlyList<DynamoDbItem> items)
    {
        using var writer = AwsJson.Writer(body);
        writer.WriteStartObject();
        writer.WriteStartObject("RequestItems");
        writer.WriteStartArray(tableName);
        foreach (var item in items)
        {
            writer.WriteStartObject();
            writer.WriteStartObject("PutRequest");
            writer.WriteStartObject("Item");
            WriteString(writer, keys.PartitionKey, item.PartitionValue);
            if (keys.SortKey is { } sortKey)
                WriteString(writer, sortKey, item.SortValue);
            using (var attributes = JsonDocument.Parse(item.Attributes))
            {
                foreach (var attribute in attributes.RootElement.EnumerateObject().Where(attribute => attribute.Name != keys.PartitionKey && attribute.Name != keys.SortKey))
                    attribute.WriteTo(writer);
            }

            writer.WriteEndObject();
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void WriteString(Utf8JsonWriter writer, string name, string value)
    {
        writer.WriteStartObject(name);
        writer.WriteString("S", value);
        writer.WriteEndObject();
    }

    private static string? NameOf(JsonElement table, string keyType) =>
        AwsJson.Items(table, "KeySchema").Where(key => AwsJson.Text(key, "KeyType") == keyType).Select(key => AwsJson.Text(key, "AttributeName")).FirstOrDefault();

    private static bool AreStrings(JsonElement table, string partitionKey, string? sortKey) =>
        AwsJson.Items(table, "AttributeDefinitions")
            .Where(attribute => AwsJson.Text(attribute, "AttributeName") is var name && (name == partitionKey || name == sortKey))
            .All(attribute => AwsJson.Text(attribute, "AttributeType") == "S");

    private static (string? Partition, string? Sort) KeyOf(JsonElement write, DynamoDbKeys keys)
    {
        if (!write.TryGetProperty("PutRequest", out var put) || !put.TryGetProperty("Item", out var item))
            return default;
        string? Value(string name) => item.TryGetProperty(name, out var value) ? AwsJson.Text(value, "S") : null;
        return (Value(keys.PartitionKey), keys.SortKey is { } sortKey ? Value(sortKey) : null);
    }

    private sealed class DescribeTable : AwsRequest;

    private sealed class BatchWriteItem : AwsRequest;

    private sealed class GetItem : AwsRequest;

    private sealed class Query : AwsRequest;

    private sealed class PutItem : AwsRequest;

    private sealed class UpdateItem : AwsRequest;

    private sealed class DeleteItem : AwsRequest;

    private sealed class TransactWriteItems : AwsRequest;
}
