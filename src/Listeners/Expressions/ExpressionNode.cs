namespace UdpGateway.Listeners.Expressions;

/// <summary>
/// One operation of a compiled expression. Immutable. <see cref="Depth"/> bounds the recursion of
/// <see cref="Evaluate"/>; the parser refuses what is deeper than a thread's stack surely carries.
/// </summary>
internal abstract class ExpressionNode(int depth)
{
    public int Depth { get; } = depth;

    /// <param name="view">The payload, or on the right of a pipe what its left gave.</param>
    public abstract ExpressionValue Evaluate(ReadOnlySpan<byte> view);
}

internal sealed class BytesNode(byte[] bytes) : ExpressionNode(1)
{
    public override ExpressionValue Evaluate(ReadOnlySpan<byte> view) => ExpressionValue.OfBytes(bytes);
}

internal sealed class IntegerNode(long number) : ExpressionNode(1)
{
    public override ExpressionValue Evaluate(ReadOnlySpan<byte> view) => ExpressionValue.OfNumber((Int128)number);
}

internal sealed class RealNode(double number) : ExpressionNode(1)
{
    public override ExpressionValue Evaluate(ReadOnlySpan<byte> view) => ExpressionValue.OfNumber(number);
}

/// <summary><c>left | right</c>: the right side reads from what the left side gave. Numbers have no bytes to read from.</summary>
internal sealed class PipeNode(ExpressionNode left, ExpressionNode right) : ExpressionNode(1 + Math.Max(left.Depth, right.Depth))
{
    public override ExpressionValue Evaluate(ReadOnlySpan<byte> view)
    {
        var input = left.Evaluate(view);
        return input.HasBytes ? right.Evaluate(input.Bytes) : ExpressionValue.Nothing;
    }
}

/// <summary><c>left ?? right</c>.</summary>
internal sealed class DefaultNode(ExpressionNode left, ExpressionNode right) : ExpressionNode(1 + Math.Max(left.Depth, right.Depth))
{
    public override ExpressionValue Evaluate(ReadOnlySpan<byte> view)
    {
        var value = left.Evaluate(view);
        return value.IsNothing ? right.Evaluate(view) : value;
    }
}

/// <summary><c>condition ? first : second</c>; nothing chooses the second, as false does.</summary>
internal sealed class ChoiceNode(ExpressionNode condition, ExpressionNode first, ExpressionNode second)
    : ExpressionNode(1 + Math.Max(condition.Depth, Math.Max(first.Depth, second.Depth)))
{
    public override ExpressionValue Evaluate(ReadOnlySpan<byte> view) => condition.Evaluate(view).IsTrue ? first.Evaluate(view) : second.Evaluate(view);
}

/// <summary>
/// <c>&amp;&amp;</c> and <c>||</c> with three values: nothing gives way only to what decides alone, which is false for
/// a conjunction and true for a disjunction.
/// </summary>
internal sealed class LogicNode(ExpressionNode left, ExpressionNode right, bool decisive) : ExpressionNode(1 + Math.Max(left.Depth, right.Depth))
{
    public override ExpressionValue Evaluate(ReadOnlySpan<byte> view)
    {
        var first = left.Evaluate(view);
        if (!first.IsNothing && first.IsTrue == decisive)
            return ExpressionValue.OfTruth(decisive);
        var second = right.Evaluate(view);
        if (!second.IsNothing && second.IsTrue == decisive)
            return ExpressionValue.OfTruth(decisive);
        return first.IsNothing || second.IsNothing ? ExpressionValue.Nothing : ExpressionValue.OfTruth(!decisive);
    }
}

internal sealed class NotNode(ExpressionNode operand) : ExpressionNode(1 + operand.Depth)
{
    public override ExpressionValue Evaluate(ReadOnlySpan<byte> view)
    {
        var value = operand.Evaluate(view);
        return value.IsNothing ? value : ExpressionValue.OfTruth(!value.IsTrue);
    }
}
