using FsCheck;
using FsCheck.Fluent;
using UdpGateway.Listeners.Expressions;

namespace UdpGateway.Listeners.Tests.Expressions;

public sealed class ExpressionErrorTests
{
    private const string Value = "a range such as [0:4], a typed read such as u16le[2], a number or '('";
    private const string Types = "f32be, f32le, f64be, f64le, i16be, i16le, i32be, i32le, i64be, i64le, i8, u16be, u16le, u32be, u32le, u64be, u64le, u8, utf8";

    private static readonly string[] Words =
    [
        "[", "]", "(", ")", ":", ",", "?", "??", "|", "||", "&&", "==", "=", "!=", "<", ">", "<=", ">=", "+", "-", "*", "/", "!", "0", "1", "2.5", "0xFE", "0x",
        "99999999999999999999", "u8[", "u16le[0]", "utf8[:]", "f64be[1,8]", "u8", "tlv", "[0]", "[0:4]", " ", "é", "\ud800", "\0", "&", "~", "[0] == 0xFE ? [3:5] : ",
    ];

    private static readonly byte[][] Payloads =
    [
        [], [0], [0xFF], [0xFE, 1, 2, 3, 4], [.. Enumerable.Range(0, 300).Select(index => (byte)index)], [.. Enumerable.Repeat((byte)0xFF, 64)], [.. "-12.5e3"u8],
    ];

    [Theory]
    [InlineData("", 1, $"expected {Value}, but found the end")]
    [InlineData("[0:4", 5, "expected ']', but found the end")]
    [InlineData("[0:4)", 5, "expected ']', but found ')'")]
    [InlineData("[0 4]", 4, "expected ']', ':' or ',', but found '4'")]
    [InlineData("[0,]", 4, $"expected {Value}, but found ']'")]
    [InlineData("[0:1:2]", 5, "expected ']', but found ':'")]
    [InlineData("([0]", 5, "expected ')', but found the end")]
    [InlineData("[0] ==", 7, $"expected {Value}, but found the end")]
    [InlineData("[0] [1]", 5, "expected an operator or the end, but found '['")]
    [InlineData("[0] ? [1]", 10, "expected ':', but found the end")]
    [InlineData("[0] & [1]", 5, "expected an operator or the end, but found '&'")]
    [InlineData("[0] == 0xZZ", 10, "expected hexadecimal digits after 0x")]
    [InlineData("[99999999999999999999]", 2, "expected a number up to 9223372036854775807")]
    [InlineData("u24[0]", 1, $"expected a type ({Types}), but found 'u24'")]
    [InlineData("U8[0]", 1, $"expected a type ({Types}), but found 'U8'")]
    [InlineData("u8 + 1", 4, "expected '[', but found '+'")]
    [InlineData("[0] | tlv[3]", 7, "TLV search is not supported; read the bytes by their offset")]
    [InlineData("TLV(3)", 1, "TLV search is not supported; read the bytes by their offset")]
    [InlineData("\u0007", 1, $"expected {Value}, but found U+0007")]
    [InlineData("[0] é", 5, "expected an operator or the end, but found U+00E9")]
    [InlineData("abcdefghijklmnopqrstuvwxyz", 1, $"expected a type ({Types}), but found 'abcdefghijklmnopqrst…'")]
    public void Names_the_character_and_what_was_expected(string text, int position, string sentence)
    {
        Assert.False(Expression.TryParse(text, out var expression, out var error));

        Assert.Null(expression);
        Assert.Equal(new ExpressionError(position, sentence), error);
        Assert.Equal($"at character {position}: {sentence}", error.ToString());
    }

    [Fact]
    public void Refuses_what_is_too_long()
    {
        Assert.True(Expression.TryParse("1".PadRight(Expression.MaxLength), out _, out _));

        Assert.False(Expression.TryParse("1".PadRight(Expression.MaxLength + 1), out _, out var error));
        Assert.Equal("at character 4097: the expression is too long; at most 4,096 characters are supported", error.ToString());
    }

    [Theory]
    [InlineData("(", "1", ")")]
    [InlineData("[", "1", "]")]
    [InlineData("u8[", "1", "]")]
    [InlineData("!", "1", "")]
    [InlineData("- ", "1", "")]
    [InlineData("1 ? 1 : ", "1", "")]
    [InlineData("1 ? ", "1", " : 1")]
    public void Refuses_what_is_nested_too_deeply(string open, string inner, string close)
    {
        Assert.True(Expression.TryParse(Nest(60), out var expression, out _));
        Assert.False(Expression.TryParse(Nest(65), out _, out var error));
        Assert.Contains("nested too deeply; at most 64 levels are supported", error.Sentence, StringComparison.Ordinal);

        expression.Evaluate([1, 2, 3]);

        string Nest(int levels) => string.Concat(Enumerable.Repeat(open, levels)) + inner + string.Concat(Enumerable.Repeat(close, levels));
    }

    [Theory]
    [InlineData("+")]
    [InlineData("|")]
    [InlineData("??")]
    [InlineData("&&")]
    [InlineData("==")]
    public void Refuses_chains_that_are_too_long(string symbol)
    {
        Assert.True(Expression.TryParse(Chain(256), out var expression, out _));
        Assert.False(Expression.TryParse(Chain(257), out _, out var error));
        Assert.Contains("chains too many operations; at most 256 are supported", error.Sentence, StringComparison.Ordinal);

        expression.Evaluate([1, 2, 3]);

        string Chain(int operands) => string.Join(symbol, Enumerable.Repeat("1", operands));
    }

    [Fact]
    public void Arbitrary_text_is_an_expression_that_evaluates_or_an_error_within_it()
    {
        var words = Gen.Elements(Words).ListOf().Select(string.Concat);
        var letters = ArbMap.Default.ArbFor<string>().Generator.Select(text => text ?? "");
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(8_000).WithEndSize(40), Prop.ForAll(Gen.Frequency((4, words), (1, letters)).ToArbitrary(), Holds));
    }

    [Fact]
    public void Every_valid_expression_of_random_parts_evaluates_for_every_payload()
    {
        var parsed = 0;
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2_000), Prop.ForAll(Valid(4).ToArbitrary(), text =>
        {
            Assert.True(Expression.TryParse(text, out _, out var error), $"{text}: {error}");
            parsed++;
            return Holds(text);
        }));

        Assert.InRange(parsed, 2_000, int.MaxValue);
    }

    private static Gen<string> Valid(int depth)
    {
        var atom = Gen.Elements("0", "1", "3", "255", "0.5", "9223372036854775807", "0x00", "0xFFFF", "[0]", "[:]", "[1:3]", "[2,2]", "u8[0]", "i64le[0]", "u64be[:]", "f32le[1]", "f64le[0]", "utf8[:]", "[]");
        if (depth == 0)
            return atom;
        var part = Valid(depth - 1);
        var binary = from left in part
                     from symbol in Gen.Elements("??", "|", "||", "&&", "==", "!=", "<", ">", "<=", ">=", "+", "-", "*", "/")
                     from right in part
                     select $"{left} {symbol} {right}";
        var choice = from condition in part from first in part from second in part select $"({condition}) ? {first} : ({second})";
        var range = from type in Gen.Elements("", "u8", "i16be", "u64le", "f64be", "utf8")
                    from start in part
                    from symbol in Gen.Elements(":", ",")
                    from end in part
                    select $"{type}[({start}){symbol}({end})]";
        return Gen.OneOf(atom, binary, choice, range, part.Select(inner => $"(!{inner})"), part.Select(inner => $"-({inner})"));
    }

    private static bool Holds(string text)
    {
        if (!Expression.TryParse(text, out var expression, out var error))
            return error.Position >= 1 && error.Position <= text.Length + 1 && error.Sentence.Length is > 0 and < 400 && !error.Sentence.Any(char.IsSurrogate);

        foreach (var payload in Payloads)
        {
            var value = expression.Evaluate(payload);
            if (value.IsNothing != (expression.Format(payload, PayloadFormatter.Base64) is null) || (value.IsNothing && expression.IsTrue(payload)))
                return false;
        }

        return true;
    }
}
