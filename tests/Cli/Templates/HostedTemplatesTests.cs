using UdpGateway.Cli.Templates;
using UdpGateway.Cli.Tests.Commands;

namespace UdpGateway.Cli.Tests.Templates;

/// <summary>Templates that have the structure of the hosted service's public examples, one for each, with the properties that those use.</summary>
public sealed class HostedTemplatesTests : IDisposable
{
    private readonly TemplateText _text = new();

    public static TheoryData<string> Names => [.. Directory.EnumerateFiles(Folder).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];

    private static string Folder => Path.Combine(AppContext.BaseDirectory, "Fixtures");

    public void Dispose() => _text.Dispose();

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Are_valid(string name)
    {
        var run = await CommandRun.Of("validate", Path.Combine(Folder, name));

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Are_imported_by_changing_single_lines(string name)
    {
        var file = Path.Combine(Folder, name);
        var before = await File.ReadAllLinesAsync(file);

        var run = await CommandRun.Of("import", file);

        var after = run.Output.Split('\n')[..^1];
        var changed = before.Zip(after).Where(pair => pair.First != pair.Second).ToList();
        Assert.Equal((0, before.Length), (run.ExitCode, after.Length));
        Assert.All(changed, pair => Assert.True(pair.First.Contains("s3://proxylity-config-", StringComparison.Ordinal) || pair.First.Contains(".proxylity.com", StringComparison.Ordinal), pair.First));
        Assert.Equal(changed.Count, run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.DoesNotContain("proxylity.com", run.Output, StringComparison.Ordinal);
        var validated = await CommandRun.Of("validate", _text.Write(name, run.Output));
        Assert.Equal((0, ""), (validated.ExitCode, validated.Error));
    }

    [Fact]
    public async Task Need_no_override_for_a_key_whose_parameter_has_an_empty_default()
    {
        var run = await CommandRun.Of("validate", Path.Combine(Folder, "momento-udp.yaml"));

        Assert.Equal(0, run.ExitCode);
        Assert.Contains("Peers[0].PublicKey: its parameter has an empty default; `up` needs a value: must be base64 of exactly 32 bytes", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Do_not_come_up_with_the_empty_default_itself()
    {
        var problems = new ProblemList();
        var settings = TemplateText.Settings with { ParameterOverrides = new Dictionary<string, string> { ["CacheKey"] = "x" } };
        var template = Template.Load(Path.Combine(Folder, "momento-udp.yaml"), settings, problems)!;

        DeclaredListeners.Check(template, problems);

        Assert.Contains(problems.Problems, problem => problem.Path!.EndsWith("Peers[0].PublicKey", StringComparison.Ordinal));
    }

    [Fact]
    public void Give_the_provider_the_properties_that_cloudformation_would_send()
    {
        var problems = new ProblemList();
        var template = Template.Load(Path.Combine(Folder, "mavlink-fleet.json"), TemplateText.Settings, problems)!;

        var properties = TemplateText.Properties(template, "UdpListener");

        Assert.Empty(problems.Problems);
        Assert.Contains("\"Batching\":{\"Count\":\"10\",\"TimeoutInSeconds\":\"0.5\"}", properties, StringComparison.Ordinal);
        Assert.Contains("\"DestinationArn\":\"arn:aws:geo:us-west-2:123456789012:tracker/sample-tracker\"", properties, StringComparison.Ordinal);
    }
}
