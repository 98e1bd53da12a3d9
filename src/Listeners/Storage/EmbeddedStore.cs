using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace UdpGateway.Listeners.Storage;

/// <summary>
/// The store of local mode: a private directory with <c>resources.json</c>, <c>requests.json</c> and, apart from them,
/// <c>secrets/</c>. One process owns it at a time; within the process it may be used from any number of threads.
/// Each write is on disk before it is visible.
/// </summary>
public sealed class EmbeddedStore : IListenerStore, ISecretStore, IDisposable
{
    private const string ResourcesName = "resources.json";
    private const string RequestsName = "requests.json";

    // Lambda retries an event for up to six hours; what is older cannot come again.
    private static readonly TimeSpan RequestRetention = TimeSpan.FromHours(24);

    private readonly Lock _gate = new();
    private readonly PrivateDirectory _directory;
    private readonly PrivateDirectory _secrets;
    private readonly FileStream _ownership;
    private readonly TimeProvider _time;
    private Dictionary<ResourceKey, ResourceRecord> _records;
    private Dictionary<RequestKey, RequestEntry> _requests;
    private long _revision;
    private long _sequence;

    /// <param name="directory">Created when missing.</param>
    /// <param name="time">Decides only how long answers are remembered.</param>
    /// <exception cref="EmbeddedStoreException">The directory is in use or unusable, or a file in it is damaged.</exception>
    public EmbeddedStore(string directory, TimeProvider? time = null)
    {
        _time = time ?? TimeProvider.System;
        _directory = new PrivateDirectory(Path.GetFullPath(directory));
        _secrets = new PrivateDirectory(_directory.PathOf("secrets"));
        _ownership = _directory.Lock();
        try
        {
            _directory.DeleteTemporaryFiles();
            _secrets.DeleteTemporaryFiles();
            var resources = Load(ResourcesName, EmbeddedStoreJson.Default.ResourcesFile) ?? new ResourcesFile(0, []);
            var requests = Load(RequestsName, EmbeddedStoreJson.Default.RequestsFile) ?? new RequestsFile(0, []);
            _records = resources.Resources.ToDictionary(KeyOf);
            _requests = requests.Requests.ToDictionary(entry => entry.Key);
            _revision = resources.Revision;
            _sequence = requests.Sequence;
        }
        catch
        {
            _ownership.Dispose();
            throw;
        }
    }

    public Task<long> ReadRevisionAsync(CancellationToken cancellationToken) => Task.FromResult(Interlocked.Read(ref _revision));

    public Task<ConfigurationSnapshot> ReadConfigurationAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            var snapshot = new ConfigurationSnapshot(_revision, Records<ListenerRecord>())
            {
                DestinationArns = Records<DestinationArnRecord>(),
                PacketSources = Records<PacketSourceRecord>(),
                Fleets = Records<FleetRecord>(),
            };
            return Task.FromResult(snapshot);
        }
    }

    public Task<TRecord?> FindAsync<TRecord>(string physicalResourceId, CancellationToken cancellationToken)
        where TRecord : ResourceRecord
    {
        lock (_gate)
            return Task.FromResult((TRecord?)_records.GetValueOrDefault(new ResourceKey(typeof(TRecord), physicalResourceId)));
    }

    public Task<IReadOnlyList<TRecord>> FindByOwnerAsync<TRecord>(string stackId, string logicalResourceId, CancellationToken cancellationToken)
        where TRecord : ResourceRecord
    {
        lock (_gate)
        {
            IReadOnlyList<TRecord> owned = [.. _records.Values.OfType<TRecord>()
                .Where(record => record.StackId == stackId && record.LogicalResourceId == logicalResourceId)
                .OrderBy(record => record.CreatedBySequence)];
            return Task.FromResult(owned);
        }
    }

    public Task<bool> TryWriteAsync(ResourceRecord record, long expectedVersion, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if ((_records.GetValueOrDefault(KeyOf(record))?.Version ?? 0) != expectedVersion)
                return Task.FromResult(false);
            var changed = new Dictionary<ResourceKey, ResourceRecord>(_records)
            {
                [KeyOf(record)] = record with { Version = _revision + 1 },
            };
            Commit(changed);
            return Task.FromResult(true);
        }
    }

    public Task<bool> TryDeleteAsync<TRecord>(string physicalResourceId, long expectedVersion, CancellationToken cancellationToken)
        where TRecord : ResourceRecord
    {
        lock (_gate)
        {
            var key = new ResourceKey(typeof(TRecord), physicalResourceId);
            if (_records.GetValueOrDefault(key)?.Version != expectedVersion)
                return Task.FromResult(false);
            var changed = new Dictionary<ResourceKey, ResourceRecord>(_records);
            changed.Remove(key);
            Commit(changed);
            return Task.FromResult(true);
        }
    }

    public Task<RequestState> BeginRequestAsync(RequestKey request, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (!_requests.TryGetValue(request, out var entry))
            {
                entry = new RequestEntry(request.StackId, request.LogicalResourceId, request.RequestId, _sequence + 1, _time.GetUtcNow(), null);
                Commit(entry);
            }

            var isNewest = !_requests.Values.Any(other =>
                other.StackId == request.StackId && other.LogicalResourceId == request.LogicalResourceId && other.Sequence > entry.Sequence);
            return Task.FromResult(new RequestState(entry.Sequence, isNewest, entry.Answer is { } answer ? new ReadOnlyMemory<byte>(answer) : default(ReadOnlyMemory<byte>?)));
        }
    }

    public Task<ReadOnlyMemory<byte>> DecideAnswerAsync(RequestKey request, ReadOnlyMemory<byte> answer, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_requests.GetValueOrDefault(request) is not { } entry)
                throw new InvalidOperationException("An event is answered that never began.");
            if (entry.Answer is { } decided)
                return Task.FromResult<ReadOnlyMemory<byte>>(decided);
            Commit(entry with { Answer = answer.ToArray() });
            return Task.FromResult(answer);
        }
    }

    /// <remarks>Only the current version of a secret is kept: another stage or a pinned version is missing.</remarks>
    public Task<SecretText> ReadAsync(SecretReference reference, CancellationToken cancellationToken)
    {
        byte[]? content = null;
        if (reference.VersionStage is null or "AWSCURRENT" && reference.VersionId is null)
        {
            lock (_gate)
                content = Candidates(reference.SecretId).Select(id => _secrets.Read(FileNameOf(id))).FirstOrDefault(found => found is not null);
        }

        if (content is null)
            return Task.FromResult(new SecretText(SecretReadStatus.Missing, null));
        var text = Encoding.UTF8.GetString(content);
        CryptographicOperations.ZeroMemory(content);
        return Task.FromResult(SecretText.Select(text, reference.JsonKey));
    }

    public Task WriteAsync(string secretId, string value, CancellationToken cancellationToken)
    {
        var content = Encoding.UTF8.GetBytes(value);
        lock (_gate)
            _secrets.Replace(FileNameOf(secretId), content);
        CryptographicOperations.ZeroMemory(content);
        return Task.CompletedTask;
    }

    public Task DeleteAsync(string secretId, CancellationToken cancellationToken)
    {
        lock (_gate)
            _secrets.Delete(FileNameOf(secretId));
        return Task.CompletedTask;
    }

    public void Dispose() => _ownership.Dispose();

    // The file first: an exception leaves memory and disk as they were.
    private void Commit(Dictionary<ResourceKey, ResourceRecord> records)
    {
        var revision = _revision + 1;
        var file = new ResourcesFile(revision, [.. records.Values.OrderBy(record => record.GetType().Name, StringComparer.Ordinal).ThenBy(record => record.PhysicalResourceId, StringComparer.Ordinal)]);
        _directory.Replace(ResourcesName, JsonSerializer.SerializeToUtf8Bytes(file, EmbeddedStoreJson.Default.ResourcesFile));
        _records = records;
        Interlocked.Exchange(ref _revision, revision);
    }

    private void Commit(RequestEntry entry)
    {
        var oldest = _time.GetUtcNow() - RequestRetention;
        var requests = _requests.Values.Where(kept => kept.FirstSeen >= oldest && kept.Key != entry.Key).Append(entry).ToDictionary(kept => kept.Key);
        var sequence = Math.Max(_sequence, entry.Sequence);
        var file = new RequestsFile(sequence, [.. requests.Values.OrderBy(kept => kept.Sequence)]);
        _directory.Replace(RequestsName, JsonSerializer.SerializeToUtf8Bytes(file, EmbeddedStoreJson.Default.RequestsFile));
        _requests = requests;
        _sequence = sequence;
    }

    private static ResourceKey KeyOf(ResourceRecord record) => new(record.GetType(), record.PhysicalResourceId);

    private IReadOnlyList<TRecord> Records<TRecord>()
        where TRecord : ResourceRecord => [.. _records.Values.OfType<TRecord>().OrderBy(record => record.PhysicalResourceId, StringComparer.Ordinal)];

    private T? Load<T>(string name, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            if (_directory.Read(name) is not { } content)
                return null;
            return JsonSerializer.Deserialize(content, type) ?? throw new JsonException("The file holds no object.");
        }
        catch (Exception exception) when (exception is JsonException or NotSupportedException)
        {
            throw new EmbeddedStoreException($"{_directory.PathOf(name)} is damaged and cannot be read; restore it, or delete the directory to start anew (this makes new keys and ports).", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new EmbeddedStoreException($"{_directory.PathOf(name)} cannot be read: {exception.Message}", exception);
        }
    }

    // A template's reference may give the ARN of a secret that is kept under its name; an ARN ends in six random characters.
    private static IEnumerable<string> Candidates(string secretId)
    {
        yield return secretId;
        if (Arn.TryParse(secretId, out var arn) && arn.Resource.StartsWith("secret:", StringComparison.Ordinal))
        {
            var name = arn.Resource["secret:".Length..];
            yield return name;
            if (name.Length > 7 && name[^7] == '-')
                yield return name[..^7];
        }
    }

    // Readable for people, unambiguous by the digest also where the file system ignores case.
    private static string FileNameOf(string secretId)
    {
        var readable = new string([.. secretId.Take(60).Select(character => char.IsAsciiLetterOrDigit(character) || character is '-' or '_' ? character : '_')]);
        return $"{readable}.{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(secretId)), 0, 8)}.secret";
    }

    private readonly record struct ResourceKey(Type Kind, string PhysicalResourceId);
}
