using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;
using UdpGateway.Aws;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;
using UdpGateway.WireGuard;

namespace UdpGateway.Provider.Resources;

/// <summary>What a generation keeps in its secret, as far as its record may know.</summary>
/// <param name="SecretId">Null for a listener that never spoke WireGuard.</param>
/// <param name="IsNew">Written for this attempt; whoever loses the race for the record deletes it again.</param>
internal readonly record struct ListenerKeys(string? SecretId, string? PublicKey, bool IsNew)
{
    /// <summary>32 bytes in base64.</summary>
    public const int PublicKeyLength = 44;
}

/// <summary>
/// The JSON secret of a listener generation: its private keys and the literal pre-shared keys. A change makes a new secret
/// with the same private key instead of editing the old one, so that record and secret always fit together.
/// </summary>
internal sealed class ListenerSecrets(ISecretStore store, TimeProvider time)
{
    /// <summary>In bytes. Source: Secrets Manager User Guide, "AWS Secrets Manager quotas".</summary>
    private const int MaxSecretSize = 65_536;

    /// <summary>Another name each time, of the same length.</summary>
    public static string NewId(string physicalResourceId) => $"{ListenerSecretNames.IdPrefix}{physicalResourceId}-{RandomNumberGenerator.GetHexString(16, lowercase: true)}";

    /// <summary>Reads every referenced key once, so that a mistake shows at deployment and not at the first handshake.</summary>
    /// <exception cref="RequestRefusedException">All references that give no key.</exception>
    public async Task CheckReferencesAsync(ListenerDefinition definition, CancellationToken cancellationToken)
    {
        var references = definition.Peers
            .Select((peer, index) => (Path: $"Peers[{index}].SharedSecret", Source: peer.SharedSecret))
            .Prepend((Path: nameof(ListenerDefinition.PrivateKey), Source: (KeySource?)definition.PrivateKey))
            .Prepend((Path: nameof(ListenerDefinition.UnknownPeerPreSharedKey), Source: definition.UnknownPeerPreSharedKey));
        var problems = new List<string>();
        foreach (var (path, source) in references)
        {
            if (source is SecretReference reference && (await ReadReferenceAsync(reference, CommandFor(path), cancellationToken)).Fault is { } fault)
                problems.Add($"{path}: {fault}");
        }

        if (problems.Count > 0)
            throw new RequestRefusedException(string.Join(" ", problems));
    }

    /// <summary>Finds or makes the secret that this definition needs.</summary>
    /// <param name="current">The generation's record; null for a new generation.</param>
    public async Task<ListenerKeys> PrepareAsync(
        string physicalResourceId, SecretOwner owner, ListenerRecord? current, ListenerDefinition definition, IReadOnlyDictionary<string, KeyText> literals, CancellationToken cancellationToken)
    {
        if (definition.Protocol is not ListenerProtocol.WireGuard)
            return new ListenerKeys(current?.SecretId, null, IsNew: false);

        var existing = current?.SecretId is { } secretId ? await ReadOwnAsync(secretId, cancellationToken) : null;
        var imported = definition.PrivateKey is { } reference ? await ImportAsync(reference, cancellationToken) : null;
        var keys = existing is null
            ? new ListenerKeyHistory(new ListenerPrivateKey(imported ?? GeneratePrivateKey(), definition.KeyRotationToken, imported is not null))
            : ListenerKeyHistory.Parse(existing).Follow(definition, imported, GeneratePrivateKey, time.GetUtcNow());
        var content = Serialize(keys, literals);
        var publicKey = PublicKeyOf(keys.Current.Base64);
        if (content == existing)
            return new ListenerKeys(current!.SecretId, publicKey, IsNew: false);

        if (content.Length > MaxSecretSize)
            throw new RequestRefusedException($"Peers have so many keys as SharedSecret that the listener's secret would take {content.Length:N0} bytes, and Secrets Manager holds at most {MaxSecretSize:N0} in one; give some of them as {{{{resolve:secretsmanager:…}}}} references, or spread the peers over several listeners.");

        var newId = NewId(physicalResourceId);
        await store.WriteAsync(newId, content, owner, cancellationToken);
        return new ListenerKeys(newId, publicKey, IsNew: true);
    }

    public Task DeleteAsync(string secretId, CancellationToken cancellationToken) => store.DeleteAsync(secretId, cancellationToken);

    private async Task<string> ImportAsync(SecretReference reference, CancellationToken cancellationToken)
    {
        var (key, fault) = await ReadReferenceAsync(reference, CommandFor(nameof(ListenerDefinition.PrivateKey)), cancellationToken);
        return key?.Base64 ?? throw new RequestRefusedException($"{nameof(ListenerDefinition.PrivateKey)}: {fault}");
    }

    private static string CommandFor(string path) => path == nameof(ListenerDefinition.PrivateKey) ? "`udpgw keys new`" : "`udpgw keys psk`";

    private async Task<(KeyText? Key, string? Fault)> ReadReferenceAsync(SecretReference reference, string command, CancellationToken cancellationToken)
    {
        SecretText secret;
        try
        {
            secret = await store.ReadAsync(reference, cancellationToken);
        }
        catch (AwsServiceException refusal) when (refusal.Failure is AwsFailure.Refused)
        {
            return (null, $"the secret {reference.SecretId} cannot be read: {RepeatedSteps.Sentence(refusal)}");
        }

        KeyText? key = null;
        var fault = secret.Status switch
        {
            SecretReadStatus.Missing => $"the secret {reference.SecretId} does not exist, or not in the version that the reference names.",
            SecretReadStatus.Deleted => $"the secret {reference.SecretId} is scheduled for deletion; restore it or name another one.",
            SecretReadStatus.AccessDenied => $"the provider may not read the secret {reference.SecretId}; add it to the provider stack's SecretArns.",
            SecretReadStatus.KeyUnavailable => $"the secret {reference.SecretId} cannot be decrypted; allow the provider kms:Decrypt on the secret's KMS key, and see that the key is enabled (a secret of another account needs a key that is not the account's default one).",
            SecretReadStatus.Found when KeyText.TryParse(secret.Value!, out key) is var parsed => parsed switch
            {
                KeyTextFault.None => null,
                KeyTextFault.AllZero => $"the secret {reference.SecretId} holds the all-zero key, which is no key at all; {command} makes one.",
                _ => NotAKey(reference, command),
            },
            _ => NotAKey(reference, command),
        };
        return (key, fault);
    }

    private static string NotAKey(SecretReference reference, string command) => reference.JsonKey is { } jsonKey
        ? $"the secret {reference.SecretId} holds no base64 key of 32 bytes under its JSON key {jsonKey}; {command} makes one."
        : $"the secret {reference.SecretId} holds no base64 key of 32 bytes; {command} makes one.";

    private async Task<string> ReadOwnAsync(string secretId, CancellationToken cancellationToken)
    {
        var secret = await store.ReadAsync(new SecretReference(secretId), cancellationToken);
        return secret.Value ?? throw new RequestRefusedException(
            $"The listener's own secret {secretId} cannot be read ({secret.Status}); restore it, because its clients know the key in it.");
    }

    private static string Serialize(ListenerKeyHistory keys, IReadOnlyDictionary<string, KeyText> literals)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            keys.Write(json);
            foreach (var (field, key) in literals.OrderBy(literal => literal.Key, StringComparer.Ordinal))
                json.WriteString(field, key.Base64);
            json.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length);
    }

    private static string GeneratePrivateKey()
    {
        Span<byte> privateKey = stackalloc byte[KeyText.KeySize];
        WireGuardKeys.GeneratePrivateKey(privateKey);
        var text = Convert.ToBase64String(privateKey);
        CryptographicOperations.ZeroMemory(privateKey);
        return text;
    }

    private static string PublicKeyOf(string privateKeyText)
    {
        Span<byte> privateKey = stackalloc byte[Base64.GetMaxDecodedFromUtf8Length(privateKeyText.Length)];
        Span<byte> publicKey = stackalloc byte[KeyText.KeySize];
        Convert.TryFromBase64String(privateKeyText, privateKey, out var length);
        WireGuardKeys.ComputePublicKey(privateKey[..length], publicKey);
        CryptographicOperations.ZeroMemory(privateKey);
        return Convert.ToBase64String(publicKey);
    }
}
