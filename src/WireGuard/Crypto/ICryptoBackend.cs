namespace UdpGateway.WireGuard;

/// <summary>
/// The two primitives that WireGuard takes from a library: X25519 (RFC 7748) and ChaCha20-Poly1305 (RFC 8439).
/// One instance per worker thread: not thread-safe, because it keeps one cipher context per direction and re-keys it per packet.
/// </summary>
/// <remarks>
/// Keys have 32 bytes, nonces 12, tags 16. Lengths that cannot be right are an <see cref="ArgumentException"/>: they are a defect of the
/// caller, who has checked the datagram's length before. Input and output may start at the same byte, or must not overlap.
/// </remarks>
public interface ICryptoBackend : IDisposable
{
    /// <summary>"openssl" or "portable".</summary>
    string Name { get; }

    /// <summary>Clamps the 32 bytes, writes the 32-byte public key, and keeps the private key until <see cref="Release"/>.</summary>
    X25519Key ImportPrivateKey(ReadOnlySpan<byte> privateKey, Span<byte> publicKey);

    /// <summary>Zeroes and frees the private key. The handle must not be used again, by any backend.</summary>
    void Release(X25519Key key);

    /// <returns>False when the result is all zero, that is when the public key is a point of low order (RFC 7748 §6.1); the output is then zero.</returns>
    bool TryAgree(X25519Key key, ReadOnlySpan<byte> publicKey, Span<byte> sharedSecret);

    /// <summary>Nonce = 4 zero bytes ‖ LE64(counter), WireGuard's form.</summary>
    /// <param name="sealedText">Ciphertext ‖ tag, 16 bytes longer than the plaintext.</param>
    void Seal(ReadOnlySpan<byte> key, ulong counter, ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> associatedData, Span<byte> sealedText);

    /// <param name="plaintext">16 bytes shorter than the sealed text; zeroed when the tag does not match.</param>
    /// <returns>False when the tag does not match, or when there is no room for one.</returns>
    bool TryOpen(ReadOnlySpan<byte> key, ulong counter, ReadOnlySpan<byte> sealedText, ReadOnlySpan<byte> associatedData, Span<byte> plaintext);

    /// <inheritdoc cref="Seal(ReadOnlySpan{byte}, ulong, ReadOnlySpan{byte}, ReadOnlySpan{byte}, Span{byte})"/>
    void Seal(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> associatedData, Span<byte> sealedText);

    /// <inheritdoc cref="TryOpen(ReadOnlySpan{byte}, ulong, ReadOnlySpan{byte}, ReadOnlySpan{byte}, Span{byte})"/>
    bool TryOpen(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> sealedText, ReadOnlySpan<byte> associatedData, Span<byte> plaintext);
}

/// <summary>
/// A private key in native memory; a handle, so that a handshake allocates no object. It belongs to the backend that imported it, and to
/// its thread: no other backend may use it.
/// </summary>
public readonly record struct X25519Key(nint Handle);
