using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using UdpGateway.WireGuard.Crypto;

namespace UdpGateway.WireGuard.Handshake;

/// <summary>Thirty-two bytes in place.</summary>
[InlineArray(WireGuardSpecification.HashSize)]
internal struct Bytes32
{
    private byte _first;
}

/// <summary>
/// Chaining key and hash of one Noise handshake; the only place that knows how WireGuard derives keys (paper §5.4).
/// The verbs are Noise's own. A plain struct on the caller's stack: whoever starts one clears it.
/// </summary>
internal struct NoiseTranscript
{
    private Bytes32 _chainingKey;
    private Bytes32 _hash;

    /// <summary>HASH(HASH(CONSTRUCTION) ‖ IDENTIFIER) ‖ S_r mixed: the same for every handshake with one responder.</summary>
    public static NoiseTranscript Start(ReadOnlySpan<byte> responderStatic) => Start(WireGuardSpecification.Identifier, responderStatic);

    /// <summary>IDENTIFIER is what Noise calls the prologue; published Noise vectors have another one.</summary>
    public static NoiseTranscript Start(ReadOnlySpan<byte> prologue, ReadOnlySpan<byte> responderStatic)
    {
        var transcript = default(NoiseTranscript);
        Blake2s.Hash(WireGuardSpecification.Construction, transcript._chainingKey);
        Blake2s.Hash(transcript._chainingKey, prologue, transcript._hash);
        transcript.MixHash(responderStatic);
        return transcript;
    }

    public readonly ReadOnlySpan<byte> Hash
    {
        [System.Diagnostics.CodeAnalysis.UnscopedRef]
        get => _hash;
    }

    public void MixHash(ReadOnlySpan<byte> data)
    {
        Span<byte> hash = stackalloc byte[WireGuardSpecification.HashSize];
        Blake2s.Hash(_hash, data, hash);
        hash.CopyTo(_hash);
    }

    /// <summary>KDF1 of a public value.</summary>
    public void MixKey(ReadOnlySpan<byte> input)
    {
        Span<byte> seed = stackalloc byte[WireGuardSpecification.HashSize];
        Blake2s.Hmac(_chainingKey, input, seed);
        Blake2s.Hmac(seed, [1], _chainingKey);
        CryptographicOperations.ZeroMemory(seed);
    }

    /// <summary>KDF2 of a shared secret; the second output is the key of what follows.</summary>
    public void MixKey(ReadOnlySpan<byte> input, Span<byte> key)
    {
        Span<byte> seed = stackalloc byte[WireGuardSpecification.HashSize];
        Blake2s.Hmac(_chainingKey, input, seed);
        Blake2s.Hmac(seed, [1], _chainingKey);
        Blake2s.Hmac(seed, _chainingKey, [2], key);
        CryptographicOperations.ZeroMemory(seed);
    }

    /// <summary>KDF3 of the pre-shared key: the token <c>psk</c>.</summary>
    public void MixKeyAndHash(ReadOnlySpan<byte> presharedKey, Span<byte> key)
    {
        Span<byte> seed = stackalloc byte[WireGuardSpecification.HashSize];
        Span<byte> temporary = stackalloc byte[WireGuardSpecification.HashSize];
        Blake2s.Hmac(_chainingKey, presharedKey, seed);
        Blake2s.Hmac(seed, [1], _chainingKey);
        Blake2s.Hmac(seed, _chainingKey, [2], temporary);
        Blake2s.Hmac(seed, temporary, [3], key);
        MixHash(temporary);
        CryptographicOperations.ZeroMemory(seed);
        CryptographicOperations.ZeroMemory(temporary);
    }

    public void EncryptAndHash(ICryptoBackend crypto, ReadOnlySpan<byte> key, ReadOnlySpan<byte> plaintext, Span<byte> sealedText)
    {
        crypto.Seal(key, 0, plaintext, _hash, sealedText);
        MixHash(sealedText);
    }

    /// <summary>False when the text is not authentic; the transcript is then of no further use.</summary>
    public bool TryDecryptAndHash(ICryptoBackend crypto, ReadOnlySpan<byte> key, ReadOnlySpan<byte> sealedText, Span<byte> plaintext)
    {
        if (!crypto.TryOpen(key, 0, sealedText, _hash, plaintext))
            return false;
        MixHash(sealedText);
        return true;
    }

    /// <summary>The transport keys in the initiator's direction first (paper §5.4.5).</summary>
    public readonly void Split(Span<byte> initiatorToResponder, Span<byte> responderToInitiator)
    {
        Span<byte> seed = stackalloc byte[WireGuardSpecification.HashSize];
        Blake2s.Hmac(_chainingKey, [], seed);
        Blake2s.Hmac(seed, [1], initiatorToResponder);
        Blake2s.Hmac(seed, initiatorToResponder, [2], responderToInitiator);
        CryptographicOperations.ZeroMemory(seed);
    }

    public void Clear()
    {
        CryptographicOperations.ZeroMemory(_chainingKey);
        CryptographicOperations.ZeroMemory(_hash);
    }
}
