using System.CommandLine;
using System.Text;
using System.Text.RegularExpressions;
using UdpGateway.Cli.Templates;

namespace UdpGateway.Cli.Commands;

/// <summary>
/// <c>udpgw import TEMPLATE</c>: prints the template with what ties it to the hosted service changed to this provider, and says on
/// stderr what that is. Everything else stays as it was written, comments and order included. Starts nothing, connects to nothing.
/// </summary>
internal static partial class ImportCommand
{
    /// <summary>Where the provider's stack publishes the configuration document, one bucket per account and region.</summary>
    private const string DefaultLocation = "s3://udp-gateway-config-${AWS::AccountId}-${AWS::Region}/customer-config.json";

    public static Command Create()
    {
        var template = new Argument<string>("TEMPLATE") { Description = "A template written for the hosted service, YAML or JSON." };
        var location = new Option<string>("--config")
        {
            Description = "Where the provider's stack publishes its configuration document.",
            HelpName = "LOCATION",
            DefaultValueFactory = _ => DefaultLocation,
        };
        var command = new Command("import", "Prints a template of the hosted service changed so that this provider serves it.") { template, location };
        command.SetAction(parsed => Run(parsed.GetRequiredValue(template), parsed.GetRequiredValue(location), parsed.InvocationConfiguration));
        return command;
    }

    private static void Run(string file, string location, InvocationConfiguration configuration)
    {
        if (!Location().IsMatch(location))
            throw new UserErrorException($"--config takes a location such as {DefaultLocation}; '{location}' is none.");
        var problems = new ProblemList();
        var content = TemplateReader.Read(file, file, problems);
        if (content is not null and not MapNode)
            problems.Report(content.Location, null, "A template is a map with at least the section Resources.");
        problems.ThrowIfAny();

        var (text, changes) = TemplateImport.Rewrite(File.ReadAllText(file, Encoding.UTF8), file, location);
        configuration.Output.Write(text);
        foreach (var change in changes)
            configuration.Error.WriteLine(change);
        if (changes.Count == 0)
            configuration.Error.WriteLine($"{file}: nothing to change.");
    }

    // Nothing that would end a quoted text.
    [GeneratedRegex("""^s3://[^\s"'\\/]+/[^\s"'\\]+$""", RegexOptions.None, 1000)]
    private static partial Regex Location();
}
