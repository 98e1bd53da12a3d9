using System.Text.Json;

namespace UdpGateway.Listeners;

/// <summary>Why a secret could not be read; each has a sentence of its own.</summary>
public enum SecretReadStatus
{
    Found,
    Missing,
    Deleted,
    AccessDenied,

    /// <summary>The secret may be read, but not be decrypted: its KMS key may not be used, or is disabled.</summary>
    KeyUnavailable,

    /// <summary>The secret exists but holds no 32-byte base64 key where the reference points.</summary>
    NotAKey,
}

/// <summary>The text of a secret with the reason when there is none. <see cref="ToString"/> never shows the text.</summary>
public readonly struct SecretText(SecretReadStatus status, string? value)
{
    public SecretReadStatus Status { get; } = status;

    /// <summary>The secret itself, present only when <see cref="Status"/> is <see cref="SecretReadStatus.Found"/>.</summary>
    public string? Value { get; } = value;

    /// <summary>What a reference with this JSON key takes from a SecretString; without a key, all of it.</summary>
    public static SecretText Select(string secretString, string? jsonKey)
    {
        if (jsonKey is null)
            return new SecretText(SecretReadStatus.Found, secretString);
        try
        {
            using var document = JsonDocument.Parse(secretString);
            return document.RootElement.ValueKind is JsonValueKind.Object
                && document.RootElement.TryGetProperty(jsonKey, out var value) && value.ValueKind is JsonValueKind.String
                    ? new SecretText(SecretReadStatus.Found, value.GetString())
                    : new SecretText(SecretReadStatus.NotAKey, null);
        }
        catch (JsonException)
        {
            // The message could quote the secret; the status says enough.
            return new SecretText(SecretReadStatus.NotAKey, null);
        }
    }

    public override string ToString() => $"secret ({Status})";
}

/// <summary>The stack and logical id of the listener that a secret of ours belongs to.</summary>
public readonly record struct SecretOwner(string StackId, string LogicalResourceId);

/// <summary>Secrets Manager in the cloud, files with mode 0600 in local mode.</summary>
public interface ISecretStore
{
    /// <summary>Reads what a reference points at: the whole SecretString, or the value of its JSON key.</summary>
    Task<SecretText> ReadAsync(SecretReference reference, CancellationToken cancellationToken);

    /// <summary>Creates or replaces a secret of ours: the JSON text of one listener generation.</summary>
    Task WriteAsync(string secretId, string value, CancellationToken cancellationToken);

    /// <summary>As the other, and notes whose it is where the store can keep that.</summary>
    Task WriteAsync(string secretId, string value, SecretOwner owner, CancellationToken cancellationToken) => WriteAsync(secretId, value, cancellationToken);

    /// <summary>Deletes a secret of ours; one that is already gone is no error.</summary>
    Task DeleteAsync(string secretId, CancellationToken cancellationToken);
}
