using System.Buffers.Binary;
using System.Collections.Frozen;

namespace UdpGateway.Listeners.Expressions;

/// <summary>How a typed read such as <c>u16le[4]</c> takes a number out of bytes.</summary>
/// <param name="Size">Bytes that it takes.</param>
/// <param name="Read">Reads from the start of at least that many bytes.</param>
internal sealed record NumberFormat(int Size, NumberFormat.Reader Read)
{
    public delegate ExpressionValue Reader(ReadOnlySpan<byte> bytes);

    /// <summary>By the word that stands before the bracket.</summary>
    public static FrozenDictionary<string, NumberFormat> All { get; } = new Dictionary<string, NumberFormat>(StringComparer.Ordinal)
    {
        ["u8"] = new(1, static bytes => Integer(bytes[0])),
        ["i8"] = new(1, static bytes => Integer((sbyte)bytes[0])),
        ["u16le"] = new(2, static bytes => Integer(BinaryPrimitives.ReadUInt16LittleEndian(bytes))),
        ["u16be"] = new(2, static bytes => Integer(BinaryPrimitives.ReadUInt16BigEndian(bytes))),
        ["i16le"] = new(2, static bytes => Integer(BinaryPrimitives.ReadInt16LittleEndian(bytes))),
        ["i16be"] = new(2, static bytes => Integer(BinaryPrimitives.ReadInt16BigEndian(bytes))),
        ["u32le"] = new(4, static bytes => Integer(BinaryPrimitives.ReadUInt32LittleEndian(bytes))),
        ["u32be"] = new(4, static bytes => Integer(BinaryPrimitives.ReadUInt32BigEndian(bytes))),
        ["i32le"] = new(4, static bytes => Integer(BinaryPrimitives.ReadInt32LittleEndian(bytes))),
        ["i32be"] = new(4, static bytes => Integer(BinaryPrimitives.ReadInt32BigEndian(bytes))),
        ["u64le"] = new(8, static bytes => Integer(BinaryPrimitives.ReadUInt64LittleEndian(bytes))),
        ["u64be"] = new(8, static bytes => Integer(BinaryPrimitives.ReadUInt64BigEndian(bytes))),
        ["i64le"] = new(8, static bytes => Integer(BinaryPrimitives.ReadInt64LittleEndian(bytes))),
        ["i64be"] = new(8, static bytes => Integer(BinaryPrimitives.ReadInt64BigEndian(bytes))),
        ["f32le"] = new(4, static bytes => ExpressionValue.OfNumber((double)BinaryPrimitives.ReadSingleLittleEndian(bytes))),
        ["f32be"] = new(4, static bytes => ExpressionValue.OfNumber((double)BinaryPrimitives.ReadSingleBigEndian(bytes))),
        ["f64le"] = new(8, static bytes => ExpressionValue.OfNumber(BinaryPrimitives.ReadDoubleLittleEndian(bytes))),
        ["f64be"] = new(8, static bytes => ExpressionValue.OfNumber(BinaryPrimitives.ReadDoubleBigEndian(bytes))),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private static ExpressionValue Integer(Int128 integer) => ExpressionValue.OfNumber(integer);
}
