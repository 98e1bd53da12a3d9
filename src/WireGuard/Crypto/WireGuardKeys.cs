using System.Security.Cryptography;
using UdpGateway.WireGuard.Crypto;

namespace UdpGateway.WireGuard;

/// <summary>New keys from the system's random generator, as <c>wg genkey</c>, <c>wg pubkey</c> and <c>wg genpsk</c> make them.</summary>
public static class WireGuardKeys
{
    /// <summary>Every key of WireGuard has 32 bytes.</summary>
    public const int Size = 32;

    /// <param name="privateKey">32 bytes, clamped (RFC 7748 §5).</param>
    public static void GeneratePrivateKey(Span<byte> privateKey)
    {
        X25519.CheckLength(privateKey, nameof(privateKey));
        RandomNumberGenerator.Fill(privateKey);
        X25519.Clamp(privateKey);
    }

    /// <param name="privateKey">32 bytes; clamped on the way, so any will do.</param>
    public static void ComputePublicKey(ReadOnlySpan<byte> privateKey, Span<byte> publicKey)
    {
        using var crypto = CryptoBackends.CreateBest();
        crypto.Release(crypto.ImportPrivateKey(privateKey, publicKey));
    }

    /// <param name="presharedKey">32 bytes.</param>
    public static void GeneratePresharedKey(Span<byte> presharedKey)
    {
        X25519.CheckLength(presharedKey, nameof(presharedKey));
        RandomNumberGenerator.Fill(presharedKey);
    }
}
