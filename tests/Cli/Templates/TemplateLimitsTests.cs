using System.Text;

namespace UdpGateway.Cli.Tests.Templates;

/// <summary>A template from anybody is read in little time and memory, and what is wrong with it is a sentence.</summary>
public sealed class TemplateLimitsTests : IDisposable
{
    private readonly TemplateText _text = new();

    public void Dispose() => _text.Dispose();

    [Fact]
    public void Names_that_depend_on_each_other_in_a_circle_are_told_once()
    {
        _text.Load("""
            Resources:
              A: {Type: "AWS::SQS::Queue", Properties: {QueueName: !Ref B}}
              B: {Type: "AWS::SQS::Queue", Properties: {QueueName: !GetAtt C.QueueName}}
              C: {Type: "AWS::SQS::Queue", Properties: {QueueName: !Sub "${A}"}}
              D: {Type: "AWS::SNS::Topic", Properties: {TopicName: !GetAtt D.TopicName}}
            """)?.Check();

        Assert.Equal(
            [
                "template.yaml:2: Resources.A: The resources depend on each other in a circle: A -> B -> C -> A.",
                "template.yaml:5: Resources.D: The resources depend on each other in a circle: D -> D.",
            ],
            _text.Lines);
    }

    [Fact]
    public void Names_that_double_from_resource_to_resource_end()
    {
        var template = new StringBuilder("Resources:\n");
        for (var index = 0; index < 60; index++)
            template.Append(null, $"  Q{index}: {{Type: \"AWS::SQS::Queue\", Properties: {{QueueName: !Sub \"${{Q{index + 1}.QueueName}}${{Q{index + 1}.QueueName}}\"}}}}\n");
        template.Append("  Q60: {Type: \"AWS::SQS::Queue\", Properties: {QueueName: x}}\n");

        _text.Load(template.ToString())?.Check();

        Assert.EndsWith("Fn::Sub makes a text of more than 1048576 characters.", Assert.Single(_text.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public void Large_values_that_are_repeated_end()
    {
        var elements = string.Join(',', Enumerable.Repeat("a", 100_000));
        var uses = string.Join(',', Enumerable.Repeat("!FindInMap [M, a, b]", 1_000));

        _text.Load($"Mappings: {{M: {{a: {{b: [{elements}]}}}}}}\nResources: {{A: {{Type: \"Custom::X\", Properties: {{V: [{uses}]}}}}}}")?.Check();

        Assert.Equal(["template.yaml: The template has more than 10000000 values when its functions are evaluated."], _text.Lines);
    }

    [Fact]
    public void Loops_over_large_bodies_end()
    {
        var elements = string.Join(',', Enumerable.Range(0, 1_000));

        _text.Load($"Transform: AWS::LanguageExtensions\nResources:\n  Fn::ForEach::A: [X, [{elements}], {{\"A${{X}}\": {{Type: \"Custom::X\", Properties: {{V: [{elements}]}}}}}}]")?.Check();

        Assert.Contains("template.yaml:3: Resources: The loops make too many entries.", _text.Lines);
    }

    [Fact]
    public void A_long_chain_of_conditions_ends()
    {
        var template = new StringBuilder("Conditions:\n");
        for (var index = 0; index < 20_000; index++)
            template.Append(null, $"  C{index}: !Not [Condition: C{index + 1}]\n");
        template.Append("  C20000: !Equals [a, b]\nResources: {A: {Type: \"Custom::X\"}}\n");

        _text.Load(template.ToString())?.Check();

        Assert.All(_text.Lines, line => Assert.Contains("too long a chain", line, StringComparison.Ordinal));
    }

    [Fact]
    public void More_resources_than_cloudformation_takes_are_refused()
    {
        var resources = string.Join("\n", Enumerable.Range(0, 501).Select(index => $"  A{index}: {{Type: \"Custom::X\"}}"));

        Assert.Null(_text.Load("Resources:\n" + resources));

        Assert.Equal(["template.yaml:2: Resources: The template declares 501 resources; CloudFormation takes at most 500."], _text.Lines);
    }

    [Fact]
    public void The_first_thousand_mistakes_are_enough()
    {
        var values = string.Join('\n', Enumerable.Range(0, 20_000).Select(index => $"        - !Ref Nobody{index}"));

        _text.Load($"Resources:\n  A:\n    Type: Custom::X\n    Properties:\n      V:\n{values}")?.Check();

        Assert.Equal(1_000, _text.Problems.Problems.Count);
        Assert.Equal("There are more than 999 problems; the others show when these are mended.", _text.Lines.Last());
    }

    [Fact]
    public void A_default_that_is_no_value_leaves_the_property_out()
    {
        var template = _text.LoadValid("""
            Transform: AWS::LanguageExtensions
            Mappings: {M: {a: {b: c}}}
            Resources: {A: {Type: "Custom::X", Properties: {V: !FindInMap [M, x, y, {DefaultValue: !Ref "AWS::NoValue"}], W: 1}}}
            """);

        Assert.Equal("""{"W":"1"}""", TemplateText.Properties(template, "A"));
    }

    [Theory]
    [InlineData("Conditions: {C: !Equals [!Ref \"AWS::NoValue\", a]}\nResources: {A: {Type: \"Custom::X\", Properties: {V: !If [C, a, b]}}}", "template.yaml:1: Conditions.C: Fn::Equals cannot compare AWS::NoValue.")]
    [InlineData("Resources:\n  A: {Type: \"Custom::X\", Condition: [C]}", "template.yaml:2: Resources.A.Condition: This must be the name of a condition.")]
    [InlineData("Conditions: {C: !Equals [!Ref A, a]}\nResources: {A: {Type: \"Custom::X\"}}", "template.yaml:1: Conditions.C: A condition takes its values from parameters and mappings; 'A' is none of them.")]
    [InlineData("Resources:\n  A: {Type: \"Custom::X\", Properties: !If [C, {V: 1}, {V: 2}]}\nConditions: {C: !Equals [a, a]}", "template.yaml:2: Resources.A.Properties: Properties must be a map; CloudFormation takes Fn::If only for the single properties.")]
    [InlineData("Resources:\n  A: {Type: \"Custom::X\", Properties: !Ref \"AWS::NoValue\"}", "template.yaml:2: Resources.A.Properties: Properties must be a map; CloudFormation takes Ref only for the single properties.")]
    [InlineData("Resources:\n  A: {Type: \"Custom::X\", DependsOn: {Ref: B}}", "template.yaml:2: Resources.A.DependsOn: This must be the name of a resource, or a list of names.")]
    [InlineData("Resources:\n  A: {Type: \"Custom::X\"}\nOutputs: {O: {Value: x, Export: {Name: !Sub \"${B}\"}}}", "template.yaml:3: Outputs.O.Export.Name: There is no parameter or resource 'B'. Did you mean 'A'?")]
    [InlineData("Transform: AWS::Serverless-2016-10-31\nGlobals: {Functions: {Timeout: 3}}\nResources: {A: {Type: \"Custom::X\"}}", "template.yaml:2: Globals: SAM has no Globals for 'Functions'. Did you mean 'Function'?")]
    [InlineData("Resources:\n  A: &a {Type: \"Custom::X\"}\n  B:\n    <<: *a", "template.yaml:4: CloudFormation takes no YAML merges ('<<'); write the keys out.")]
    [InlineData("Resources:\n  A:\n    Type: Custom::X\n    Properties: {V: !FindInMap [M, !Ref \"AWS::Region\", B\n    Condition:\n      X: y", "template.yaml:4: This is not valid YAML: after this nothing can be read; a bracket, a brace or a quote may not be closed.")]
    [InlineData("Resources:\n  A:\n\tType: Custom::X", "template.yaml:3: This is not valid YAML: While scanning a mapping, found invalid tab as indentation.")]
    public void Says_what_was_passed_over_before(string content, string line)
    {
        _text.Load(content)?.Check();

        Assert.Equal([line], _text.Lines);
    }
}
