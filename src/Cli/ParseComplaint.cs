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
        // What follows a verb that does not exist belongs to it.
        var unknown = command.Subcommands.Count > 0 ? parsed.UnmatchedTokens.Take(1) : parsed.UnmatchedTokens;
        List<string> lines = [.. SwallowedOptions(parsed).Concat(unknown).Distinct().Select(token => Explain(command, token))];
        if (lines.Count == 0)
            lines = [.. parsed.Errors.Select(error => error.Message.ReplaceLineEndings("").Replace('\t', ' ')).Distinct()];
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

    private static string Name(Command command) => string.Join(' ', Lineage(command).Reverse().Select(symbol => symbol is RootCommand ? "udpgw" : symbol.Name));

    private static IEnumerable<Command> Lineage(Command command)
    {
        for (var symbol = command; symbol is not null; symbol = symbol.Parents.OfType<Command>().FirstOrDefault())
            yield return symbol;
    }
}
