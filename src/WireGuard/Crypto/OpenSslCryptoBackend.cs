using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using static UdpGateway.WireGuard.Crypto.LibCrypto;

namespace UdpGateway.WireGuard.Crypto;

/// <summary>
/// X25519 and ChaCha20-Poly1305 by OpenSSL 3. One cipher context per direction, re-keyed for every packet: measured as fast as a context
/// per session, and a session then costs no native object. No managed allocation after construction.
/// </summary>
internal sealed unsafe class OpenSslCryptoBackend : ICryptoBackend
{
    private nint _sealContext;
    private nint _openContext;

    /// <exception cref="DllNotFoundException">There is no libcrypto.</exception>
    /// <exception cref="EntryPointNotFoundException">It is older than 3.0.</exception>
    /// <exception cref="CryptographicException">It is older than 3.0, or its providers do not offer ChaCha20-Poly1305.</exception>
    public OpenSslCryptoBackend()
    {
        if (OpenSSL_version_num() < FirstVersion)
            throw new CryptographicException("libcrypto is older than OpenSSL 3.0.");

        _sealContext = EVP_CIPHER_CTX_new();
        _openContext = EVP_CIPHER_CTX_new();
        if (_sealContext == 0 || _openContext == 0)
            throw Failed(nameof(EVP_CIPHER_CTX_new));
        var cipher = EVP_chacha20_poly1305();
        Check(EVP_EncryptInit_ex(_sealContext, cipher, 0, null, null), nameof(EVP_EncryptInit_ex));
        Check(EVP_DecryptInit_ex(_openContext, cipher, 0, null, null), nameof(EVP_DecryptInit_ex));
    }

    ~OpenSslCryptoBackend() => FreeContexts();

    public string Name => "openssl";

    public void Dispose()
    {
        FreeContexts();
        GC.SuppressFinalize(this);
    }

    [SkipLocalsInit]
    public X25519Key ImportPrivateKey(ReadOnlySpan<byte> privateKey, Span<byte> publicKey)
    {
        X25519.CheckLength(privateKey, nameof(privateKey));
        X25519.CheckLength(publicKey, nameof(publicKey));

        var scalar = stackalloc byte[X25519.Size];
        var clamped = new Span<byte>(scalar, X25519.Size);
        privateKey.CopyTo(clamped);
        X25519.Clamp(clamped);
        var key = EVP_PKEY_new_raw_private_key(LibCrypto.X25519, 0, scalar, X25519.Size);
        CryptographicOperations.ZeroMemory(clamped);
        if (key == 0)
            throw Failed(nameof(EVP_PKEY_new_raw_private_key));

        // The context holds a reference to the key, so one handle stands for both.
        var context = EVP_PKEY_CTX_new(key, 0);
        nuint length = X25519.Size;
        fixed (byte* output = publicKey)
        {
            if (context != 0 && EVP_PKEY_derive_init(context) > 0
                && EVP_PKEY_get_raw_public_key(key, output, &length) > 0 && length == X25519.Size)
            {
                EVP_PKEY_free(key);
                return new X25519Key(context);
            }
        }
        var failure = Failed(nameof(EVP_PKEY_derive_init));
        EVP_PKEY_CTX_free(context);
        EVP_PKEY_free(key);
        throw failure;
    }

    public void Release(X25519Key key) => EVP_PKEY_CTX_free(key.Handle);

    public bool TryAgree(X25519Key key, ReadOnlySpan<byte> publicKey, Span<byte> sharedSecret)
    {
        X25519.CheckLength(publicKey, nameof(publicKey));
        X25519.CheckLength(sharedSecret, nameof(sharedSecret));

        nint peer;
        fixed (byte* point = publicKey)
            peer = EVP_PKEY_new_raw_public_key(LibCrypto.X25519, 0, point, X25519.Size);
        if (peer == 0)
            throw Failed(nameof(EVP_PKEY_new_raw_public_key));

        // Validation would only repeat what the derivation checks: that the result is not zero.
        var accepted = EVP_PKEY_derive_set_peer_ex(key.Handle, peer, validate: 0);
        nuint length = X25519.Size;
        var derived = 0;
        fixed (byte* secret = sharedSecret)
        {
            if (accepted > 0)
                derived = EVP_PKEY_derive(key.Handle, secret, &length);
        }
        EVP_PKEY_free(peer);
        Check(accepted, nameof(EVP_PKEY_derive_set_peer_ex));
        if (derived > 0 && length == X25519.Size)
            return true;

        ERR_clear_error();
        CryptographicOperations.ZeroMemory(sharedSecret);
        return false;
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
        var context = _sealContext;
        ObjectDisposedException.ThrowIf(context == 0, this);

        int written;
        fixed (byte* keyBytes = key, nonceBytes = nonce, input = plaintext, associated = associatedData, output = sealedText)
        {
            Check(EVP_EncryptInit_ex(context, 0, 0, keyBytes, nonceBytes), nameof(EVP_EncryptInit_ex));
            if (associatedData.Length > 0)
                Check(EVP_EncryptUpdate(context, null, &written, associated, associatedData.Length), nameof(EVP_EncryptUpdate));
            if (plaintext.Length > 0)
                Check(EVP_EncryptUpdate(context, output, &written, input, plaintext.Length), nameof(EVP_EncryptUpdate));
            Check(EVP_EncryptFinal_ex(context, output + plaintext.Length, &written), nameof(EVP_EncryptFinal_ex));
            Check(EVP_CIPHER_CTX_ctrl(context, AeadGetTag, Aead.TagSize, output + plaintext.Length), nameof(EVP_CIPHER_CTX_ctrl));
        }
        GC.KeepAlive(this);
    }

    public bool TryOpen(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> sealedText, ReadOnlySpan<byte> associatedData, Span<byte> plaintext)
    {
        if (sealedText.Length < Aead.TagSize)
            return false;
        Aead.CheckOpen(key, nonce, sealedText, plaintext);
        var context = _openContext;
        ObjectDisposedException.ThrowIf(context == 0, this);

        int written;
        var authentic = 0;
        byte unused;
        fixed (byte* keyBytes = key, nonceBytes = nonce, input = sealedText, associated = associatedData, output = plaintext)
        {
            Check(EVP_DecryptInit_ex(context, 0, 0, keyBytes, nonceBytes), nameof(EVP_DecryptInit_ex));
            Check(EVP_CIPHER_CTX_ctrl(context, AeadSetTag, Aead.TagSize, input + plaintext.Length), nameof(EVP_CIPHER_CTX_ctrl));
            if (associatedData.Length > 0)
                Check(EVP_DecryptUpdate(context, null, &written, associated, associatedData.Length), nameof(EVP_DecryptUpdate));
            if (plaintext.Length > 0)
                Check(EVP_DecryptUpdate(context, output, &written, input, plaintext.Length), nameof(EVP_DecryptUpdate));
            authentic = EVP_DecryptFinal_ex(context, &unused, &written);
        }
        GC.KeepAlive(this);
        if (authentic > 0)
            return true;

        ERR_clear_error();
        CryptographicOperations.ZeroMemory(plaintext);
        return false;
    }

    private static void Check(int result, string call)
    {
        if (result <= 0)
            throw Failed(call);
    }

    private void FreeContexts()
    {
        // libcrypto clears a context's key when it frees it.
        EVP_CIPHER_CTX_free(_sealContext);
        EVP_CIPHER_CTX_free(_openContext);
        _sealContext = 0;
        _openContext = 0;
    }
}
