using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace UdpGateway.WireGuard.Crypto;

/// <summary>
/// ChaCha20-Poly1305 with a 24-byte nonce (draft-irtf-cfrg-xchacha), for cookie replies. Rare, so HChaCha20 is written for reading.
/// </summary>
internal static class XChaCha20Poly1305
{
    public const int NonceSize = 24;

    private const int HChaChaNonceSize = 16;

    public static void Seal(ICryptoBackend crypto, ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce24, ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> associatedData, Span<byte> sealedText)
    {
        Span<byte> subkey = stackalloc byte[Aead.KeySize];
        Span<byte> nonce = stackalloc byte[Aead.NonceSize];
        Derive(key, nonce24, subkey, nonce);
        crypto.Seal(subkey, nonce, plaintext, associatedData, sealedText);
        CryptographicOperations.ZeroMemory(subkey);
    }

    public static bool TryOpen(ICryptoBackend crypto, ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce24, ReadOnlySpan<byte> sealedText, ReadOnlySpan<byte> associatedData, Span<byte> plaintext)
    {
        Span<byte> subkey = stackalloc byte[Aead.KeySize];
        Span<byte> nonce = stackalloc byte[Aead.NonceSize];
        Derive(key, nonce24, subkey, nonce);
        var authentic = crypto.TryOpen(subkey, nonce, sealedText, associatedData, plaintext);
        CryptographicOperations.ZeroMemory(subkey);
        return authentic;
    }

    /// <summary>draft-irtf-cfrg-xchacha §2.2: ChaCha20's rounds over key and nonce, without the final addition.</summary>
    /// <param name="nonce16">16 bytes.</param>
    public static void HChaCha20(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce16, Span<byte> subkey)
    {
        Span<uint> state = stackalloc uint[16];
        "expand 32-byte k"u8.CopyTo(MemoryMarshal.AsBytes(state));
        key.CopyTo(MemoryMarshal.AsBytes(state[4..12]));
        nonce16.CopyTo(MemoryMarshal.AsBytes(state[12..]));
        ToOrFromLittleEndian(state);

        for (var doubleRound = 0; doubleRound < 10; doubleRound++)
        {
            QuarterRound(ref state[0], ref state[4], ref state[8], ref state[12]);
            QuarterRound(ref state[1], ref state[5], ref state[9], ref state[13]);
            QuarterRound(ref state[2], ref state[6], ref state[10], ref state[14]);
            QuarterRound(ref state[3], ref state[7], ref state[11], ref state[15]);
            QuarterRound(ref state[0], ref state[5], ref state[10], ref state[15]);
            QuarterRound(ref state[1], ref state[6], ref state[11], ref state[12]);
            QuarterRound(ref state[2], ref state[7], ref state[8], ref state[13]);
            QuarterRound(ref state[3], ref state[4], ref state[9], ref state[14]);
        }

        ToOrFromLittleEndian(state);
        MemoryMarshal.AsBytes(state[..4]).CopyTo(subkey);
        MemoryMarshal.AsBytes(state[12..]).CopyTo(subkey[16..]);
        CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(state));
    }

    private static void Derive(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce24, Span<byte> subkey, Span<byte> nonce)
    {
        if (key.Length != Aead.KeySize)
            throw new ArgumentException("A key has 32 bytes.", nameof(key));
        if (nonce24.Length != NonceSize)
            throw new ArgumentException("A nonce has 24 bytes.", nameof(nonce24));
        HChaCha20(key, nonce24[..HChaChaNonceSize], subkey);
        nonce[..4].Clear();
        nonce24[HChaChaNonceSize..].CopyTo(nonce[4..]);
    }

    private static void ToOrFromLittleEndian(Span<uint> words)
    {
        if (!BitConverter.IsLittleEndian)
            BinaryPrimitives.ReverseEndianness(words, words);
    }

    private static void QuarterRound(ref uint a, ref uint b, ref uint c, ref uint d)
    {
        a += b;
        d = BitOperations.RotateLeft(d ^ a, 16);
        c += d;
        b = BitOperations.RotateLeft(b ^ c, 12);
        a += b;
        d = BitOperations.RotateLeft(d ^ a, 8);
        c += d;
        b = BitOperations.RotateLeft(b ^ c, 7);
    }
}
