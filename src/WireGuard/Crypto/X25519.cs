using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace UdpGateway.WireGuard.Crypto;

/// <summary>
/// RFC 7748 §5: the Montgomery ladder on curve25519. Constant time: no branch and no index depends on the scalar or on a coordinate.
/// </summary>
internal static class X25519
{
    public const int Size = 32;

    public static ReadOnlySpan<byte> BasePoint =>
        [9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    /// <summary>RFC 7748 §5, decodeScalar25519.</summary>
    public static void Clamp(Span<byte> scalar)
    {
        scalar[0] &= 0b1111_1000;
        scalar[31] = (byte)((scalar[31] & 0b0111_1111) | 0b0100_0000);
    }

    public static void CheckLength(ReadOnlySpan<byte> bytes, string name)
    {
        if (bytes.Length != Size)
            throw new ArgumentException("A key has 32 bytes.", name);
    }

    /// <param name="scalar">32 bytes, already clamped.</param>
    /// <param name="u">32 bytes; the highest bit is ignored, values of p and above are taken modulo p.</param>
    // Optimized from the first call on, because the first tier may turn arithmetic on flags into branches.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ScalarMultiply(ReadOnlySpan<byte> scalar, ReadOnlySpan<byte> u, Span<byte> product)
    {
        Ladder ladder = default;
        ladder.X1 = FieldElement.Load(u);
        ladder.X2 = FieldElement.One;
        ladder.X3 = ladder.X1;
        ladder.Z3 = FieldElement.One;

        var swap = 0UL;
        for (var position = 254; position >= 0; position--)
        {
            var bit = (ulong)(scalar[position >> 3] >> (position & 7)) & 1;
            swap ^= bit;
            FieldElement.Swap(ref ladder.X2, ref ladder.X3, swap);
            FieldElement.Swap(ref ladder.Z2, ref ladder.Z3, swap);
            swap = bit;
            Step(ref ladder);
        }
        FieldElement.Swap(ref ladder.X2, ref ladder.X3, swap);
        FieldElement.Swap(ref ladder.Z2, ref ladder.Z3, swap);

        FieldElement.Invert(ladder.Z2, out ladder.Z2);
        FieldElement.Multiply(ladder.X2, ladder.Z2, out ladder.X2);
        ladder.X2.Store(product);
        CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(new Span<Ladder>(ref ladder)));
    }

    /// <summary>One doubling and one differential addition, with the names of RFC 7748 §5.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Step(ref Ladder s)
    {
        FieldElement.Add(s.X2, s.Z2, out s.A);
        FieldElement.Subtract(s.X2, s.Z2, out s.B);
        FieldElement.Add(s.X3, s.Z3, out s.C);
        FieldElement.Subtract(s.X3, s.Z3, out s.D);
        FieldElement.Multiply(s.D, s.A, out s.D);        // DA
        FieldElement.Multiply(s.C, s.B, out s.C);        // CB
        FieldElement.Square(s.A, out s.A);               // AA
        FieldElement.Square(s.B, out s.B);               // BB

        FieldElement.Add(s.D, s.C, out s.X3);
        FieldElement.Square(s.X3, out s.X3);
        FieldElement.Subtract(s.D, s.C, out s.Z3);
        FieldElement.Square(s.Z3, out s.Z3);
        FieldElement.Multiply(s.X1, s.Z3, out s.Z3);

        FieldElement.Multiply(s.A, s.B, out s.X2);
        FieldElement.Subtract(s.A, s.B, out s.B);        // E
        FieldElement.MultiplyByA24(s.B, out s.C);
        FieldElement.Add(s.A, s.C, out s.A);
        FieldElement.Multiply(s.B, s.A, out s.Z2);
    }

    /// <summary>Everything that depends on the scalar, in one place so that one call clears it.</summary>
    private struct Ladder
    {
        public FieldElement X1, X2, Z2, X3, Z3, A, B, C, D;
    }
}
