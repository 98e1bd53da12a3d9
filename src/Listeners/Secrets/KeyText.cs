using System.Security.Cryptography;

namespace UdpGateway.Listeners;

/// <summary>Why a text is no usable 32-byte key.</summary>
public enum KeyTextFault
{
    None,
    NotBase64,
    WrongLength,

    /// <summary>WireGuard's "no pre-shared key". As a declared secret it would be an open door that looks locked.</summary>
    AllZero,
}

/// <summary>
/// A 32-byte key as base64 text, in canonical form. <see cref="ToString"/> never shows it.
/// Surrounding white space is ignored, because <c>wg genpsk</c> ends its line.
/// </summary>
public sealed class KeyText
{
    public const int KeySize = 32;

    private KeyText(string base64) => Base64 = base64;

    /// <summary>44 characters.</summary>
    public string Base64 { get; }

    public static KeyTextFault TryParse(string text, out KeyText? key)
    {
        key = null;
        var trimmed = text.AsSpan().Trim();
        // 44 characters hold 32 bytes; the decoder ignores inner white space, hence the margin is not needed.
        if (trimmed.Length > 64)
            return KeyTextFault.WrongLength;
        Span<byte> bytes = stackalloc byte[64];
        try
        {
            if (!Convert.TryFromBase64Chars(trimmed, bytes, out var length))
                return KeyTextFault.NotBase64;
            if (length != KeySize)
                return KeyTextFault.WrongLength;
            if (!bytes[..KeySize].ContainsAnyExcept((byte)0))
                return KeyTextFault.AllZero;
            key = new KeyText(Convert.ToBase64String(bytes[..KeySize]));
            return KeyTextFault.None;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
        }
    }

    public override string ToString() => nameof(KeyText);
}
