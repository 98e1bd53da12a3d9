using System.Globalization;

namespace UdpGateway.Listeners.Expressions;

internal enum TokenKind : byte
{
    End,
    Invalid,
    Bytes,
    Number,
    Word,
    Symbol,
}

/// <param name="Start">Zero-based place in the text.</param>
internal readonly record struct Token(TokenKind Kind, int Start, int Length)
{
    public int Position => Start + 1;
}

/// <summary>Cuts an expression into tokens; what is none becomes an invalid token for the parser to refuse.</summary>
internal struct ExpressionLexer(string text)
{
    // Longer symbols first, so that ?? is not two question marks.
    private static readonly string[] Symbols =
        ["??", "||", "&&", "==", "!=", "<=", ">=", "[", "]", "(", ")", ",", ":", "?", "|", "=", "<", ">", "+", "-", "*", "/", "!"];

    private int _next;

    public Token Next()
    {
        while (_next < text.Length && char.IsWhiteSpace(text[_next]))
            _next++;
        if (_next == text.Length)
            return new Token(TokenKind.End, _next, 0);

        var rest = text.AsSpan(_next);
        if (rest.StartsWith("0x", StringComparison.OrdinalIgnoreCase))
            return Take(TokenKind.Bytes, 2 + LengthWhile(rest[2..], char.IsAsciiHexDigit));
        if (char.IsAsciiDigit(rest[0]))
            return Take(TokenKind.Number, LengthOfNumber(rest));
        if (char.IsAsciiLetter(rest[0]))
            return Take(TokenKind.Word, LengthWhile(rest, char.IsAsciiLetterOrDigit));
        foreach (var symbol in Symbols)
        {
            if (rest.StartsWith(symbol, StringComparison.Ordinal))
                return Take(TokenKind.Symbol, symbol.Length);
        }

        return Take(TokenKind.Invalid, 1);
    }

    public readonly ReadOnlySpan<char> TextOf(Token token) => text.AsSpan(token.Start, token.Length);

    /// <summary>The token for an error message, without what a log or an answer could not carry.</summary>
    public readonly string Describe(Token token)
    {
        const int MaxShown = 20;
        var shown = TextOf(token);
        return token.Kind switch
        {
            TokenKind.End => "the end",
            TokenKind.Invalid when shown[0] is < ' ' or > '~' => string.Create(CultureInfo.InvariantCulture, $"U+{(int)shown[0]:X4}"),
            _ when shown.Length > MaxShown => $"'{shown[..MaxShown]}…'",
            _ => $"'{shown}'",
        };
    }

    private Token Take(TokenKind kind, int length)
    {
        var token = new Token(kind, _next, length);
        _next += length;
        return token;
    }

    private static int LengthOfNumber(ReadOnlySpan<char> rest)
    {
        var whole = LengthWhile(rest, char.IsAsciiDigit);
        if (whole + 1 < rest.Length && rest[whole] == '.' && char.IsAsciiDigit(rest[whole + 1]))
            return whole + 1 + LengthWhile(rest[(whole + 1)..], char.IsAsciiDigit);
        return whole;
    }

    private static int LengthWhile(ReadOnlySpan<char> rest, Func<char, bool> belongs)
    {
        var length = 0;
        while (length < rest.Length && belongs(rest[length]))
            length++;
        return length;
    }
}
