using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace UdpGateway.Gateway.Packets;

/// <summary>The opaque tag of a packet: sixteen hex digits of its batch and four or more of its place there.</summary>
internal static class PacketTag
{
    private const int BatchDigits = 16;
    private const int MinIndexDigits = 4;
    private const int MaxIndexDigits = 8;

    public const int MaxLength = BatchDigits + MaxIndexDigits;

    public static ReadOnlySpan<byte> Write(ulong batch, int index, Span<byte> tag)
    {
        var length = WriteBatch(batch, tag);
        return tag[..(length + WriteIndex(index, tag[length..]))];
    }

    /// <summary>What the tags of a batch begin with; returns its length.</summary>
    public static int WriteBatch(ulong batch, Span<byte> tag)
    {
        Utf8Formatter.TryFormat(batch, tag, out var length, new StandardFormat('x', BatchDigits));
        return length;
    }

    /// <summary>What they end with; returns its length.</summary>
    public static int WriteIndex(int index, Span<byte> tag)
    {
        Utf8Formatter.TryFormat(index, tag, out var length, new StandardFormat('x', MinIndexDigits));
        return length;
    }

    /// <summary>False when the tag is none of this batch.</summary>
    public static bool TryRead(string tag, ulong batch, int count, out int index)
    {
        index = -1;
        return tag.Length is > BatchDigits and <= MaxLength
            && ulong.TryParse(tag.AsSpan(0, BatchDigits), NumberStyles.AllowHexSpecifier, null, out var id)
            && id == batch
            && int.TryParse(tag.AsSpan(BatchDigits), NumberStyles.AllowHexSpecifier, null, out index)
            && index >= 0
            && index < count
            && IsCanonical(tag, batch, index);
    }

    private static bool IsCanonical(string tag, ulong batch, int index)
    {
        Span<byte> expected = stackalloc byte[MaxLength];
        return Ascii.Equals(Write(batch, index, expected), tag);
    }
}
