using UdpGateway.Cli.Templates;

namespace UdpGateway.Cli.Tests.Templates;

public sealed class TemplateReaderTests : IDisposable
{
    private readonly TemplateText _text = new();

    public void Dispose() => _text.Dispose();

    [Fact]
    public void Reads_short_forms_long_forms_and_json_alike()
    {
        const string Short = """
            Resources:
              Queue: {Type: "AWS::SQS::Queue"}
              Probe:
                Type: Custom::Probe
                Properties:
                  Arn: !GetAtt Queue.Arn
                  Text: !Sub "${AWS::Region}/${Queue}"
                  Items: [1, true, 0.10, "2"]
            """;
        const string Long = """
            Resources:
              Queue:
                Type: AWS::SQS::Queue
              Probe:
                Type: Custom::Probe
                Properties:
                  Arn: {"Fn::GetAtt": [Queue, Arn]}
                  Text:
                    Fn::Sub: "${AWS::Region}/${Queue}"
                  Items:
                    - 1
                    - yes
                    - 0.10
                    - '2'
            """;
        const string Json = """
            {"Resources": {
              "Queue": {"Type": "AWS::SQS::Queue"},
              "Probe": {"Type": "Custom::Probe", "Properties": {
                "Arn": {"Fn::GetAtt": ["Queue", "Arn"]},
                "Text": {"Fn::Sub": "${AWS::Region}/${Queue}"},
                "Items": [1, true, 0.10, "2"]}}}}
            """;

        var results = new[] { Short, Long, Json }.Select(content => TemplateText.Properties(_text.LoadValid(content), "Probe")).Distinct();

        var properties = Assert.Single(results);
        Assert.EndsWith("""
            "Items":["1","true","0.10","2"]}
            """.TrimEnd(), properties, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Resources:\n  A: [", 3, "This is not valid YAML")]
    [InlineData("Resources:\n  A: 1\n  A: 2\n", 3, "The key 'A' is declared twice.")]
    [InlineData("Resources:\n  A: !Reff x\n", 2, "CloudFormation has no function '!Reff'. Did you mean '!Ref'?")]
    [InlineData("Resources:\n  A: *nowhere\n", 2, "There is no anchor 'nowhere' before this alias.")]
    [InlineData("a: 1\n---\nb: 2\n", 2, "A template is one YAML document; a second one starts here.")]
    [InlineData("{\"Resources\":\n {\"A\": }}", 2, "This is not valid JSON")]
    [InlineData("{\"A\":1,\n\"A\":2}", 2, "The key 'A' is declared twice.")]
    [InlineData("- 1\n", 1, "A template is a map with at least the section Resources.")]
    [InlineData("", 1, "Resources: The template declares no resources.")]
    public void Names_the_line_of_a_syntax_error(string content, int line, string sentence)
    {
        _text.Load(content);

        Assert.StartsWith($"template.yaml:{line}: {sentence}", Assert.Single(_text.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public void Refuses_an_alias_that_repeats_without_end()
    {
        var bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + string.Concat(Enumerable.Range(1, 9).Select(level =>
            $"a{level}: &a{level} [{string.Join(',', Enumerable.Repeat($"*a{level - 1}", 10))}]\n"));

        _text.Load(bomb);

        Assert.Contains("more than 500000 values", Assert.Single(_text.Lines), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData('[')]
    [InlineData('{')]
    public void Refuses_endless_nesting(char bracket)
    {
        _text.Load("{\"Resources\": " + new string(bracket, 50_000));
        _text.Load("Resources: " + new string('[', 50_000));

        Assert.Equal(2, _text.Problems.Problems.Count);
    }

    [Fact]
    public void Keeps_yaml_anchors()
    {
        var template = _text.LoadValid("""
            Resources:
              A: {Type: "Custom::A", Properties: &shared {Size: 1}}
              B: {Type: "Custom::B", Properties: *shared}
            """);

        Assert.Equal("""{"Size":"1"}""", TemplateText.Properties(template, "B"));
    }

    [Fact]
    public void Says_that_a_file_is_missing()
    {
        var template = Template.Load("nowhere/template.yaml", TemplateText.Settings, _text.Problems);

        Assert.Null(template);
        Assert.Equal("nowhere/template.yaml: There is no such file.", Assert.Single(_text.Problems.Problems).ToString());
    }
}
