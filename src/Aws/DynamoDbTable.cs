using System.Text.Json;
using System.Text.Json.Nodes;

namespace UdpGateway.Aws;

/// <summary>What became of a conditional write.</summary>
/// <param name="Done">Whether all conditions held.</param>
/// <param name="MayBeRepetition">Whether an earlier attempt got no answer, so that it may be what the conditions met.</param>
internal readonly record struct WriteOutcome(bool Done, bool MayBeRepetition);

/// <summary>
/// One table with the keys <c>PK</c> and <c>SK</c>. Reads are strongly consistent. What fails for a moment (throttling, server
/// faults, broken connections, transactions in each other's way) is repeated until the caller's patience ends.
/// </summary>
/// <param name="patience">Null: until the caller cancels.</param>
internal sealed class DynamoDbTable(IDynamoDb dynamoDb, string name, TimeSpan? patience, TimeProvider time)
{
    /// <summary>DynamoDB's limit for an item, its attribute names included.</summary>
    public const int MaxItemBytes = 400 * 1024;

    public const string PartitionKey = "PK";
    public const string SortKey = "SK";

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);
    private static readonly string[] PassingReasons = ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded", "RequestLimitExceeded"];

    // Ticks that the service's clock is ahead of ours; replaced whole by each answer.
    private long _clockOffset;
    private volatile bool _clockIsKnown;

    public static JsonObject Key(string partition, string sort) =>
        new() { [PartitionKey] = DynamoDbAttribute.Text(partition), [SortKey] = DynamoDbAttribute.Text(sort) };

    public async Task<JsonObject?> GetAsync(string partition, string sort, CancellationToken cancellationToken)
    {
        var request = new JsonObject { ["TableName"] = name, ["Key"] = Key(partition, sort), ["ConsistentRead"] = true };
        var answer = await ReadAsync(dynamoDb.GetItemAsync, request, cancellationToken);
        return answer["Item"]?.AsObject();
    }

    /// <summary>All items of a partition whose sort key has the prefix, in the order of that key.</summary>
    public async Task<IReadOnlyList<JsonObject>> QueryAsync(string partition, string sortPrefix, CancellationToken cancellationToken)
    {
        var items = new List<JsonObject>();
        JsonNode? next = null;
        do
        {
            var values = new JsonObject { [":partition"] = DynamoDbAttribute.Text(partition) };
            var request = new JsonObject { ["TableName"] = name, ["ConsistentRead"] = true, ["KeyConditionExpression"] = "PK = :partition", ["ExpressionAttributeValues"] = values };
            if (sortPrefix.Length > 0)
            {
                request["KeyConditionExpression"] = "PK = :partition AND begins_with(SK, :prefix)";
                values[":prefix"] = DynamoDbAttribute.Text(sortPrefix);
            }

            if (next is not null)
                request["ExclusiveStartKey"] = next.DeepClone();
            var page = await ReadAsync(dynamoDb.QueryAsync, request, cancellationToken);
            items.AddRange(page["Items"]!.AsArray().Select(item => item!.AsObject()));
            next = page["LastEvaluatedKey"];
        }
        while (next is not null);
        return items;
    }

    public Task<WriteOutcome> PutAsync(JsonObject item, string? condition, JsonObject? values, CancellationToken cancellationToken) =>
        WriteAsync(dynamoDb.PutItemAsync, Conditional(new JsonObject { ["TableName"] = name, ["Item"] = item }, condition, values), cancellationToken);

    public Task<WriteOutcome> UpdateAsync(string partition, string sort, string update, string condition, JsonObject values, CancellationToken cancellationToken) =>
        WriteAsync(dynamoDb.UpdateItemAsync, Conditional(new JsonObject { ["TableName"] = name, ["Key"] = Key(partition, sort), ["UpdateExpression"] = update }, condition, values), cancellationToken);

    public Task<WriteOutcome> DeleteAsync(string partition, string sort, string? condition, JsonObject? values, CancellationToken cancellationToken) =>
        WriteAsync(dynamoDb.DeleteItemAsync, Conditional(new JsonObject { ["TableName"] = name, ["Key"] = Key(partition, sort) }, condition, values), cancellationToken);

    /// <summary>Raises a counter by one and returns what it then is. A lost answer may skip a number.</summary>
    public async Task<long> CountAsync(string partition, string sort, string attribute, CancellationToken cancellationToken)
    {
        var request = new JsonObject
        {
            ["TableName"] = name,
            ["Key"] = Key(partition, sort),
            ["UpdateExpression"] = $"ADD {attribute} :one",
            ["ExpressionAttributeValues"] = new JsonObject { [":one"] = DynamoDbAttribute.Number(1) },
            ["ReturnValues"] = "UPDATED_NEW",
        };
        var answer = await ReadAsync(dynamoDb.UpdateItemAsync, request, cancellationToken);
        return DynamoDbAttribute.NumberOf(answer["Attributes"]!.AsObject(), attribute);
    }

    /// <summary>All of the writes or none. Each is one of the API's, without its table.</summary>
    public Task<WriteOutcome> TransactAsync(IReadOnlyList<(string Operation, JsonObject Write)> writes, CancellationToken cancellationToken)
    {
        foreach (var (_, write) in writes)
            write["TableName"] = name;
        var request = new JsonObject
        {
            ["TransactItems"] = new JsonArray([.. writes.Select(write => (JsonNode)new JsonObject { [write.Operation] = write.Write })]),
            // Lets the service recognize a repetition within ten minutes.
            ["ClientRequestToken"] = Guid.NewGuid().ToString("N"),
        };
        return WriteAsync(dynamoDb.TransactWriteItemsAsync, request, cancellationToken);
    }

    /// <summary>The time by the service's clock, to about a second.</summary>
    public async Task<DateTimeOffset> GetTimeAsync(CancellationToken cancellationToken)
    {
        if (!_clockIsKnown)
            await GetAsync("clock", "clock", cancellationToken);
        return time.GetUtcNow().AddTicks(Interlocked.Read(ref _clockOffset));
    }

    public static JsonObject Conditional(JsonObject write, string? condition, JsonObject? values)
    {
        if (condition is not null)
            write["ConditionExpression"] = condition;
        if (values is not null)
            write["ExpressionAttributeValues"] = values;
        return write;
    }

    private async Task<JsonObject> ReadAsync(Func<JsonObject, CancellationToken, Task<DynamoDbAnswer>> call, JsonObject request, CancellationToken cancellationToken) =>
        (await RepeatAsync(call, request, cancellationToken)).Answer!;

    private async Task<WriteOutcome> WriteAsync(Func<JsonObject, CancellationToken, Task<DynamoDbAnswer>> call, JsonObject request, CancellationToken cancellationToken)
    {
        var (answer, isRepetition) = await RepeatAsync(call, request, cancellationToken);
        return new WriteOutcome(answer is not null, isRepetition);
    }

    /// <summary>No answer means that a condition does not hold.</summary>
    private async Task<(JsonObject? Answer, bool IsRepetition)> RepeatAsync(
        Func<JsonObject, CancellationToken, Task<DynamoDbAnswer>> call, JsonObject request, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        var pause = FirstPause;
        var isRepetition = false;
        while (true)
        {
            try
            {
                var answer = await call(request, cancellationToken);
                if (answer.Date is { } date)
                    SetClock(date);
                return (answer.Body, isRepetition);
            }
            catch (AwsServiceException refusal) when (refusal.ErrorCode == "ConditionalCheckFailedException" || ReasonsOf(refusal).Contains("ConditionalCheckFailed", StringComparer.Ordinal))
            {
                return (null, isRepetition);
            }
            catch (AwsServiceException failure) when (Passes(failure) && (patience is not { } limit || time.GetElapsedTime(started) + pause < limit))
            {
                isRepetition |= failure.Failure is AwsFailure.ServiceFault or AwsFailure.TimedOut or AwsFailure.ConnectionFailed;
            }

            // The jitter parts writers that met each other.
            await Task.Delay(pause * (0.5 + (Random.Shared.NextDouble() / 2)), time, cancellationToken);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    private void SetClock(DateTimeOffset serviceTime)
    {
        Interlocked.Exchange(ref _clockOffset, (serviceTime - time.GetUtcNow()).Ticks);
        _clockIsKnown = true;
    }

    private static bool Passes(AwsServiceException failure) =>
        failure.Failure is AwsFailure.Throttled or AwsFailure.ServiceFault or AwsFailure.TimedOut or AwsFailure.ConnectionFailed
        || failure.ErrorCode is "TransactionConflictException" or "TransactionInProgressException"
        || ReasonsOf(failure).Any(reason => PassingReasons.Contains(reason, StringComparer.Ordinal));

    private static IReadOnlyList<string> ReasonsOf(AwsServiceException failure)
    {
        if (failure.ErrorCode != "TransactionCanceledException")
            return [];
        using var body = JsonDocument.Parse(failure.Body);
        return [.. AwsJson.Items(body.RootElement, "CancellationReasons").Select(reason => AwsJson.Text(reason, "Code") ?? "None")];
    }
}
