namespace UdpGateway.Listeners.Expressions;

internal enum Comparison : byte
{
    Equal,
    NotEqual,
    Less,
    Greater,
    LessOrEqual,
    GreaterOrEqual,
}

/// <summary>
/// Bytes compare byte by byte, a prefix before what it begins; as soon as one side is a number, both are numbers.
/// Nothing compares to nothing at all.
/// </summary>
internal sealed class ComparisonNode(Comparison comparison, ExpressionNode left, ExpressionNode right) : ExpressionNode(1 + Math.Max(left.Depth, right.Depth))
{
    public override ExpressionValue Evaluate(ReadOnlySpan<byte> view)
    {
        var first = left.Evaluate(view);
        var second = right.Evaluate(view);
        if (first.HasBytes && second.HasBytes)
            return Judge(first.Bytes.SequenceCompareTo(second.Bytes));

        first = first.AsNumber();
        second = second.AsNumber();
        if (first.IsNothing || second.IsNothing)
            return ExpressionValue.Nothing;
        if (first.Kind == ExpressionValueKind.Integral && second.Kind == ExpressionValueKind.Integral)
            return Judge(first.Integer.CompareTo(second.Integer));
        first.TryGetNumber(out var x);
        second.TryGetNumber(out var y);
        return Judge(x.CompareTo(y));
    }

    private ExpressionValue Judge(int order) => ExpressionValue.OfTruth(comparison switch
    {
        Comparison.Equal => order == 0,
        Comparison.NotEqual => order != 0,
        Comparison.Less => order < 0,
        Comparison.Greater => order > 0,
        Comparison.LessOrEqual => order <= 0,
        _ => order >= 0,
    });
}
