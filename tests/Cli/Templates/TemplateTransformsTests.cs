namespace UdpGateway.Cli.Tests.Templates;

/// <summary>Loops and includes: what CloudFormation expands before it looks at a template.</summary>
public sealed class TemplateTransformsTests : IDisposable
{
    private readonly TemplateText _text = new();

    public void Dispose() => _text.Dispose();

    [Fact]
    public void Nested_loops_make_resources_properties_and_outputs()
    {
        var template = _text.LoadValid("""
            Transform: AWS::LanguageExtensions
            Parameters: {Names: {Type: CommaDelimitedList, Default: "a,b"}}
            Resources:
              Fn::ForEach::Outer:
                - X
                - !Ref Names
                - Fn::ForEach::Inner:
                    - Y
                    - [One, Two]
                    - Queue${X}${Y}:
                        Type: AWS::SQS::Queue
                        Properties:
                          QueueName: !Sub q-${X}-${Y}
                          Fn::ForEach::Numbers: [Z, [DelaySeconds, VisibilityTimeout], {"${Z}": 5}]
            Outputs:
              Fn::ForEach::Arns:
                - X
                - [a, b]
                - Out${X}: {Value: !GetAtt [!Sub "Queue${X}Two", Arn]}
            """);

        Assert.Equal(["QueueaOne", "QueueaTwo", "QueuebOne", "QueuebTwo"], template.Resources.Select(resource => resource.LogicalId));
        Assert.Equal("""{"QueueName":"q-b-One","DelaySeconds":"5","VisibilityTimeout":"5"}""", TemplateText.Properties(template, "QueuebOne"));
        Assert.Equal(["Outa=arn:aws:sqs:us-west-2:123456789012:q-a-Two", "Outb=arn:aws:sqs:us-west-2:123456789012:q-b-Two"], template.EvaluateOutputs().Select(output => $"{output.Key}={output.Value}"));
    }

    [Fact]
    public void A_loop_takes_its_collection_from_a_mapping()
    {
        var template = _text.LoadValid("""
            Transform: AWS::LanguageExtensions
            Resources:
              Fn::ForEach::Queues: [X, !FindInMap [Names, !Ref "AWS::Region", All], {"Queue${X}": {Type: "AWS::SQS::Queue"}}]
            Mappings: {Names: {us-west-2: {All: [a, b]}}}
            """);

        Assert.Equal(["Queuea", "Queueb"], template.Resources.Select(resource => resource.LogicalId));
    }

    [Theory]
    [InlineData("Fn::ForEach::Q: [X, [a, a], {\"Q${X}\": {Type: \"AWS::SQS::Queue\"}}]", "Resources: The key 'Qa' is declared twice.")]
    [InlineData("Fn::ForEach::Q: [X, a, {\"Q${X}\": {Type: \"AWS::SQS::Queue\"}}]", "Resources: The collection of Fn::ForEach::Q must be a list of texts.")]
    [InlineData("Fn::ForEach::Q: [X, [a]]", "Resources: Fn::ForEach::Q takes an identifier, a collection and a map.")]
    public void Says_what_is_wrong_with_a_loop(string loop, string sentence)
    {
        _text.Load($"Transform: AWS::LanguageExtensions\nResources:\n  A: {{Type: \"Custom::X\"}}\n  {loop}");

        Assert.Equal(["template.yaml:4: " + sentence], _text.Lines);
    }

    [Theory]
    [InlineData("Fn::ForEach::Q: [X, [a], {\"Q${X}\": {Type: \"AWS::SQS::Queue\"}}]", "template.yaml:3: Resources: Fn::ForEach needs 'Transform: AWS::LanguageExtensions'.")]
    [InlineData("B: {Type: \"Custom::X\", Properties: {V: !ToJsonString {a: 1}}}", "template.yaml:3: Resources.B.Properties.V: Fn::ToJsonString needs 'Transform: AWS::LanguageExtensions'.")]
    [InlineData("B: {Type: \"Custom::X\", Properties: {V: !Length [1]}}", "template.yaml:3: Resources.B.Properties.V: Fn::Length needs 'Transform: AWS::LanguageExtensions'.")]
    [InlineData("B: {Type: \"Custom::X\", Properties: {V: !FindInMap [M, a, b, {DefaultValue: c}]}}", "template.yaml:3: Resources.B.Properties.V: The default of Fn::FindInMap needs 'Transform: AWS::LanguageExtensions'.")]
    [InlineData("B: {Type: \"Custom::X\", Properties: {V: !Ref {\"Fn::Sub\": A}}}", "template.yaml:3: Resources.B.Properties.V: A function as the name of a resource needs 'Transform: AWS::LanguageExtensions'.")]
    public void Names_the_transform_that_cloudformation_asks_for(string resource, string line)
    {
        _text.Load($"Resources:\n  A: {{Type: \"Custom::X\"}}\n  {resource}")?.Check();

        Assert.Equal([line], _text.Lines);
    }

    [Theory]
    [InlineData("Fn::Transform: {Name: AWS::Include, Parameters: {Location: ./part.yaml}}")]
    [InlineData("Transform: {Name: AWS::Include, Parameters: {Location: ./part.yaml}}")]
    [InlineData("Transform: [AWS::LanguageExtensions, {Name: AWS::Include, Parameters: {Location: ./part.yaml}}]")]
    public void Includes_whole_sections(string include)
    {
        _text.Write("part.yaml", "Resources: {A: {Type: \"Custom::X\"}}");

        var template = _text.LoadValid(include);

        Assert.Equal("A", Assert.Single(template.Resources).LogicalId);
        Assert.Equal(2, template.Files.Count);
    }

    [Fact]
    public void An_include_can_hold_an_include_but_not_itself()
    {
        _text.Write("outer.yaml", "B: {Type: \"Custom::X\", Properties: {\"Fn::Transform\": {Name: AWS::Include, Parameters: {Location: ./inner.json}}}}");
        _text.Write("inner.json", """{"V": "deep"}""");
        _text.Write("self.yaml", "Fn::Transform: {Name: AWS::Include, Parameters: {Location: ./self.yaml}}");

        var template = _text.LoadValid("Resources: {\"Fn::Transform\": {Name: AWS::Include, Parameters: {Location: ./outer.yaml}}}");
        _text.Load("Resources: {A: {Type: \"Custom::X\"}, \"Fn::Transform\": {Name: AWS::Include, Parameters: {Location: ./self.yaml}}}");

        Assert.Equal("""{"V":"deep"}""", TemplateText.Properties(template, "B"));
        Assert.Equal(["self.yaml:1: Resources: ./self.yaml includes itself."], _text.Lines);
    }

    [Fact]
    public void An_include_that_repeats_a_key_is_told()
    {
        _text.Write("part.yaml", "A: {Type: \"Custom::X\"}");

        _text.Load("Resources: {A: {Type: \"Custom::X\"}, \"Fn::Transform\": {Name: AWS::Include, Parameters: {Location: ./part.yaml}}}");

        Assert.Equal(["part.yaml:1: Resources: The key 'A' is declared twice."], _text.Lines);
    }

    [Fact]
    public void A_device_is_not_included()
    {
        _text.Load("Resources: {A: {Type: \"Custom::X\"}, \"Fn::Transform\": {Name: AWS::Include, Parameters: {Location: /dev/zero}}}");

        Assert.Equal(["template.yaml:1: Resources: The include /dev/zero cannot be read here: add --include /dev/zero=FILE."], _text.Lines);
    }

    [Fact]
    public void The_provider_is_found_by_its_exports_and_parameters_and_under_any_mapping()
    {
        var template = _text.LoadValid("""
            Parameters: {Token: {Type: "AWS::SSM::Parameter::Value<String>", Default: /udp-gateway/service-token}}
            Mappings:
              Gateway: {"Fn::Transform": {Name: AWS::Include, Parameters: {Location: !Sub "s3://udp-gateway-config-${AWS::AccountId}-${AWS::Region}/customer-config.json"}}}
            Resources:
              A:
                Type: Custom::X
                Properties:
                  Imported: !ImportValue udp-gateway-service-token
                  Stored: !Ref Token
                  Role: !ImportValue udp-gateway-service-role
                  Mapped: !FindInMap [Gateway, !Ref "AWS::Region", ServiceRole]
            """);

        const string Token = "arn:aws:lambda:us-west-2:123456789012:function:udp-gateway-provider";
        const string Role = "arn:aws:iam::123456789012:role/udp-gateway-service";
        Assert.Equal($$"""{"Imported":"{{Token}}","Stored":"{{Token}}","Role":"{{Role}}","Mapped":"{{Role}}"}""", TemplateText.Properties(template, "A"));
    }
}
