namespace UdpGateway.Listeners.Expressions;

internal enum Arithmetic : byte
{
    Add,
    Subtract,
    Multiply,
    Divide,
}

/// <summary>Of two integers an integer (division drops the fraction), else a real. Beyond 64 bits, and by zero: nothing.</summary>
internal sealed class ArithmeticNode(Arithmetic arithmetic, ExpressionNode left, ExpressionNode right) : ExpressionNode(1 + Math.Max(left.Depth, right.Depth))
{
    // Products below it fit 128 bits; what is above it is beyond 64 bits anyway.
    private const double MaxProduct = 1e20;

    public override ExpressionValue Evaluate(ReadOnlySpan<byte> view)
    {
        var first = left.Evaluate(view).AsNumber();
        var second = right.Evaluate(view).AsNumber();
        if (first.IsNothing || second.IsNothing)
            return ExpressionValue.Nothing;
        if (first.Kind == ExpressionValueKind.Integral && second.Kind == ExpressionValueKind.Integral)
            return Compute(first.Integer, second.Integer);
        first.TryGetNumber(out var x);
        second.TryGetNumber(out var y);
        return Compute(x, y);
    }

    private ExpressionValue Compute(Int128 x, Int128 y) => arithmetic switch
    {
        Arithmetic.Add => ExpressionValue.OfNumber(x + y),
        Arithmetic.Subtract => ExpressionValue.OfNumber(x - y),
        Arithmetic.Multiply => Math.Abs((double)x * (double)y) < MaxProduct ? ExpressionValue.OfNumber(x * y) : ExpressionValue.Nothing,
        _ => y == 0 ? ExpressionValue.Nothing : ExpressionValue.OfNumber(x / y),
    };

    // Division by zero gives an infinity or NaN, which OfNumber takes for nothing.
    private ExpressionValue Compute(double x, double y) => ExpressionValue.OfNumber(arithmetic switch
    {
        Arithmetic.Add => x + y,
        Arithmetic.Subtract => x - y,
        Arithmetic.Multiply => x * y,
        _ => x / y,
    });
}
