using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace UdpGateway.WireGuard.Crypto;

/// <summary>
/// Where OpenSSL does not load (macOS, Windows): X25519 in C#, ChaCha20-Poly1305 by the base class library, which takes it from the system.
/// </summary>
/// <remarks>
/// The library binds a key to an object, so each direction keeps the object of the last key it used. A longer memory would save the
/// construction when packets of many sessions alternate, but would keep keys alive after their session has been erased; the last key per
/// direction is what the OpenSSL backend's contexts hold too. Allocates the object on a change of key, and the library's exception on a bad tag.
/// </remarks>
internal sealed unsafe class PortableCryptoBackend : ICryptoBackend
{
    private readonly KeyedCipher _seal = new();
    private readonly KeyedCipher _open = new();

    /// <exception cref="PlatformNotSupportedException">The system has no ChaCha20-Poly1305.</exception>
    public PortableCryptoBackend()
    {
        if (!ChaCha20Poly1305.IsSupported)
        {
            throw new PlatformNotSupportedException(
                "This system's cryptographic library does not offer ChaCha20-Poly1305, which WireGuard needs; install OpenSSL 3 (libcrypto).");
        }
    }

    public string Name => "portable";

    public void Dispose()
    {
        _seal.Dispose();
        _open.Dispose();
    }

    public X25519Key ImportPrivateKey(ReadOnlySpan<byte> privateKey, Span<byte> publicKey)
    {
        X25519.CheckLength(privateKey, nameof(privateKey));
        X25519.CheckLength(publicKey, nameof(publicKey));

        var memory = (byte*)NativeMemory.Alloc(X25519.Size);
        var scalar = new Span<byte>(memory, X25519.Size);
        privateKey.CopyTo(scalar);
        X25519.Clamp(scalar);
        X25519.ScalarMultiply(scalar, X25519.BasePoint, publicKey);
        return new X25519Key((nint)memory);
    }

    public void Release(X25519Key key)
    {
        if (key.Handle == 0)
            return;
        CryptographicOperations.ZeroMemory(new Span<byte>((byte*)key.Handle, X25519.Size));
        NativeMemory.Free((byte*)key.Handle);
    }

    public bool TryAgree(X25519Key key, ReadOnlySpan<byte> publicKey, Span<byte> sharedSecret)
    {
        X25519.CheckLength(publicKey, nameof(publicKey));
        X25519.CheckLength(sharedSecret, nameof(sharedSecret));

        X25519.ScalarMultiply(new ReadOnlySpan<byte>((byte*)key.Handle, X25519.Size), publicKey, sharedSecret);
        var bits = 0;
        foreach (var value in sharedSecret)
            bits |= value;
        return bits != 0;
    }

    [SkipLocalsInit]
    public void Seal(ReadOnlySpan<byte> key, ulong counter, ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> associatedData, Span<byte> sealedText)
    {
        Span<byte> nonce = stackalloc byte[Aead.NonceSize];
        Aead.WriteNonce(counter, nonce);
        Seal(key, nonce, plaintext, associatedData, sealedText);
    }

    [SkipLocalsInit]
    public bool TryOpen(ReadOnlySpan<byte> key, ulong counter, ReadOnlySpan<byte> sealedText, ReadOnlySpan<byte> associatedData, Span<byte> plaintext)
    {
        Span<byte> nonce = stackalloc byte[Aead.NonceSize];
        Aead.WriteNonce(counter, nonce);
        return TryOpen(key, nonce, sealedText, associatedData, plaintext);
    }

    public void Seal(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> associatedData, Span<byte> sealedText)
    {
        Aead.CheckSeal(key, nonce, plaintext, sealedText);
        _seal.For(key).Encrypt(nonce, plaintext, sealedText[..plaintext.Length], sealedText[plaintext.Length..], associatedData);
    }

    public bool TryOpen(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> sealedText, ReadOnlySpan<byte> associatedData, Span<byte> plaintext)
    {
        if (sealedText.Length < Aead.TagSize)
            return false;
        Aead.CheckOpen(key, nonce, sealedText, plaintext);
        try
        {
            _open.For(key).Decrypt(nonce, sealedText[..plaintext.Length], sealedText[plaintext.Length..], plaintext, associatedData);
            return true;
        }
        catch (CryptographicException)
        {
            CryptographicOperations.ZeroMemory(plaintext);
            return false;
        }
    }

    /// <summary>The cipher object of the last key, and that key.</summary>
    private sealed class KeyedCipher : IDisposable
    {
        private readonly byte[] _key = GC.AllocateArray<byte>(Aead.KeySize, pinned: true);
        private ChaCha20Poly1305? _cipher;
        private bool _disposed;

        public ChaCha20Poly1305 For(ReadOnlySpan<byte> key)
        {
            ObjectDisposedException.ThrowIf(_disposed, typeof(PortableCryptoBackend));
            if (_cipher is not null && CryptographicOperations.FixedTimeEquals(key, _key))
                return _cipher;
            _cipher?.Dispose();
            _cipher = new ChaCha20Poly1305(key);
            key.CopyTo(_key);
            return _cipher;
        }

        public void Dispose()
        {
            _disposed = true;
            _cipher?.Dispose();
            _cipher = null;
            CryptographicOperations.ZeroMemory(_key);
        }
    }
}
