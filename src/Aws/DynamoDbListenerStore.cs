using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using UdpGateway.Listeners.Storage;

namespace UdpGateway.Aws;

/// <summary>The store of the cloud: one DynamoDB table, shared with <see cref="DynamoDbFleetStore"/>.</summary>
/// <remarks>
/// The table has the string keys <c>PK</c> and <c>SK</c>, and time to live on <c>ExpiresAt</c>. Its items:
/// <code>
/// PK                             SK                attributes
/// configuration                  #revision         CurrentRevision
/// configuration                  KIND#ID           RecordVersion, StackId, LogicalResourceId, Content (JSON), WriteId
/// events                         #sequence         LastSequence
/// events#STACK#LOGICALID         event#REQUESTID   EventSequence, Answer (bytes, once decided), ExpiresAt
/// ports#FLEET                    PORT              Claimant
/// orphans#FLEET                  WHAT              NotedAt
/// tasks#FLEET                    TASKID            Address, ServedRevision, Failures, IsDraining, ReportedAt, ExpiresAt
/// </code>
/// Every change of a record is one transaction with the revision, which it raises by one and takes as the record's version, so
/// that a version never comes twice. Polling the revision is one GetItem, the configuration one Query; nothing scans.
/// </remarks>
public sealed class DynamoDbListenerStore : IListenerStore
{
    private const string Configuration = "configuration";
    private const string RevisionKey = "#revision";
    private const string RevisionAttribute = "CurrentRevision";
    private const string VersionAttribute = "RecordVersion";
    private const string ContentAttribute = "Content";
    private const string WriteIdAttribute = "WriteId";
    private const string SequenceAttribute = "EventSequence";
    private const string AnswerAttribute = "Answer";

    // Lambda retries an event for up to six hours; what is older cannot come again.
    private static readonly TimeSpan RequestRetention = TimeSpan.FromHours(24);
    private static readonly string ListenerPrefix = KeyOf(typeof(ListenerRecord), string.Empty);
    private static readonly JsonWriterOptions Compact = new() { Indented = false };

    private readonly DynamoDbTable _table;
    private readonly TimeProvider _time;

    /// <param name="connection">As whom, and where; it outlives the store.</param>
    /// <param name="patience">How long what fails for a moment is repeated; null means until the caller cancels.</param>
    /// <param name="time">Decides only how long events are remembered and how long repetitions wait.</param>
    public DynamoDbListenerStore(AwsConnection connection, string tableName, TimeSpan? patience = null, TimeProvider? time = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(tableName);
        _time = time ?? TimeProvider.System;
        _table = new DynamoDbTable(new DynamoDbClient(connection), tableName, patience, _time);
    }

    /// <summary>
    /// Whether a configuration tells of listeners that cannot be read, rather than that reading it fails: for gateways, which may be older than the
    /// provider. Who cleans up must not take them for absent.
    /// </summary>
    public bool PassesOverUnreadable { get; init; }

    public async Task<long> ReadRevisionAsync(CancellationToken cancellationToken) =>
        await _table.GetAsync(Configuration, RevisionKey, cancellationToken) is { } item ? DynamoDbAttribute.NumberOf(item, RevisionAttribute) : 0;

    public async Task<ConfigurationSnapshot> ReadConfigurationAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var before = await ReadRevisionAsync(cancellationToken);
            var items = await _table.QueryAsync(Configuration, string.Empty, cancellationToken);
            // Pages are read one after another: without a change between them they are one state.
            if (await ReadRevisionAsync(cancellationToken) == before)
            {
                var unreadable = new List<UnreadableListener>();
                return new ConfigurationSnapshot(before, PassesOverUnreadable ? ReadableListeners(items, unreadable) : Records<ListenerRecord>(items))
                {
                    Unreadable = unreadable,
                    DestinationArns = Records<DestinationArnRecord>(items),
                    PacketSources = Records<PacketSourceRecord>(items),
                    Fleets = Records<FleetRecord>(items),
                };
            }
        }
    }

    public async Task<TRecord?> FindAsync<TRecord>(string physicalResourceId, CancellationToken cancellationToken)
        where TRecord : ResourceRecord =>
        await _table.GetAsync(Configuration, KeyOf(typeof(TRecord), physicalResourceId), cancellationToken) is { } item ? (TRecord)RecordOf(item) : null;

    public async Task<IReadOnlyList<TRecord>> FindByOwnerAsync<TRecord>(string stackId, string logicalResourceId, CancellationToken cancellationToken)
        where TRecord : ResourceRecord
    {
        var items = await _table.QueryAsync(Configuration, KeyOf(typeof(TRecord), string.Empty), cancellationToken);
        return [.. items
            .Where(item => DynamoDbAttribute.TextOf(item, "StackId") == stackId && DynamoDbAttribute.TextOf(item, "LogicalResourceId") == logicalResourceId)
            .Select(item => (TRecord)RecordOf(item))
            .OrderBy(record => record.CreatedBySequence)];
    }

    /// <exception cref="RecordTooLargeException">It does not fit into an item.</exception>
    public async Task<bool> TryWriteAsync(ResourceRecord record, long expectedVersion, CancellationToken cancellationToken)
    {
        var (key, writeId) = (KeyOf(record.GetType(), record.PhysicalResourceId), Guid.NewGuid().ToString("N"));
        while (true)
        {
            var revision = await ReadRevisionAsync(cancellationToken);
            var item = ItemOf(record with { Version = revision + 1 }, key, writeId);
            var put = expectedVersion == 0
                ? DynamoDbTable.Conditional(new JsonObject { ["Item"] = item }, "attribute_not_exists(PK)", null)
                : DynamoDbTable.Conditional(new JsonObject { ["Item"] = item }, $"{VersionAttribute} = :expected", new JsonObject { [":expected"] = DynamoDbAttribute.Number(expectedVersion) });
            if ((await _table.TransactAsync([Raise(revision), ("Put", put)], cancellationToken)).Done)
                return true;

            var stored = await _table.GetAsync(Configuration, key, cancellationToken);
            // An attempt whose answer was lost did take effect.
            if (stored is not null && DynamoDbAttribute.TextOf(stored, WriteIdAttribute) == writeId)
                return true;
            if (VersionOf(stored) != expectedVersion)
                return false;
        }
    }

    public void RequireRoom(ResourceRecord record) =>
        ItemOf(record with { Version = long.MaxValue }, KeyOf(record.GetType(), record.PhysicalResourceId), Guid.Empty.ToString("N"));

    public async Task<bool> TryDeleteAsync<TRecord>(string physicalResourceId, long expectedVersion, CancellationToken cancellationToken)
        where TRecord : ResourceRecord
    {
        var key = KeyOf(typeof(TRecord), physicalResourceId);
        var mayHaveDeleted = false;
        while (true)
        {
            var revision = await ReadRevisionAsync(cancellationToken);
            var delete = DynamoDbTable.Conditional(
                new JsonObject { ["Key"] = DynamoDbTable.Key(Configuration, key) }, $"{VersionAttribute} = :expected", new JsonObject { [":expected"] = DynamoDbAttribute.Number(expectedVersion) });
            var outcome = await _table.TransactAsync([Raise(revision), ("Delete", delete)], cancellationToken);
            if (outcome.Done)
                return true;

            mayHaveDeleted |= outcome.MayBeRepetition;
            var stored = await _table.GetAsync(Configuration, key, cancellationToken);
            if (stored is null)
                return mayHaveDeleted;
            if (VersionOf(stored) != expectedVersion)
                return false;
        }
    }

    public async Task<RequestState> BeginRequestAsync(RequestKey request, CancellationToken cancellationToken)
    {
        var (partition, sort) = KeyOf(request);
        while (true)
        {
            var events = await _table.QueryAsync(partition, string.Empty, cancellationToken);
            if (events.FirstOrDefault(item => DynamoDbAttribute.TextOf(item, DynamoDbTable.SortKey) == sort) is { } known)
            {
                var sequence = DynamoDbAttribute.NumberOf(known, SequenceAttribute);
                var isNewest = events.All(item => DynamoDbAttribute.NumberOf(item, SequenceAttribute) <= sequence);
                var answer = DynamoDbAttribute.OptionalBytesOf(known, AnswerAttribute);
                return new RequestState(sequence, isNewest, answer is null ? default(ReadOnlyMemory<byte>?) : answer);
            }

            var item = DynamoDbTable.Key(partition, sort);
            item[SequenceAttribute] = DynamoDbAttribute.Number(await _table.CountAsync("events", "#sequence", "LastSequence", cancellationToken));
            item["ExpiresAt"] = DynamoDbAttribute.Number((_time.GetUtcNow() + RequestRetention).ToUnixTimeSeconds());
            // Whoever notes the event first gives it its place; the next reading finds it, and what came meanwhile.
            await _table.PutAsync(item, "attribute_not_exists(PK)", null, cancellationToken);
        }
    }

    public async Task<ReadOnlyMemory<byte>> DecideAnswerAsync(RequestKey request, ReadOnlyMemory<byte> answer, CancellationToken cancellationToken)
    {
        var (partition, sort) = KeyOf(request);
        var outcome = await _table.UpdateAsync(
            partition, sort, $"SET {AnswerAttribute} = :answer", $"attribute_exists(PK) AND attribute_not_exists({AnswerAttribute})",
            new JsonObject { [":answer"] = DynamoDbAttribute.Bytes(answer.Span) }, cancellationToken);
        if (outcome.Done)
            return answer;
        var stored = await _table.GetAsync(partition, sort, cancellationToken)
            ?? throw new InvalidOperationException("An event is answered that never began.");
        return DynamoDbAttribute.OptionalBytesOf(stored, AnswerAttribute)
            ?? throw new InvalidDataException($"The event {request.RequestId} changed in the table while it was answered.");
    }

    private static (string Operation, JsonObject Write) Raise(long revision)
    {
        var update = new JsonObject { ["Key"] = DynamoDbTable.Key(Configuration, RevisionKey), ["UpdateExpression"] = $"SET {RevisionAttribute} = :next" };
        var condition = revision == 0 ? "attribute_not_exists(PK)" : $"{RevisionAttribute} = :current";
        var values = new JsonObject { [":next"] = DynamoDbAttribute.Number(revision + 1) };
        if (revision > 0)
            values[":current"] = DynamoDbAttribute.Number(revision);
        return ("Update", DynamoDbTable.Conditional(update, condition, values));
    }

    private static JsonObject ItemOf(ResourceRecord record, string key, string writeId)
    {
        var item = DynamoDbTable.Key(Configuration, key);
        item[VersionAttribute] = DynamoDbAttribute.Number(record.Version);
        item["StackId"] = DynamoDbAttribute.Text(record.StackId);
        item["LogicalResourceId"] = DynamoDbAttribute.Text(record.LogicalResourceId);
        item[ContentAttribute] = DynamoDbAttribute.Text(Serialize(record));
        item[WriteIdAttribute] = DynamoDbAttribute.Text(writeId);
        var size = DynamoDbAttribute.SizeOf(item);
        return size <= DynamoDbTable.MaxItemBytes ? item : throw new RecordTooLargeException(
            $"The resource {record.LogicalResourceId} takes {size:N0} bytes in the provider's table, which holds at most {DynamoDbTable.MaxItemBytes:N0} for one; declare fewer or shorter parts, or spread them over several resources.");
    }

    private static string Serialize(ResourceRecord record)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, Compact))
            JsonSerializer.Serialize(json, record, ListenerJson.Default.ResourceRecord);
        return Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length);
    }

    private static ResourceRecord RecordOf(JsonObject item)
    {
        try
        {
            return JsonSerializer.Deserialize(DynamoDbAttribute.TextOf(item, ContentAttribute), ListenerJson.Default.ResourceRecord) ?? throw new JsonException("It is null.");
        }
        catch (Exception exception) when (exception is JsonException or NotSupportedException)
        {
            throw new InvalidDataException($"The item {Configuration} / {DynamoDbAttribute.TextOf(item, DynamoDbTable.SortKey)} of the table cannot be read: it is damaged, or a newer version wrote it. Deploy that version again, or restore the item from a backup.", exception);
        }
    }

    private static IReadOnlyList<TRecord> Records<TRecord>(IReadOnlyList<JsonObject> items)
        where TRecord : ResourceRecord
    {
        var prefix = KeyOf(typeof(TRecord), string.Empty);
        return [.. items.Where(item => DynamoDbAttribute.TextOf(item, DynamoDbTable.SortKey).StartsWith(prefix, StringComparison.Ordinal)).Select(item => (TRecord)RecordOf(item))];
    }

    private static List<ListenerRecord> ReadableListeners(IReadOnlyList<JsonObject> items, List<UnreadableListener> unreadable)
    {
        var readable = new List<ListenerRecord>();
        foreach (var item in items)
        {
            var key = DynamoDbAttribute.TextOf(item, DynamoDbTable.SortKey);
            if (!key.StartsWith(ListenerPrefix, StringComparison.Ordinal))
                continue;
            try
            {
                readable.Add((ListenerRecord)RecordOf(item));
            }
            catch (InvalidDataException)
            {
                unreadable.Add(new UnreadableListener(key[ListenerPrefix.Length..], VersionOf(item), FleetOf(DynamoDbAttribute.TextOf(item, ContentAttribute))));
            }
        }

        return readable;
    }

    private static string? FleetOf(string content)
    {
        try
        {
            return JsonNode.Parse(content)?["Definition"]?["Fleet"]?.GetValue<string>();
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // Then it may be anybody's.
            return null;
        }
    }

    private static long VersionOf(JsonObject? item) => item is null ? 0 : DynamoDbAttribute.NumberOf(item, VersionAttribute);

    // ListenerRecord is kept under Listener#, as its discriminator says too.
    private static string KeyOf(Type kind, string physicalResourceId) => $"{kind.Name[..^"Record".Length]}#{physicalResourceId}";

    private static (string Partition, string Sort) KeyOf(RequestKey request) =>
        ($"events#{request.StackId}#{request.LogicalResourceId}", $"event#{request.RequestId}");
}
