using System.CommandLine;
using System.Text.RegularExpressions;
using UdpGateway.Cli.Templates;

namespace UdpGateway.Cli.Commands;

/// <summary>The template argument and the options that decide how it is read.</summary>
internal sealed partial class TemplateOptions
{
    public Argument<string> Template { get; } = new("TEMPLATE") { Description = "A CloudFormation or SAM template, YAML or JSON." };

    private readonly Option<string[]> _parameterOverrides = new("--parameter-overrides")
    {
        Description = "Values for the template's parameters.",
        HelpName = "NAME=VALUE",
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<string[]> _exports = new("--export")
    {
        Description = "The value of another stack's export. Repeatable.",
        HelpName = "NAME=VALUE",
    };

    private readonly Option<string> _region = new("--region") { Description = "The value of AWS::Region.", HelpName = "REGION", DefaultValueFactory = _ => "us-west-2" };

    private readonly Option<string> _accountId = new("--account-id") { Description = "The value of AWS::AccountId.", HelpName = "ID", DefaultValueFactory = _ => "123456789012" };

    private readonly Option<string[]> _includes = new("--include")
    {
        Description = "The local file that stands for an AWS::Include location. Repeatable.",
        HelpName = "LOCATION=FILE",
    };

    public void AddTo(Command command)
    {
        command.Arguments.Add(Template);
        command.Options.Add(_parameterOverrides);
        command.Options.Add(_exports);
        command.Options.Add(_region);
        command.Options.Add(_accountId);
        command.Options.Add(_includes);
    }

    /// <exception cref="UserErrorException">A value has the wrong form.</exception>
    public TemplateSettings Read(ParseResult parsed, Func<(string Region, string AccountId, string StackName), string> stackId)
    {
        var region = parsed.GetValue(_region)!;
        if (!Region().IsMatch(region))
            throw new UserErrorException($"--region takes a region such as us-west-2; '{region}' is none.");
        var accountId = parsed.GetValue(_accountId)!;
        if (!AccountId().IsMatch(accountId))
            throw new UserErrorException($"--account-id takes twelve digits; '{accountId}' is something else.");
        var stackName = TemplateSettings.StackNameFor(parsed.GetValue(Template)!);
        return new TemplateSettings
        {
            Region = region,
            AccountId = accountId,
            StackName = stackName,
            StackId = stackId((region, accountId, stackName)),
            ParameterOverrides = Pairs(parsed.GetValue(_parameterOverrides), "--parameter-overrides", "NAME=VALUE"),
            Exports = Pairs(parsed.GetValue(_exports), "--export", "NAME=VALUE"),
            // A location holds '=' more likely than a file's name does.
            Includes = Pairs(parsed.GetValue(_includes), "--include", "LOCATION=FILE", splitAtLast: true),
        };
    }

    /// <summary>Reads repeatable <c>A=B</c> options; the last one wins.</summary>
    /// <exception cref="UserErrorException">One has no '='.</exception>
    public static IReadOnlyDictionary<string, string> Pairs(string[]? values, string option, string form, bool splitAtLast = false)
    {
        var pairs = new Dictionary<string, string>();
        foreach (var value in values ?? [])
        {
            var separator = splitAtLast ? value.LastIndexOf('=') : value.IndexOf('=', StringComparison.Ordinal);
            if (separator <= 0)
                throw new UserErrorException($"{option} takes {form}; '{(separator < 0 ? value : "=…")}' has {(separator < 0 ? "no '='" : "nothing before the '='")}.");
            pairs[value[..separator]] = value[(separator + 1)..];
        }

        return pairs;
    }

    [GeneratedRegex(@"^[a-z]{2}(-[a-z]+)+-[0-9]$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Region();

    [GeneratedRegex("^[0-9]{12}$", RegexOptions.None, 1000)]
    private static partial Regex AccountId();
}
