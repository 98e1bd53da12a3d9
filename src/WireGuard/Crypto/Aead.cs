using System.Buffers.Binary;

namespace UdpGateway.WireGuard.Crypto;

/// <summary>The sizes of ChaCha20-Poly1305 (RFC 8439 §2.8) and the checks that every backend makes before it touches native code.</summary>
internal static class Aead
{
    public const int KeySize = 32;
    public const int NonceSize = 12;
    public const int TagSize = 16;

    /// <summary>WireGuard's nonce: 4 zero bytes ‖ LE64(counter).</summary>
    public static void WriteNonce(ulong counter, Span<byte> nonce)
    {
        nonce[..4].Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(nonce[4..], counter);
    }

    public static void CheckSeal(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext, Span<byte> sealedText)
    {
        CheckKeyAndNonce(key, nonce);
        if (sealedText.Length - TagSize != plaintext.Length)
            throw new ArgumentException("The sealed text is 16 bytes longer than the plaintext.", nameof(sealedText));
        CheckOverlap(plaintext, sealedText);
    }

    public static void CheckOpen(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> sealedText, Span<byte> plaintext)
    {
        CheckKeyAndNonce(key, nonce);
        if (sealedText.Length - TagSize != plaintext.Length)
            throw new ArgumentException("The plaintext is 16 bytes shorter than the sealed text.", nameof(plaintext));
        CheckOverlap(sealedText, plaintext);
    }

    private static void CheckKeyAndNonce(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce)
    {
        if (key.Length != KeySize)
            throw new ArgumentException("A key has 32 bytes.", nameof(key));
        if (nonce.Length != NonceSize)
            throw new ArgumentException("A nonce has 12 bytes.", nameof(nonce));
    }

    private static void CheckOverlap(ReadOnlySpan<byte> input, ReadOnlySpan<byte> output)
    {
        if (input.Overlaps(output, out var offset) && offset != 0)
            throw new ArgumentException("Input and output start at the same byte or do not overlap.", nameof(output));
    }
}
