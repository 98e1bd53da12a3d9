using System.Buffers.Binary;
using System.Numerics;

namespace UdpGateway.WireGuard.Sessions;

/// <summary>
/// A keyed permutation of 32-bit numbers (Simon32/64, Beaulieu et al. 2013). Session indices are slot, owner and
/// generation behind it: found in O(1), yet an observer can neither link nor count them.
/// </summary>
/// <remarks>
/// Every 16-bit word is kept twice in a 32-bit one. Rotation, AND and XOR, which are all that Simon uses, keep both
/// halves equal, so a 16-bit rotation is one instruction.
/// </remarks>
internal unsafe struct SessionIndexCipher
{
    private const int Rounds = 32;
    private const int KeyWords = 4;

    /// <summary>z0 of the paper, bit i for round i.</summary>
    private const ulong RoundConstants = 0b01100111000011010100100010111110110011100001101010010001011111;

    private fixed uint _roundKeys[Rounds];

    /// <param name="key">8 bytes, k0 first.</param>
    public static SessionIndexCipher Create(ReadOnlySpan<byte> key)
    {
        var cipher = default(SessionIndexCipher);
        for (var i = 0; i < KeyWords; i++)
            cipher._roundKeys[i] = Twice(BinaryPrimitives.ReadUInt16LittleEndian(key[(i * sizeof(ushort))..]));
        for (var i = KeyWords; i < Rounds; i++)
        {
            var mixed = BitOperations.RotateRight(cipher._roundKeys[i - 1], 3) ^ cipher._roundKeys[i - 3];
            mixed ^= BitOperations.RotateRight(mixed, 1);
            cipher._roundKeys[i] = ~cipher._roundKeys[i - KeyWords] ^ mixed ^ Twice((ushort)(RoundConstants >> (i - KeyWords) & 1 ^ 3));
        }

        return cipher;
    }

    public readonly uint Encrypt(uint value)
    {
        var x = Twice((ushort)(value >> 16));
        var y = Twice((ushort)value);
        for (var round = 0; round < Rounds; round += 2)
        {
            y = Mix(x, y ^ _roundKeys[round]);
            x = Mix(y, x ^ _roundKeys[round + 1]);
        }

        return x << 16 | y & 0xffff;
    }

    public readonly uint Decrypt(uint value)
    {
        var x = Twice((ushort)(value >> 16));
        var y = Twice((ushort)value);
        for (var round = Rounds - 1; round > 0; round -= 2)
        {
            x = Mix(y, x ^ _roundKeys[round]);
            y = Mix(x, y ^ _roundKeys[round - 1]);
        }

        return x << 16 | y & 0xffff;
    }

    /// <summary>The round function, written so that the longest chain from one word to the next is three instructions.</summary>
    private static uint Mix(uint x, uint keyed) =>
        keyed ^ BitOperations.RotateLeft(x, 2) ^ (BitOperations.RotateLeft(x, 1) & BitOperations.RotateLeft(x, 8));

    private static uint Twice(ushort word) => (uint)word << 16 | word;
}
