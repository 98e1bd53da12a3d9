using System.Diagnostics.CodeAnalysis;

namespace UdpGateway.Listeners.Expressions;

/// <summary>
/// A binary range expression (BREX), such as <c>[0] == 0xFE ? [3:5] : 0xFFFF</c>: picks bytes, numbers or text out of
/// a payload. Compiled once; evaluation allocates nothing, never throws, and may run on several threads at a time.
/// </summary>
/// <remarks>
/// From loosest to tightest: <c>??</c>, <c>|</c>, <c>? :</c>, <c>||</c>, <c>&amp;&amp;</c>, <c>== !=</c>,
/// <c>&lt; &gt; &lt;= &gt;=</c>, <c>+ -</c>, <c>* /</c>, <c>! -</c> before a value. A read beyond the end is nothing, and
/// so is what is computed from nothing; <c>??</c> replaces it, and a condition takes it for false.
/// </remarks>
public sealed class Expression
{
    /// <summary>Longest expression, in characters.</summary>
    public const int MaxLength = 4096;

    private readonly ExpressionNode _root;

    private Expression(string text, ExpressionNode root)
    {
        Text = text;
        _root = root;
    }

    /// <summary>As it was written.</summary>
    public string Text { get; }

    /// <summary>Never throws on any text; exactly one of the two results is not null.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out Expression? expression, [NotNullWhen(false)] out ExpressionError? error)
    {
        expression = ExpressionParser.TryParse(text, out var root, out error) ? new Expression(text, root) : null;
        return expression is not null;
    }

    /// <summary>The value's bytes are slices of the payload or of the expression's own literals.</summary>
    public ExpressionValue Evaluate(ReadOnlySpan<byte> payload) => _root.Evaluate(payload);

    /// <summary>As a filter: any non-zero byte, or a number other than zero. Nothing is false.</summary>
    public bool IsTrue(ReadOnlySpan<byte> payload) => _root.Evaluate(payload).IsTrue;

    /// <summary>
    /// The value as text: bytes by the formatter (upper-case hex unless another is declared), numbers in decimal,
    /// text as it is. Null when it is nothing.
    /// </summary>
    /// <param name="payload">What the expression reads.</param>
    /// <param name="formatter">One of the four text formatters.</param>
    public string? Format(ReadOnlySpan<byte> payload, PayloadFormatter formatter = PayloadFormatter.Hex) => _root.Evaluate(payload).Format(formatter);

    /// <summary>The value as a number: bytes count as big-endian and unsigned, text as the decimal number that it spells.</summary>
    public bool TryGetNumber(ReadOnlySpan<byte> payload, out double number) => _root.Evaluate(payload).TryGetNumber(out number);

    public override string ToString() => Text;
}
