using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace UdpGateway.Listeners.Expressions;

/// <summary>
/// Recursive descent, one method for each level of precedence, loosest first. A method returns null once an error is
/// noted; the first one is what the author gets to read.
/// </summary>
internal sealed class ExpressionParser
{
    /// <summary>Brackets and parentheses within each other: bounds the recursion of the parser.</summary>
    public const int MaxNesting = 64;

    /// <summary>Operations within each other, also by chaining (<c>a + b + c</c>): bounds the recursion of evaluation.</summary>
    public const int MaxDepth = 256;

    private static readonly string TypeNames = string.Join(", ", NumberFormat.All.Keys.Append("utf8").Order(StringComparer.Ordinal));

    private ExpressionLexer _lexer;
    private Token _token;
    private int _nesting;
    private ExpressionError? _error;

    private ExpressionParser(string text)
    {
        _lexer = new ExpressionLexer(text);
        _token = _lexer.Next();
    }

    public static bool TryParse(string text, [NotNullWhen(true)] out ExpressionNode? root, [NotNullWhen(false)] out ExpressionError? error)
    {
        root = null;
        if (text.Length > Expression.MaxLength)
        {
            error = new ExpressionError(Expression.MaxLength + 1, $"the expression is too long; at most {Expression.MaxLength:N0} characters are supported");
            return false;
        }

        var parser = new ExpressionParser(text);
        root = parser.ParseDefault();
        if (root is not null && parser._token.Kind != TokenKind.End)
            root = parser.Expected("an operator or the end");
        error = parser._error;
        return root is not null;
    }

    // left ?? right
    private ExpressionNode? ParseDefault()
    {
        var left = ParsePipe();
        while (left is not null && TryTake("??"))
            left = Combine(left, ParsePipe(), static (left, right) => new DefaultNode(left, right));
        return left;
    }

    // left | right
    private ExpressionNode? ParsePipe()
    {
        var left = ParseChoice();
        while (left is not null && TryTake("|"))
            left = Combine(left, ParseChoice(), static (left, right) => new PipeNode(left, right));
        return left;
    }

    // condition ? first : second, where the second may be a choice again
    private ExpressionNode? ParseChoice()
    {
        var condition = ParseDisjunction();
        if (condition is null || !TryTake("?"))
            return condition;
        if (!TryNest() || ParseDefault() is not { } first || !TryExpect(":") || ParseChoice() is not { } second)
            return null;
        _nesting--;
        return Bounded(new ChoiceNode(condition, first, second));
    }

    private ExpressionNode? ParseDisjunction()
    {
        var left = ParseConjunction();
        while (left is not null && TryTake("||"))
            left = Combine(left, ParseConjunction(), static (left, right) => new LogicNode(left, right, decisive: true));
        return left;
    }

    private ExpressionNode? ParseConjunction()
    {
        var left = ParseEquality();
        while (left is not null && TryTake("&&"))
            left = Combine(left, ParseEquality(), static (left, right) => new LogicNode(left, right, decisive: false));
        return left;
    }

    // A single = is an older spelling of ==.
    private ExpressionNode? ParseEquality() => ParseComparison(ParseOrder, ("==", Comparison.Equal), ("=", Comparison.Equal), ("!=", Comparison.NotEqual));

    private ExpressionNode? ParseOrder() =>
        ParseComparison(ParseSum, ("<", Comparison.Less), (">", Comparison.Greater), ("<=", Comparison.LessOrEqual), (">=", Comparison.GreaterOrEqual));

    private ExpressionNode? ParseSum() => ParseArithmetic(ParseProduct, ("+", Arithmetic.Add), ("-", Arithmetic.Subtract));

    private ExpressionNode? ParseProduct() => ParseArithmetic(ParsePrefix, ("*", Arithmetic.Multiply), ("/", Arithmetic.Divide));

    private ExpressionNode? ParseComparison(Func<ExpressionNode?> parseOperand, params ReadOnlySpan<(string Symbol, Comparison Comparison)> operators)
    {
        var left = parseOperand();
        while (left is not null && TryTake(operators, out var comparison))
            left = Combine(left, parseOperand(), (left, right) => new ComparisonNode(comparison, left, right));
        return left;
    }

    private ExpressionNode? ParseArithmetic(Func<ExpressionNode?> parseOperand, params ReadOnlySpan<(string Symbol, Arithmetic Arithmetic)> operators)
    {
        var left = parseOperand();
        while (left is not null && TryTake(operators, out var arithmetic))
            left = Combine(left, parseOperand(), (left, right) => new ArithmeticNode(arithmetic, left, right));
        return left;
    }

    private ExpressionNode? ParsePrefix()
    {
        var isNot = TryTake("!");
        if (!isNot && !TryTake("-"))
            return ParseValue();
        if (!TryNest() || ParsePrefix() is not { } operand)
            return null;
        _nesting--;
        return Bounded(isNot ? new NotNode(operand) : new ArithmeticNode(Arithmetic.Subtract, new IntegerNode(0), operand));
    }

    private ExpressionNode? ParseValue()
    {
        var token = _token;
        switch (token.Kind)
        {
            case TokenKind.Bytes:
                return ParseBytes(token);
            case TokenKind.Number:
                return ParseNumber(token);
            case TokenKind.Word:
                return ParseTypedRange(token);
            case TokenKind.Symbol when Is("["):
                return ParseRange(number: null, isText: false);
            case TokenKind.Symbol when TryTake("("):
                if (!TryNest() || ParseDefault() is not { } inner || !TryExpect(")"))
                    return null;
                _nesting--;
                return inner;
            default:
                return Expected("a range such as [0:4], a typed read such as u16le[2], a number or '('");
        }
    }

    private BytesNode? ParseBytes(Token token)
    {
        var digits = _lexer.TextOf(token)[2..].ToString();
        if (digits.Length == 0)
            return (BytesNode?)Fail(token.Position + token.Length, "expected hexadecimal digits after 0x");
        Advance();
        return new BytesNode(Convert.FromHexString(digits.Length % 2 == 0 ? digits : "0" + digits));
    }

    private ExpressionNode? ParseNumber(Token token)
    {
        var digits = _lexer.TextOf(token);
        Advance();
        if (digits.Contains('.'))
            return new RealNode(double.Parse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture));
        return long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? new IntegerNode(number)
            : Fail(token.Position, $"expected a number up to {long.MaxValue}");
    }

    private ExpressionNode? ParseTypedRange(Token token)
    {
        var word = _lexer.TextOf(token).ToString();
        if (word.Equals("tlv", StringComparison.OrdinalIgnoreCase))
            return Fail(token.Position, "TLV search is not supported; read the bytes by their offset");
        var isText = word == "utf8";
        NumberFormat? number = null;
        if (!isText && !NumberFormat.All.TryGetValue(word, out number))
            return Expected($"a type ({TypeNames})");
        Advance();
        return Is("[") ? ParseRange(number, isText) : Expected("'['");
    }

    // From the opening bracket to the closing one.
    private ExpressionNode? ParseRange(NumberFormat? number, bool isText)
    {
        Advance();
        if (!TryNest())
            return null;

        var form = RangeForm.Empty;
        ExpressionNode? first = null;
        ExpressionNode? second = null;
        if (!Is("]"))
        {
            form = RangeForm.Index;
            if (!Is(":") && (first = ParseDefault()) is null)
                return null;
            if (TryTake(":"))
            {
                form = RangeForm.StartToEnd;
                if (!Is("]") && (second = ParseDefault()) is null)
                    return null;
            }
            else if (TryTake(","))
            {
                form = RangeForm.OffsetAndLength;
                if ((second = ParseDefault()) is null)
                    return null;
            }
        }

        if (!TryTake("]"))
            return Expected(form == RangeForm.Index ? "']', ':' or ','" : "']'");
        _nesting--;
        return Bounded(new RangeNode(form, first, second, number, isText));
    }

    private ExpressionNode? Combine(ExpressionNode left, ExpressionNode? right, Func<ExpressionNode, ExpressionNode, ExpressionNode> combine) =>
        right is null ? null : Bounded(combine(left, right));

    private ExpressionNode? Bounded(ExpressionNode node) =>
        node.Depth <= MaxDepth ? node : Fail(_token.Position, $"the expression chains too many operations; at most {MaxDepth} are supported");

    private bool TryNest()
    {
        if (++_nesting <= MaxNesting)
            return true;
        Fail(_token.Position, $"the expression is nested too deeply; at most {MaxNesting} levels are supported");
        return false;
    }

    private void Advance() => _token = _lexer.Next();

    private bool Is(string symbol) => _token.Kind == TokenKind.Symbol && _lexer.TextOf(_token).SequenceEqual(symbol);

    private bool TryTake(string symbol)
    {
        if (!Is(symbol))
            return false;
        Advance();
        return true;
    }

    private bool TryTake<T>(ReadOnlySpan<(string Symbol, T Meaning)> operators, [MaybeNullWhen(false)] out T meaning)
    {
        foreach (var (symbol, candidate) in operators)
        {
            if (TryTake(symbol))
            {
                meaning = candidate;
                return true;
            }
        }

        meaning = default;
        return false;
    }

    private bool TryExpect(string symbol)
    {
        if (TryTake(symbol))
            return true;
        Expected($"'{symbol}'");
        return false;
    }

    private ExpressionNode? Expected(string what) => Fail(_token.Position, $"expected {what}, but found {_lexer.Describe(_token)}");

    private ExpressionNode? Fail(int position, string sentence)
    {
        _error ??= new ExpressionError(position, sentence);
        return null;
    }
}
