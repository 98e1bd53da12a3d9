using System.Text.RegularExpressions;

namespace UdpGateway.Listeners.Tests;

/// <summary>README against the binders and the samples.</summary>
public sealed partial class PropertyReferenceTests
{
    private static readonly string Root = FindRoot();

    private static readonly string Readme = File.ReadAllText(Path.Combine(Root, "README.md"));

    private static readonly string[] Names =
        [.. Directory.EnumerateFiles(Path.Combine(Root, "src", "Listeners", "Binding"), "ListenerBinder.cs")
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
        var samples = new[] { Path.Combine(Root, "samples"), Path.Combine(Root, "tests", "EndToEnd", "Readme") }
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
    [GeneratedRegex("""(?:\b(?:Text|Texts|Boolean|Integer|Number|Object|Objects|Map|TextOrWrapped|Key|Bind|Expression|Required)\((?:\w+, )?|const string \w+ = )"(?<name>[A-Z]\w+)"(?:, "(?<name>[A-Z]\w+)")*""", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Reading();

    [GeneratedRegex("```yaml\n(?<text>.*?)```", RegexOptions.Singleline | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Snippet();
}
