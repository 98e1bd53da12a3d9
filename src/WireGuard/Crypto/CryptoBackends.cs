using System.Security.Cryptography;
using UdpGateway.WireGuard.Crypto;

namespace UdpGateway.WireGuard;

/// <summary>Chooses the implementation of the primitives once, at start.</summary>
public static class CryptoBackends
{
    private static readonly Lazy<bool> OpenSslAvailable = new(ProbeOpenSsl);

    /// <summary>Whether an OpenSSL 3 libcrypto loads here and offers both primitives.</summary>
    public static bool IsOpenSslAvailable => OpenSslAvailable.Value;

    /// <summary>OpenSSL where its library loads, otherwise the portable implementation. One instance per worker.</summary>
    /// <exception cref="PlatformNotSupportedException">Neither is possible: the system has no ChaCha20-Poly1305.</exception>
    public static ICryptoBackend CreateBest() => IsOpenSslAvailable ? new OpenSslCryptoBackend() : new PortableCryptoBackend();

    private static bool ProbeOpenSsl()
    {
        try
        {
            // Every entry point once: a library that lacks one of them, or a provider that forbids one, is as good as none.
            using var backend = new OpenSslCryptoBackend();
            Span<byte> publicKey = stackalloc byte[X25519.Size];
            Span<byte> secret = stackalloc byte[X25519.Size];
            Span<byte> sealedText = stackalloc byte[X25519.Size + Aead.TagSize];
            var key = backend.ImportPrivateKey(X25519.BasePoint, publicKey);
            var agreed = backend.TryAgree(key, publicKey, secret);
            backend.Release(key);
            backend.Seal(secret, 0, publicKey, publicKey, sealedText);
            return agreed && backend.TryOpen(secret, 0, sealedText, publicKey, sealedText[..X25519.Size]);
        }
        catch (Exception exception) when (exception is DllNotFoundException or EntryPointNotFoundException or CryptographicException)
        {
            return false;
        }
    }
}
