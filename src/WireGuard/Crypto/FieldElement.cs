using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace UdpGateway.WireGuard.Crypto;

/// <summary>
/// An integer modulo p = 2^255 − 19 in five limbs of 51 bits. Loose: results of <see cref="Multiply"/>, <see cref="Square"/> and
/// <see cref="MultiplyByA24"/> have limbs below 2^52 − 38, those of <see cref="Add"/> and <see cref="Subtract"/> below 2^53. Multiplication
/// takes both forms; the subtrahend must be of the first one.
/// </summary>
internal struct FieldElement
{
    private const ulong Mask = (1UL << 51) - 1;

    private ulong _l0, _l1, _l2, _l3, _l4;

    public static FieldElement One => new() { _l0 = 1 };

    public static FieldElement Load(ReadOnlySpan<byte> bytes) => new()
    {
        _l0 = BinaryPrimitives.ReadUInt64LittleEndian(bytes) & Mask,
        _l1 = (BinaryPrimitives.ReadUInt64LittleEndian(bytes[6..]) >> 3) & Mask,
        _l2 = (BinaryPrimitives.ReadUInt64LittleEndian(bytes[12..]) >> 6) & Mask,
        _l3 = (BinaryPrimitives.ReadUInt64LittleEndian(bytes[19..]) >> 1) & Mask,
        _l4 = (BinaryPrimitives.ReadUInt64LittleEndian(bytes[24..]) >> 12) & Mask,
    };

    /// <summary>Writes the one representative below p.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Store(Span<byte> bytes)
    {
        ulong l0 = _l0, l1 = _l1, l2 = _l2, l3 = _l3, l4 = _l4;
        for (var pass = 0; pass < 2; pass++)
        {
            l1 += l0 >> 51;
            l0 &= Mask;
            l2 += l1 >> 51;
            l1 &= Mask;
            l3 += l2 >> 51;
            l2 &= Mask;
            l4 += l3 >> 51;
            l3 &= Mask;
            l0 += 19 * (l4 >> 51);
            l4 &= Mask;
        }

        // Now the value is below 2p. Adding 19 carries out of bit 255 exactly when it is p or more; that carry says what to subtract.
        var quotient = (l0 + 19) >> 51;
        quotient = (l1 + quotient) >> 51;
        quotient = (l2 + quotient) >> 51;
        quotient = (l3 + quotient) >> 51;
        quotient = (l4 + quotient) >> 51;
        l0 += 19 * quotient;
        l1 += l0 >> 51;
        l2 += l1 >> 51;
        l3 += l2 >> 51;
        l4 += l3 >> 51;
        l0 &= Mask;
        l1 &= Mask;
        l2 &= Mask;
        l3 &= Mask;
        l4 &= Mask;

        BinaryPrimitives.WriteUInt64LittleEndian(bytes, l0 | (l1 << 51));
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[8..], (l1 >> 13) | (l2 << 38));
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[16..], (l2 >> 26) | (l3 << 25));
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[24..], (l3 >> 39) | (l4 << 12));
    }

    /// <param name="swap">1 exchanges the two, 0 leaves them.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Swap(ref FieldElement a, ref FieldElement b, ulong swap)
    {
        var mask = 0 - swap;
        var difference = mask & (a._l0 ^ b._l0);
        a._l0 ^= difference;
        b._l0 ^= difference;
        difference = mask & (a._l1 ^ b._l1);
        a._l1 ^= difference;
        b._l1 ^= difference;
        difference = mask & (a._l2 ^ b._l2);
        a._l2 ^= difference;
        b._l2 ^= difference;
        difference = mask & (a._l3 ^ b._l3);
        a._l3 ^= difference;
        b._l3 ^= difference;
        difference = mask & (a._l4 ^ b._l4);
        a._l4 ^= difference;
        b._l4 ^= difference;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Add(in FieldElement a, in FieldElement b, out FieldElement sum)
    {
        sum._l0 = a._l0 + b._l0;
        sum._l1 = a._l1 + b._l1;
        sum._l2 = a._l2 + b._l2;
        sum._l3 = a._l3 + b._l3;
        sum._l4 = a._l4 + b._l4;
    }

    /// <summary>a + 2p − b, so that no limb goes below zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Subtract(in FieldElement a, in FieldElement b, out FieldElement difference)
    {
        difference._l0 = a._l0 + (2 * (Mask - 18)) - b._l0;
        difference._l1 = a._l1 + (2 * Mask) - b._l1;
        difference._l2 = a._l2 + (2 * Mask) - b._l2;
        difference._l3 = a._l3 + (2 * Mask) - b._l3;
        difference._l4 = a._l4 + (2 * Mask) - b._l4;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(in FieldElement a, in FieldElement b, out FieldElement product)
    {
        ulong a0 = a._l0, a1 = a._l1, a2 = a._l2, a3 = a._l3, a4 = a._l4;
        ulong b0 = b._l0, b1 = b._l1, b2 = b._l2, b3 = b._l3, b4 = b._l4;
        // 2^255 = 19 modulo p: a limb product that leaves the top comes back times 19.
        ulong b1x19 = b1 * 19, b2x19 = b2 * 19, b3x19 = b3 * 19, b4x19 = b4 * 19;

        Wide r0 = default, r1 = default, r2 = default, r3 = default, r4 = default;
        r0.AddProduct(a0, b0);
        r0.AddProduct(a1, b4x19);
        r0.AddProduct(a2, b3x19);
        r0.AddProduct(a3, b2x19);
        r0.AddProduct(a4, b1x19);
        r1.AddProduct(a0, b1);
        r1.AddProduct(a1, b0);
        r1.AddProduct(a2, b4x19);
        r1.AddProduct(a3, b3x19);
        r1.AddProduct(a4, b2x19);
        r2.AddProduct(a0, b2);
        r2.AddProduct(a1, b1);
        r2.AddProduct(a2, b0);
        r2.AddProduct(a3, b4x19);
        r2.AddProduct(a4, b3x19);
        r3.AddProduct(a0, b3);
        r3.AddProduct(a1, b2);
        r3.AddProduct(a2, b1);
        r3.AddProduct(a3, b0);
        r3.AddProduct(a4, b4x19);
        r4.AddProduct(a0, b4);
        r4.AddProduct(a1, b3);
        r4.AddProduct(a2, b2);
        r4.AddProduct(a3, b1);
        r4.AddProduct(a4, b0);
        Carry(ref r0, ref r1, ref r2, ref r3, ref r4, out product);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Square(in FieldElement a, out FieldElement square)
    {
        ulong a0 = a._l0, a1 = a._l1, a2 = a._l2, a3 = a._l3, a4 = a._l4;
        ulong a0x2 = a0 * 2, a1x2 = a1 * 2, a2x2 = a2 * 2, a3x19 = a3 * 19, a4x19 = a4 * 19;

        Wide r0 = default, r1 = default, r2 = default, r3 = default, r4 = default;
        r0.AddProduct(a0, a0);
        r0.AddProduct(a1x2, a4x19);
        r0.AddProduct(a2x2, a3x19);
        r1.AddProduct(a0x2, a1);
        r1.AddProduct(a2x2, a4x19);
        r1.AddProduct(a3, a3x19);
        r2.AddProduct(a0x2, a2);
        r2.AddProduct(a1, a1);
        r2.AddProduct(a3 * 2, a4x19);
        r3.AddProduct(a0x2, a3);
        r3.AddProduct(a1x2, a2);
        r3.AddProduct(a4, a4x19);
        r4.AddProduct(a0x2, a4);
        r4.AddProduct(a1x2, a3);
        r4.AddProduct(a2, a2);
        Carry(ref r0, ref r1, ref r2, ref r3, ref r4, out square);
    }

    /// <summary>Times (486662 − 2) / 4 = 121665, the curve's constant in the ladder.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void MultiplyByA24(in FieldElement a, out FieldElement product)
    {
        const ulong A24 = 121665;
        Wide r0 = default, r1 = default, r2 = default, r3 = default, r4 = default;
        r0.AddProduct(a._l0, A24);
        r1.AddProduct(a._l1, A24);
        r2.AddProduct(a._l2, A24);
        r3.AddProduct(a._l3, A24);
        r4.AddProduct(a._l4, A24);
        Carry(ref r0, ref r1, ref r2, ref r3, ref r4, out product);
    }

    /// <summary>a^(p − 2); zero goes to zero. The exponent 2^255 − 21 is built from runs of ones.</summary>
    public static void Invert(in FieldElement a, out FieldElement inverse)
    {
        Square(a, out var a2);
        SquareTimes(a2, 2, out var a8);
        Multiply(a, a8, out var a9);
        Multiply(a2, a9, out var a11);
        Square(a11, out var a22);
        Multiply(a9, a22, out var ones5);                // 2^5 − 1
        ExtendOnes(ones5, ones5, 5, out var ones10);
        ExtendOnes(ones10, ones10, 10, out var ones20);
        ExtendOnes(ones20, ones20, 20, out var ones40);
        ExtendOnes(ones40, ones10, 10, out var ones50);
        ExtendOnes(ones50, ones50, 50, out var ones100);
        ExtendOnes(ones100, ones100, 100, out var ones200);
        ExtendOnes(ones200, ones50, 50, out var ones250);
        ExtendOnes(ones250, a11, 5, out inverse);        // (2^250 − 1) · 2^5 + 11 = 2^255 − 21
    }

    private static void ExtendOnes(in FieldElement high, in FieldElement low, int shift, out FieldElement extended)
    {
        SquareTimes(high, shift, out var shifted);
        Multiply(shifted, low, out extended);
    }

    private static void SquareTimes(in FieldElement a, int times, out FieldElement power)
    {
        power = a;
        for (var i = 0; i < times; i++)
            Square(power, out power);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Carry(ref Wide r0, ref Wide r1, ref Wide r2, ref Wide r3, ref Wide r4, out FieldElement reduced)
    {
        r1.Add(r0.ShiftRight51());
        r2.Add(r1.ShiftRight51());
        r3.Add(r2.ShiftRight51());
        r4.Add(r3.ShiftRight51());
        var l0 = (r0.Low & Mask) + (19 * r4.ShiftRight51());
        reduced._l0 = l0 & Mask;
        reduced._l1 = (r1.Low & Mask) + (l0 >> 51);
        reduced._l2 = r2.Low & Mask;
        reduced._l3 = r3.Low & Mask;
        reduced._l4 = r4.Low & Mask;
    }

    /// <summary>A 128-bit sum whose carries are arithmetic: a comparison taken as a number is a flag, never a jump.</summary>
    private struct Wide
    {
        public ulong High, Low;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void AddProduct(ulong a, ulong b)
        {
            var high = Math.BigMul(a, b, out var low);
            Low += low;
            High += high + Unsafe.BitCast<bool, byte>(Low < low);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Add(ulong value)
        {
            Low += value;
            High += Unsafe.BitCast<bool, byte>(Low < value);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly ulong ShiftRight51() => (High << 13) | (Low >> 51);
    }
}
