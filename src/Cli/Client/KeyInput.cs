using System.Security.Cryptography;
using UdpGateway.WireGuard;

namespace UdpGateway.Cli.Client;

/// <summary>A key as <c>wg</c> and <c>udpgw keys</c> write it: the base64 of 32 bytes on one line.</summary>
internal static class KeyInput
{
    /// <summary>Null when the text is no key. The caller disposes the key.</summary>
    public static SecretKey? TryParse(string? text)
    {
        Span<byte> bytes = stackalloc byte[SecretKey.Size];
        try
        {
            return TryDecode(text, bytes) ? new SecretKey(bytes) : null;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
        }
    }

    /// <param name="key">32 bytes, filled on success.</param>
    public static bool TryDecode(string? text, Span<byte> key) =>
        Convert.TryFromBase64String(text?.Trim() ?? "", key, out var length) && length == key.Length;
}
