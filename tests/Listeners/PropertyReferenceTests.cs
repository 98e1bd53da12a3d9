using System.Text.RegularExpressions;

namespace UdpGateway.Listeners.Tests;

/// <summary>README against the binders and the samples.</summary>
public sealed partial class PropertyReferenceTests
{
    private static readonly string Root = FindRoot();

    private static readonly string Readme = File.ReadAllText(Path.Combine(Root, "README.md"));

    private static readonly string[] Names =
        [.. new[] { "ListenerBinder.cs", "FleetProperties.cs" }.Select(file => Path.Combine(Root, "src", "Listeners", "Binding", file))
            .Concat(Directory.EnumerateFiles(Path.Combine(Root, "src", "Listeners"), "*Properties.cs"))
            .Concat(Directory.EnumerateFiles(Path.Combine(Root, "src", "Listeners", "Kinds"), "*.cs"))
            .SelectMany(file => Reading().Matches(File.ReadAllText(file)))
            .SelectMany(reading => reading.Groups["name"].Captures.Select(capture => capture.Value))
            .Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal)];

    public static TheoryData<string> PropertyNames() => [.. Names];

    [Theory]
    [MemberData(nameof(PropertyNames))]
    public void Readme_names_every_property_that_is_read(string name) =>
        Assert.Matches($@"`([\w\[\]]+\.)*{name}(\[\])?[`.]", Readme);

    [Fact]
    public void Every_property_that_Readme_describes_is_read()
    {
        var described = Table().Matches(Readme).SelectMany(table => Property().Matches(table.Groups["rows"].Value)).SelectMany(row => row.Groups["name"].Captures.Select(capture => capture.Value)).ToList();

        Assert.Contains("KeyRotationToken", described);
        Assert.Contains("PartitionKeyExpressionFormatter", described);
        Assert.Contains("IngressRegionKey", described);
        Assert.Contains("RelayPort", described);
        Assert.Equal([], described.Except(Names).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Readme_has_the_form_of_every_destinations_ARN() =>
        Assert.All(DestinationKinds.All, kind => Assert.Contains($"| {kind.ArnForm} |", Readme.Replace("`", "", StringComparison.Ordinal), StringComparison.Ordinal));

    [Fact]
    public void The_names_are_found_in_the_binders()
    {
        Assert.Contains("AllowUnknownPeers", Names);
        Assert.Contains("MessageGroupIdFormatter", Names);
        Assert.Contains("IngressRegionKey", Names);
        Assert.Contains("TopicArn", Names);
    }

    [Fact]
    public void Readmes_template_snippets_stand_word_for_word_in_templates_that_tests_run()
    {
        var samples = new[] { Path.Combine(Root, "templates"), Path.Combine(Root, "samples"), Path.Combine(Root, "tests", "EndToEnd", "Readme") }
            .SelectMany(folder => Directory.EnumerateFiles(folder, "*.yaml", SearchOption.AllDirectories)).Select(File.ReadAllText).ToList();
        var snippets = Snippet().Matches(Readme).Select(match => match.Groups["text"].Value.TrimEnd(' ')).ToList();

        Assert.NotEmpty(snippets);
        Assert.All(snippets, snippet => Assert.Contains(samples, sample => sample.Contains(snippet, StringComparison.Ordinal)));
    }

    private static string FindRoot()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory.FullName, "Provider.sln")))
            directory = directory.Parent ?? throw new InvalidOperationException("The tests run outside the repository.");
        return directory.FullName;
    }

    // properties.Text("Name"), Key(properties, "PublicKey"), KeyExpressionBinder.Bind(arguments, "…Expression", "…Formatter"), const string Expression = "…".
    [GeneratedRegex("""(?:\b(?:Text|Texts|Boolean|Integer|Number|Object|Objects|Map|TextOrWrapped|Accept|Key|Bind|Expression|Required)\((?:\w+, )*|const string \w+ = )"(?<name>[A-Z]\w+)"(?:, "(?<name>[A-Z]\w+)")*""", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Reading();

    // What a table of properties, or of arguments, has below its head.
    [GeneratedRegex(@"^\| (property|`Destinations\[\]\.Arguments\.`) \|.*\n\|[-|]+\n(?<rows>(\|.*\n)+)", RegexOptions.Multiline | RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Table();

    // The names in a row's first cell, without what they nest in.
    [GeneratedRegex(@"^\|([^|`]*`(\w+(\[\])?\.)*(?<name>\w+)(\[\])?`)+[^|`]*\|", RegexOptions.Multiline | RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Property();

    [GeneratedRegex("```yaml\n(?<text>.*?)```", RegexOptions.Singleline | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Snippet();
}
