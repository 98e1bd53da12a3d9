namespace UdpGateway.Listeners.Expressions;

internal enum RangeForm : byte
{
    /// <summary><c>[]</c></summary>
    Empty,

    /// <summary><c>[5]</c>: one byte, or as many as the type before the bracket takes.</summary>
    Index,

    /// <summary><c>[offset, length]</c></summary>
    OffsetAndLength,

    /// <summary><c>[start:end]</c>, both optional, without the byte at the end.</summary>
    StartToEnd,
}

/// <summary>A range of the payload as bytes, as text (<c>utf8</c>), or as a number that begins there.</summary>
internal sealed class RangeNode(RangeForm form, ExpressionNode? first, ExpressionNode? second, NumberFormat? number, bool isText)
    : ExpressionNode(1 + Math.Max(first?.Depth ?? 0, second?.Depth ?? 0))
{
    public override ExpressionValue Evaluate(ReadOnlySpan<byte> view)
    {
        if (!TrySlice(view, out var bytes))
            return ExpressionValue.Nothing;
        if (number is not null)
            return bytes.Length >= number.Size ? number.Read(bytes) : ExpressionValue.Nothing;
        return isText ? ExpressionValue.OfText(bytes) : ExpressionValue.OfBytes(bytes);
    }

    private bool TrySlice(ReadOnlySpan<byte> view, out ReadOnlySpan<byte> bytes)
    {
        bytes = [];
        if (form == RangeForm.Empty)
            return true;
        if (!TryGetOffset(first, view, missing: 0, out var start))
            return false;

        var length = (long)(number?.Size ?? 1);
        if (form == RangeForm.OffsetAndLength && !TryGetOffset(second, view, missing: 0, out length))
            return false;
        if (form == RangeForm.StartToEnd)
        {
            if (!TryGetOffset(second, view, missing: view.Length, out var end))
                return false;
            length = end - start;
        }

        if (length < 0 || start + length > view.Length)
            return false;
        bytes = view.Slice((int)start, (int)length);
        return true;
    }

    /// <summary>True for a number that may lie within a payload; no payload has 4 GiB.</summary>
    private static bool TryGetOffset(ExpressionNode? node, ReadOnlySpan<byte> view, long missing, out long offset)
    {
        offset = missing;
        if (node is null)
            return true;
        var value = node.Evaluate(view).AsNumber();
        if (value.Kind != ExpressionValueKind.Integral || value.Integer < 0 || value.Integer > uint.MaxValue)
            return false;
        offset = (long)value.Integer;
        return true;
    }
}
