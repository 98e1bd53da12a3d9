using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;
using UdpGateway.WireGuard;

namespace UdpGateway.Gateway.Tunnels;

/// <summary>
/// The keys of one WireGuard listener: its own from the listener's secret, during a rotation's grace period also the one before it,
/// and pre-shared keys from there or from
/// references, which are read again so that a rotation takes effect. A pre-shared key that cannot be read refuses its
/// peers; it never becomes the zero key.
/// </summary>
internal sealed partial class TunnelKeyring(ISecretStore secrets, GatewayClock clock, TimeSpan grace, ILogger<TunnelKeyring> logger)
{
    /// <summary>References that are read at a time: whoever waits for a change of a listener with many must not wait for one after the other.</summary>
    private const int ParallelReads = 8;

    // Members of the own secret that are no keys.
    private static readonly string[] Remarks =
    [
        ListenerSecretNames.RotationToken, ListenerSecretNames.Imported, ListenerSecretNames.FormerRotationToken,
        ListenerSecretNames.FormerImported, ListenerSecretNames.RotatedAt,
    ];

    private readonly Dictionary<SecretReference, ReferencedKey> _references = [];
    private ListenerRecord? _record;
    private SecretKey? _privateKey;
    private FormerKey? _formerKey;
    private Dictionary<string, SecretKey> _literals = [];

    /// <summary>Reads everything that the record names.</summary>
    /// <exception cref="ListenerNotServedException">The listener's own key cannot be read.</exception>
    public async Task<TunnelConfiguration> LoadAsync(ListenerRecord record, CancellationToken cancellationToken)
    {
        var (privateKey, formerKey, literals) = await ReadOwnSecretAsync(record, cancellationToken);
        _record = record;
        _privateKey = privateKey;
        _formerKey = formerKey;
        _literals = literals;
        await ReadReferencesAsync(cancellationToken);
        return Describe();
    }

    /// <summary>Reads references again, and drops the former key when its time is over; null when nothing changed.</summary>
    public async Task<TunnelConfiguration?> RefreshAsync(CancellationToken cancellationToken)
    {
        if (_record is null)
            return null;
        var isOver = _formerKey is not null && !IsAccepted(_formerKey);
        if (isOver)
            _formerKey = null;
        return await ReadReferencesAsync(cancellationToken) || isOver ? Describe() : null;
    }

    private TunnelConfiguration Describe()
    {
        var definition = _record!.Definition;
        return new TunnelConfiguration
        {
            TunnelId = 0, // one tunnel per port
            PrivateKeys = _formerKey is null ? [_privateKey!] : [_privateKey!, _formerKey.Key],
            Peers = [.. definition.Peers.Select(peer => new NamedPeer
            {
                PublicKey = Convert.FromBase64String(peer.PublicKey),
                PresharedKey = Resolve(peer.SharedSecret),
                AllowedIPs = peer.AllowedIPs,
            })],
            AllowUnknownPeers = definition.AllowUnknownPeers,
            UnknownPeerPresharedKey = Resolve(definition.UnknownPeerPreSharedKey),
        };
    }

    private PresharedKey Resolve(KeySource? source) => source switch
    {
        null => PresharedKey.None,
        ListenerSecretField literal => _literals.TryGetValue(literal.Field, out var key) ? new PresharedKey(key) : PresharedKey.Unavailable,
        SecretReference reference => _references.TryGetValue(reference, out var key) ? key.ToPresharedKey() : PresharedKey.Unavailable,
        _ => PresharedKey.Unavailable,
    };

    private bool IsAccepted(FormerKey key) => DateTimeOffset.FromUnixTimeMilliseconds(clock.UnixMilliseconds) < key.Until;

    private async Task<(SecretKey PrivateKey, FormerKey? FormerKey, Dictionary<string, SecretKey> Literals)> ReadOwnSecretAsync(ListenerRecord record, CancellationToken cancellationToken)
    {
        if (record.SecretId is null)
            throw new ListenerNotServedException($"Listener {record.PhysicalResourceId} has no secret with its private key.");
        var secret = await secrets.ReadAsync(new SecretReference(record.SecretId), cancellationToken);
        if (secret.Status != SecretReadStatus.Found)
            throw new ListenerNotServedException($"The secret with the private key of listener {record.PhysicalResourceId} cannot be read ({secret.Status}).");

        var keys = TryParse(secret.Value!, record.PhysicalResourceId)
            ?? throw new ListenerNotServedException($"The secret of listener {record.PhysicalResourceId} is no JSON object.");
        if (!keys.Remove(ListenerSecretNames.PrivateKey, out var privateKey))
            throw new ListenerNotServedException($"The secret of listener {record.PhysicalResourceId} holds no private key of 32 bytes.");
        CheckPublicKey(record, privateKey);
        var former = keys.Remove(ListenerSecretNames.FormerPrivateKey, out var formerKey)
            && DateTimeOffset.TryParse(SecretText.Select(secret.Value!, ListenerSecretNames.RotatedAt).Value, CultureInfo.InvariantCulture, out var rotatedAt)
                ? new FormerKey(formerKey, rotatedAt + grace)
                : null;
        return (privateKey, former is not null && IsAccepted(former) ? former : null, keys);
    }

    /// <summary>Null when it is no JSON object. What the parser says is not passed on: it may quote the secret.</summary>
    private Dictionary<string, SecretKey>? TryParse(string json, string listener)
    {
        var keys = new Dictionary<string, SecretKey>(StringComparer.Ordinal);
        try
        {
            using var document = JsonDocument.Parse(json);
            foreach (var field in document.RootElement.EnumerateObject().Where(field => !Remarks.Contains(field.Name, StringComparer.Ordinal)))
            {
                if (field.Value.ValueKind == JsonValueKind.String && TryReadKey(field.Value.GetString()!, out var key))
                    keys[field.Name] = key;
                else
                    Log.NotAKey(logger, listener, field.Name);
            }

            return keys;
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static void CheckPublicKey(ListenerRecord record, SecretKey privateKey)
    {
        Span<byte> publicKey = stackalloc byte[SecretKey.Size];
        WireGuardKeys.ComputePublicKey(privateKey.Bytes, publicKey);
        if (record.WireGuardPublicKey is { } declared && declared != Convert.ToBase64String(publicKey))
            throw new ListenerNotServedException($"The private key of listener {record.PhysicalResourceId} does not belong to its public key {declared}.");
    }

    /// <summary>True when any key changed, became readable, or stopped being so.</summary>
    private async Task<bool> ReadReferencesAsync(CancellationToken cancellationToken)
    {
        var definition = _record!.Definition;
        var wanted = definition.Peers.Select(peer => peer.SharedSecret)
            .Append(definition.UnknownPeerPreSharedKey)
            .OfType<SecretReference>()
            .ToHashSet();
        var changes = 0;
        foreach (var forgotten in _references.Keys.Except(wanted).ToList())
            changes += _references.Remove(forgotten) ? 1 : 0;
        foreach (var reference in wanted)
            _references.TryAdd(reference, new ReferencedKey());
        var options = new ParallelOptions { MaxDegreeOfParallelism = ParallelReads, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(_references, options, async (entry, token) =>
        {
            if (await ReadReferenceAsync(entry.Key, entry.Value, token))
                Interlocked.Increment(ref changes);
        });
        return changes > 0;
    }

    private async Task<bool> ReadReferenceAsync(SecretReference reference, ReferencedKey key, CancellationToken cancellationToken)
    {
        if (reference.VersionId is not null && key.IsReadable)
            return false; // a pinned version never changes

        SecretText secret;
        try
        {
            secret = await secrets.ReadAsync(reference, cancellationToken);
        }
        catch (Exception fault) when (fault is not OperationCanceledException)
        {
            // The store cannot be reached: that says nothing about the key, which stays as it was.
            Log.StoreUnreachable(logger, reference.SecretId, fault.GetType().Name);
            return false;
        }

        if (secret.Status == SecretReadStatus.Found && TryReadKey(secret.Value!, out var current))
            return key.Replace(current, clock.Now + grace, grace > TimeSpan.Zero);
        var status = secret.Status == SecretReadStatus.Found ? SecretReadStatus.NotAKey : secret.Status;
        if (!key.MakeUnavailable(status))
            return false;
        Log.Unreadable(logger, _record!.PhysicalResourceId, reference.SecretId, status);
        return true;
    }

    private static bool TryReadKey(string text, out SecretKey key)
    {
        key = null!;
        if (KeyText.TryParse(text, out var base64) != KeyTextFault.None)
            return false;
        Span<byte> bytes = stackalloc byte[SecretKey.Size];
        if (!Convert.TryFromBase64String(base64!.Base64, bytes, out _))
            return false;
        key = new SecretKey(bytes);
        CryptographicOperations.ZeroMemory(bytes);
        return true;
    }

    /// <summary>The listener's key before its newest rotation.</summary>
    private sealed record FormerKey(SecretKey Key, DateTimeOffset Until);

    /// <summary>One reference's newest key and the one before it.</summary>
    private sealed class ReferencedKey
    {
        private SecretKey? _current;
        private SecretKey? _previous;
        private TimeSpan _previousUntil;
        private SecretReadStatus? _status;

        public bool IsReadable => _status == SecretReadStatus.Found;

        public PresharedKey ToPresharedKey() =>
            !IsReadable ? PresharedKey.Unavailable
            : _previous is null ? new PresharedKey(_current!)
            : new PresharedKey(_current!, _previous, _previousUntil);

        public bool Replace(SecretKey key, TimeSpan previousUntil, bool keepPrevious)
        {
            var wasReadable = IsReadable;
            _status = SecretReadStatus.Found;
            if (_current is not null && CryptographicOperations.FixedTimeEquals(_current.Bytes, key.Bytes))
            {
                key.Dispose();
                return !wasReadable;
            }

            _previous = keepPrevious ? _current : null;
            _previousUntil = previousUntil;
            _current = key;
            return true;
        }

        public bool MakeUnavailable(SecretReadStatus status)
        {
            var changed = _status != status;
            _status = status;
            return changed;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1301, LogLevel.Warning, "Listener {Listener}: the pre-shared key in secret {SecretId} cannot be read ({Status}); its peers are refused")]
        public static partial void Unreadable(ILogger logger, string listener, string secretId, SecretReadStatus status);

        [LoggerMessage(1302, LogLevel.Warning, "Secret {SecretId} cannot be read now ({Fault}); the key stays as it was")]
        public static partial void StoreUnreachable(ILogger logger, string secretId, string fault);

        [LoggerMessage(1303, LogLevel.Warning, "Listener {Listener}: field {Field} of its secret is no key of 32 bytes")]
        public static partial void NotAKey(ILogger logger, string listener, string field);
    }
}
