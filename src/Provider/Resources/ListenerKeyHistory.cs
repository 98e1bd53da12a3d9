using System.Globalization;
using System.Text.Json;
using UdpGateway.Listeners;

namespace UdpGateway.Provider.Resources;

/// <summary>A listener's private key and where it came from. <see cref="ToString"/> never shows it.</summary>
internal sealed class ListenerPrivateKey(string base64, string? rotationToken, bool isImported)
{
    public string Base64 { get; } = base64;

    public string? RotationToken { get; } = rotationToken;

    public bool IsImported { get; } = isImported;

    public override string ToString() => nameof(ListenerPrivateKey);
}

/// <summary>
/// The private keys of a listener generation: the current one, and the one before the newest rotation. The former one is kept so
/// that a rollback, which declares the former properties, brings it back.
/// </summary>
internal sealed class ListenerKeyHistory(ListenerPrivateKey current, ListenerPrivateKey? former = null, DateTimeOffset? rotatedAt = null)
{
    public ListenerPrivateKey Current => current;

    /// <exception cref="RequestRefusedException">It holds no private key.</exception>
    public static ListenerKeyHistory Parse(string secretString)
    {
        var key = Key(ListenerSecretNames.PrivateKey, ListenerSecretNames.RotationToken, ListenerSecretNames.Imported)
            ?? throw new RequestRefusedException("The listener's own secret holds no private key; restore its former version, because its clients know the key in it.");
        var rotated = DateTimeOffset.TryParse(Text(ListenerSecretNames.RotatedAt), CultureInfo.InvariantCulture, out var time) ? time : default(DateTimeOffset?);
        return new ListenerKeyHistory(key, Key(ListenerSecretNames.FormerPrivateKey, ListenerSecretNames.FormerRotationToken, ListenerSecretNames.FormerImported), rotated);

        string? Text(string name) => SecretText.Select(secretString, name).Value;

        ListenerPrivateKey? Key(string name, string token, string imported) => Text(name) is { } text && KeyText.TryParse(text, out var parsed) is KeyTextFault.None
            ? new ListenerPrivateKey(parsed!.Base64, Text(token), Text(imported) is not null)
            : null;
    }

    /// <summary>What the keys are once the definition holds; the same object when nothing changes, so that repeating it rotates nothing.</summary>
    /// <param name="imported">The key that the definition's PrivateKey names; null without one.</param>
    public ListenerKeyHistory Follow(ListenerDefinition definition, string? imported, Func<string> generate, DateTimeOffset now)
    {
        if (imported is not null)
            return imported == current.Base64 ? this : Rotate(new ListenerPrivateKey(imported, definition.KeyRotationToken, isImported: true), now);

        var isFormer = former is { IsImported: false } && former.RotationToken == definition.KeyRotationToken;
        if (current.RotationToken == definition.KeyRotationToken && !(current.IsImported && isFormer))
            return this;
        return Rotate(isFormer ? former! : new ListenerPrivateKey(generate(), definition.KeyRotationToken, isImported: false), now);
    }

    public void Write(Utf8JsonWriter json)
    {
        Write(json, current, ListenerSecretNames.PrivateKey, ListenerSecretNames.RotationToken, ListenerSecretNames.Imported);
        if (former is null)
            return;
        Write(json, former, ListenerSecretNames.FormerPrivateKey, ListenerSecretNames.FormerRotationToken, ListenerSecretNames.FormerImported);
        if (rotatedAt is { } time)
            json.WriteString(ListenerSecretNames.RotatedAt, time.ToString("O", CultureInfo.InvariantCulture));
    }

    private ListenerKeyHistory Rotate(ListenerPrivateKey next, DateTimeOffset now) => new(next, current, now);

    private static void Write(Utf8JsonWriter json, ListenerPrivateKey key, string name, string token, string imported)
    {
        json.WriteString(name, key.Base64);
        if (key.RotationToken is { } rotationToken)
            json.WriteString(token, rotationToken);
        if (key.IsImported)
            json.WriteString(imported, "true");
    }
}
