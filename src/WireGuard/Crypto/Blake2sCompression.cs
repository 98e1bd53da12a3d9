using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace UdpGateway.WireGuard.Crypto;

/// <summary>The compression function of BLAKE2s (RFC 7693 §3.2), all ten rounds written out: the schedule is then a matter of registers.</summary>
internal static class Blake2sCompression
{
    public const int BlockSize = 64;

    public const uint Iv0 = 0x6a09e667, Iv1 = 0xbb67ae85, Iv2 = 0x3c6ef372, Iv3 = 0xa54ff53a;
    public const uint Iv4 = 0x510e527f, Iv5 = 0x9b05688c, Iv6 = 0x1f83d9ab, Iv7 = 0x5be0cd19;

    /// <param name="h">The first of eight words of state.</param>
    /// <param name="block">The first of 64 bytes.</param>
    /// <param name="count">Bytes up to and with this block.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Compress(ref uint h, ref byte block, ulong count, bool last)
    {
        var m0 = Word(ref block, 0);
        var m1 = Word(ref block, 1);
        var m2 = Word(ref block, 2);
        var m3 = Word(ref block, 3);
        var m4 = Word(ref block, 4);
        var m5 = Word(ref block, 5);
        var m6 = Word(ref block, 6);
        var m7 = Word(ref block, 7);
        var m8 = Word(ref block, 8);
        var m9 = Word(ref block, 9);
        var m10 = Word(ref block, 10);
        var m11 = Word(ref block, 11);
        var m12 = Word(ref block, 12);
        var m13 = Word(ref block, 13);
        var m14 = Word(ref block, 14);
        var m15 = Word(ref block, 15);

        uint v0 = h, v1 = Unsafe.Add(ref h, 1), v2 = Unsafe.Add(ref h, 2), v3 = Unsafe.Add(ref h, 3);
        uint v4 = Unsafe.Add(ref h, 4), v5 = Unsafe.Add(ref h, 5), v6 = Unsafe.Add(ref h, 6), v7 = Unsafe.Add(ref h, 7);
        uint v8 = Iv0, v9 = Iv1, v10 = Iv2, v11 = Iv3;
        uint v12 = Iv4 ^ (uint)count, v13 = Iv5 ^ (uint)(count >> 32), v14 = last ? ~Iv6 : Iv6, v15 = Iv7;

        // round 0
        Mix(ref v0, ref v4, ref v8, ref v12, m0, m1);
        Mix(ref v1, ref v5, ref v9, ref v13, m2, m3);
        Mix(ref v2, ref v6, ref v10, ref v14, m4, m5);
        Mix(ref v3, ref v7, ref v11, ref v15, m6, m7);
        Mix(ref v0, ref v5, ref v10, ref v15, m8, m9);
        Mix(ref v1, ref v6, ref v11, ref v12, m10, m11);
        Mix(ref v2, ref v7, ref v8, ref v13, m12, m13);
        Mix(ref v3, ref v4, ref v9, ref v14, m14, m15);
        // round 1
        Mix(ref v0, ref v4, ref v8, ref v12, m14, m10);
        Mix(ref v1, ref v5, ref v9, ref v13, m4, m8);
        Mix(ref v2, ref v6, ref v10, ref v14, m9, m15);
        Mix(ref v3, ref v7, ref v11, ref v15, m13, m6);
        Mix(ref v0, ref v5, ref v10, ref v15, m1, m12);
        Mix(ref v1, ref v6, ref v11, ref v12, m0, m2);
        Mix(ref v2, ref v7, ref v8, ref v13, m11, m7);
        Mix(ref v3, ref v4, ref v9, ref v14, m5, m3);
        // round 2
        Mix(ref v0, ref v4, ref v8, ref v12, m11, m8);
        Mix(ref v1, ref v5, ref v9, ref v13, m12, m0);
        Mix(ref v2, ref v6, ref v10, ref v14, m5, m2);
        Mix(ref v3, ref v7, ref v11, ref v15, m15, m13);
        Mix(ref v0, ref v5, ref v10, ref v15, m10, m14);
        Mix(ref v1, ref v6, ref v11, ref v12, m3, m6);
        Mix(ref v2, ref v7, ref v8, ref v13, m7, m1);
        Mix(ref v3, ref v4, ref v9, ref v14, m9, m4);
        // round 3
        Mix(ref v0, ref v4, ref v8, ref v12, m7, m9);
        Mix(ref v1, ref v5, ref v9, ref v13, m3, m1);
        Mix(ref v2, ref v6, ref v10, ref v14, m13, m12);
        Mix(ref v3, ref v7, ref v11, ref v15, m11, m14);
        Mix(ref v0, ref v5, ref v10, ref v15, m2, m6);
        Mix(ref v1, ref v6, ref v11, ref v12, m5, m10);
        Mix(ref v2, ref v7, ref v8, ref v13, m4, m0);
        Mix(ref v3, ref v4, ref v9, ref v14, m15, m8);
        // round 4
        Mix(ref v0, ref v4, ref v8, ref v12, m9, m0);
        Mix(ref v1, ref v5, ref v9, ref v13, m5, m7);
        Mix(ref v2, ref v6, ref v10, ref v14, m2, m4);
        Mix(ref v3, ref v7, ref v11, ref v15, m10, m15);
        Mix(ref v0, ref v5, ref v10, ref v15, m14, m1);
        Mix(ref v1, ref v6, ref v11, ref v12, m11, m12);
        Mix(ref v2, ref v7, ref v8, ref v13, m6, m8);
        Mix(ref v3, ref v4, ref v9, ref v14, m3, m13);
        // round 5
        Mix(ref v0, ref v4, ref v8, ref v12, m2, m12);
        Mix(ref v1, ref v5, ref v9, ref v13, m6, m10);
        Mix(ref v2, ref v6, ref v10, ref v14, m0, m11);
        Mix(ref v3, ref v7, ref v11, ref v15, m8, m3);
        Mix(ref v0, ref v5, ref v10, ref v15, m4, m13);
        Mix(ref v1, ref v6, ref v11, ref v12, m7, m5);
        Mix(ref v2, ref v7, ref v8, ref v13, m15, m14);
        Mix(ref v3, ref v4, ref v9, ref v14, m1, m9);
        // round 6
        Mix(ref v0, ref v4, ref v8, ref v12, m12, m5);
        Mix(ref v1, ref v5, ref v9, ref v13, m1, m15);
        Mix(ref v2, ref v6, ref v10, ref v14, m14, m13);
        Mix(ref v3, ref v7, ref v11, ref v15, m4, m10);
        Mix(ref v0, ref v5, ref v10, ref v15, m0, m7);
        Mix(ref v1, ref v6, ref v11, ref v12, m6, m3);
        Mix(ref v2, ref v7, ref v8, ref v13, m9, m2);
        Mix(ref v3, ref v4, ref v9, ref v14, m8, m11);
        // round 7
        Mix(ref v0, ref v4, ref v8, ref v12, m13, m11);
        Mix(ref v1, ref v5, ref v9, ref v13, m7, m14);
        Mix(ref v2, ref v6, ref v10, ref v14, m12, m1);
        Mix(ref v3, ref v7, ref v11, ref v15, m3, m9);
        Mix(ref v0, ref v5, ref v10, ref v15, m5, m0);
        Mix(ref v1, ref v6, ref v11, ref v12, m15, m4);
        Mix(ref v2, ref v7, ref v8, ref v13, m8, m6);
        Mix(ref v3, ref v4, ref v9, ref v14, m2, m10);
        // round 8
        Mix(ref v0, ref v4, ref v8, ref v12, m6, m15);
        Mix(ref v1, ref v5, ref v9, ref v13, m14, m9);
        Mix(ref v2, ref v6, ref v10, ref v14, m11, m3);
        Mix(ref v3, ref v7, ref v11, ref v15, m0, m8);
        Mix(ref v0, ref v5, ref v10, ref v15, m12, m2);
        Mix(ref v1, ref v6, ref v11, ref v12, m13, m7);
        Mix(ref v2, ref v7, ref v8, ref v13, m1, m4);
        Mix(ref v3, ref v4, ref v9, ref v14, m10, m5);
        // round 9
        Mix(ref v0, ref v4, ref v8, ref v12, m10, m2);
        Mix(ref v1, ref v5, ref v9, ref v13, m8, m4);
        Mix(ref v2, ref v6, ref v10, ref v14, m7, m6);
        Mix(ref v3, ref v7, ref v11, ref v15, m1, m5);
        Mix(ref v0, ref v5, ref v10, ref v15, m15, m11);
        Mix(ref v1, ref v6, ref v11, ref v12, m9, m14);
        Mix(ref v2, ref v7, ref v8, ref v13, m3, m12);
        Mix(ref v3, ref v4, ref v9, ref v14, m13, m0);

        h ^= v0 ^ v8;
        Unsafe.Add(ref h, 1) ^= v1 ^ v9;
        Unsafe.Add(ref h, 2) ^= v2 ^ v10;
        Unsafe.Add(ref h, 3) ^= v3 ^ v11;
        Unsafe.Add(ref h, 4) ^= v4 ^ v12;
        Unsafe.Add(ref h, 5) ^= v5 ^ v13;
        Unsafe.Add(ref h, 6) ^= v6 ^ v14;
        Unsafe.Add(ref h, 7) ^= v7 ^ v15;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Word(ref byte block, int index)
    {
        var word = Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref block, index * 4));
        return BitConverter.IsLittleEndian ? word : BinaryPrimitives.ReverseEndianness(word);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Mix(ref uint a, ref uint b, ref uint c, ref uint d, uint x, uint y)
    {
        a += b + x;
        d = BitOperations.RotateRight(d ^ a, 16);
        c += d;
        b = BitOperations.RotateRight(b ^ c, 12);
        a += b + y;
        d = BitOperations.RotateRight(d ^ a, 8);
        c += d;
        b = BitOperations.RotateRight(b ^ c, 7);
    }
}
