using System.Buffers.Binary;

namespace UdpGateway.WireGuard.Sessions;

/// <summary>
/// A keyed permutation of 32-bit numbers (Speck32/64, Beaulieu et al. 2013). Session indices are slot, owner and
/// generation behind it: found in O(1), yet an observer can neither link nor count them.
/// </summary>
internal unsafe struct SessionIndexCipher
{
    private const int Rounds = 22;

    private fixed ushort _roundKeys[Rounds];

    /// <param name="key">8 bytes.</param>
    public static SessionIndexCipher Create(ReadOnlySpan<byte> key)
    {
        var cipher = default(SessionIndexCipher);
        Span<ushort> words = stackalloc ushort[3];
        for (var i = 0; i < words.Length; i++)
            words[i] = BinaryPrimitives.ReadUInt16LittleEndian(key[((i + 1) * sizeof(ushort))..]);
        var roundKey = BinaryPrimitives.ReadUInt16LittleEndian(key);
        for (var round = 0; round < Rounds; round++)
        {
            cipher._roundKeys[round] = roundKey;
            ref var word = ref words[round % words.Length];
            word = (ushort)(RotateRight(word, 7) + roundKey ^ round);
            roundKey = (ushort)(RotateLeft(roundKey, 2) ^ word);
        }

        return cipher;
    }

    public readonly uint Encrypt(uint value)
    {
        var x = (ushort)(value >> 16);
        var y = (ushort)value;
        for (var round = 0; round < Rounds; round++)
        {
            x = (ushort)(RotateRight(x, 7) + y ^ _roundKeys[round]);
            y = (ushort)(RotateLeft(y, 2) ^ x);
        }

        return (uint)x << 16 | y;
    }

    public readonly uint Decrypt(uint value)
    {
        var x = (ushort)(value >> 16);
        var y = (ushort)value;
        for (var round = Rounds - 1; round >= 0; round--)
        {
            y = RotateRight((ushort)(y ^ x), 2);
            x = RotateLeft((ushort)((x ^ _roundKeys[round]) - y), 7);
        }

        return (uint)x << 16 | y;
    }

    private static ushort RotateRight(ushort value, int count) => (ushort)(value >> count | value << (16 - count));

    private static ushort RotateLeft(ushort value, int count) => (ushort)(value << count | value >> (16 - count));
}
