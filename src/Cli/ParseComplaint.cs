using System.CommandLine;
using System.CommandLine.Parsing;
using UdpGateway.Cli.Templates;

namespace UdpGateway.Cli;

/// <summary>Says what is wrong with a command line, and what was probably meant.</summary>
internal static class ParseComplaint
{
    /// <summary>Empty when nothing is wrong.</summary>
    public static IReadOnlyList<string> Explain(ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        // An option that does not exist may have had a value, and what follows a verb that does not exist belongs to it.
        List<string> unknown = [.. SwallowedOptions(parsed)];
        if (unknown.Count == 0)
            unknown = [.. command.Subcommands.Count > 0 ? parsed.UnmatchedTokens.Take(1) : parsed.UnmatchedTokens];
        List<string> lines = [.. unknown.Distinct().Select(token => Explain(command, token))];
        if (lines.Count == 0)
            lines = [.. parsed.Errors.Select(error => Explain(command, error)).Distinct()];
        return lines.Count == 0 ? lines : [.. lines, $"`{Name(command)} --help` lists what there is."];
    }

    /// <summary>The parser takes an option that it does not know for an argument; what is meant so stands behind <c>--</c>.</summary>
    private static IEnumerable<string> SwallowedOptions(ParseResult parsed) => parsed.Tokens
        .TakeWhile(token => token.Type != TokenType.DoubleDash)
        .Where(token => token.Type == TokenType.Argument && token.Value.Length > 2 && token.Value.StartsWith("--", StringComparison.Ordinal))
        .Select(token => token.Value);

    private static string Explain(Command command, string token)
    {
        if (token.StartsWith('-'))
        {
            var name = token.Split('=')[0];
            var options = Lineage(command).SelectMany(symbol => symbol.Options).SelectMany(option => option.Aliases.Append(option.Name));
            return $"`{Name(command)}` has no option '{name}'.{Suggestion.For(name, options)}";
        }

        return command.Subcommands.Count > 0
            ? $"`{Name(command)}` has no verb '{token}'.{Suggestion.For(token, command.Subcommands.Select(verb => verb.Name))}"
            : $"`{Name(command)}` takes no argument '{token}'.";
    }

    private static string Explain(Command command, ParseError error)
    {
        if (Symbols(error.SymbolResult).OfType<OptionResult>().FirstOrDefault() is { Option: var option } chosen)
        {
            return chosen.Tokens.Count == 0 ? $"{option.Name} takes {option.HelpName ?? "a value"}; nothing was given."
                : Kind(option.ValueType) is { } kind ? $"{option.Name} takes {kind}; '{chosen.Tokens[^1].Value}' was given."
                : $"{option.Name}: {OneLine(error.Message)}";
        }

        if (command.Subcommands.Count > 0)
            return $"`{Name(command)}` needs a verb: {string.Join(", ", command.Subcommands.Select(verb => verb.Name))}.";
        var missing = command.Arguments.FirstOrDefault(argument => argument.Arity.MinimumNumberOfValues > 0 && error.SymbolResult?.GetResult(argument) is null or { Tokens.Count: 0 });
        return missing is null ? OneLine(error.Message) : $"`{Name(command)}` needs {missing.Name}: {missing.Description}";
    }

    private static string? Kind(Type type) => (Nullable.GetUnderlyingType(type) ?? type) switch
    {
        var number when number == typeof(int) => "a whole number",
        var number when number == typeof(double) => "a number",
        _ => null,
    };

    private static string OneLine(string message) => string.Join(' ', message.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));

    private static IEnumerable<SymbolResult> Symbols(SymbolResult? result)
    {
        for (; result is not null; result = result.Parent)
            yield return result;
    }

    private static string Name(Command command) => string.Join(' ', Lineage(command).Reverse().Select(symbol => symbol is RootCommand ? "udpgw" : symbol.Name));

    private static IEnumerable<Command> Lineage(Command command)
    {
        for (var symbol = command; symbol is not null; symbol = symbol.Parents.OfType<Command>().FirstOrDefault())
            yield return symbol;
    }
}
