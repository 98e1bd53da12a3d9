namespace UdpGateway.Listeners;

/// <summary>Reads an expression argument and the formatter beside it.</summary>
internal static class KeyExpressionBinder
{
    /// <summary>Null when absent or wrong; the latter is a problem. A key's bytes become hex unless another formatter is declared.</summary>
    /// <param name="arguments">The object that has them.</param>
    /// <param name="expressionName">The argument with the expression.</param>
    /// <param name="formatterNames">Spellings of the argument with the formatter; the first that is declared counts.</param>
    public static KeyExpression? Bind(PropertyBinder arguments, string expressionName, params ReadOnlySpan<string> formatterNames)
    {
        var formatter = PayloadFormatter.Hex;
        var isFormatterRead = false;
        foreach (var name in formatterNames)
        {
            if (arguments.Text(name) is not { } text || isFormatterRead)
                continue;
            isFormatterRead = true;
            if (!Formatters.TryParseText(text, out formatter))
                arguments.Report(name, PropertyBinder.Quote(text), "must be base64, hex, ascii or utf8", "formatter");
        }

        return Expression(arguments, expressionName) is { } expression ? new KeyExpression(expression, formatter) : null;
    }

    /// <summary>The text of a valid expression; null when absent or wrong, the latter is a problem.</summary>
    public static string? Expression(PropertyBinder arguments, string name)
    {
        if (arguments.Text(name) is not { Length: > 0 } text)
            return null;
        if (Expressions.Expression.TryParse(text, out _, out var error))
            return text;
        arguments.Report(name, PropertyBinder.Quote(text), $"is no valid expression: {error}", "expression");
        return null;
    }
}
