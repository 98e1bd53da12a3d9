using UdpGateway.Cli.Templates;

namespace UdpGateway.Cli.Tests.Templates;

public sealed class TemplateTests : IDisposable
{
    private readonly TemplateText _text = new();

    public void Dispose() => _text.Dispose();

    [Fact]
    public void Orders_resources_by_every_kind_of_reference()
    {
        var template = _text.LoadValid("""
            Resources:
              E: {Type: "Custom::X", Properties: {V: !Sub ["${x}", {x: !Ref D}]}}
              D: {Type: "Custom::X", Properties: {V: !Sub "${C.Arn}"}}
              C: {Type: "Custom::X", Properties: {V: !GetAtt B.Arn}}
              B: {Type: "Custom::X", Properties: {V: [{Deep: !Ref A}]}}
              A: {Type: "Custom::X", DependsOn: Z}
              Z: {Type: "Custom::X"}
            """);

        Assert.Equal("Z A B C D E", string.Join(' ', template.Resources.Select(resource => resource.LogicalId)));
    }

    [Fact]
    public void Names_the_members_of_a_cycle()
    {
        _text.Load("""
            Resources:
              A: {Type: "Custom::X", Properties: {V: !Ref B}}
              B: {Type: "Custom::X", DependsOn: [C]}
              C: {Type: "Custom::X", Properties: {V: !GetAtt A.Arn}}
            """);

        Assert.Equal(["template.yaml:2: Resources.A: The resources depend on each other in a circle: A -> B -> C -> A."], _text.Lines);
    }

    [Fact]
    public void Leaves_out_resources_whose_condition_is_false()
    {
        var template = _text.LoadValid("""
            Parameters: {On: {Type: String, Default: "no"}}
            Conditions: {IsOn: !Equals [!Ref On, "yes"]}
            Resources:
              A: {Type: "Custom::X"}
              B: {Type: "Custom::X", Condition: IsOn}
              C: {Type: "Custom::X", Properties: {V: !If [IsOn, !Ref B, none]}}
            Outputs:
              B: {Condition: IsOn, Value: !Ref B}
              C: {Value: !If [IsOn, !Ref B, none]}
            """);

        Assert.Equal(["A", "C"], template.Resources.Select(resource => resource.LogicalId));
        Assert.Equal([KeyValuePair.Create("C", "none")], template.EvaluateOutputs());
    }

    [Fact]
    public void Says_that_a_resource_does_not_exist_because_of_its_condition()
    {
        _text.Load("""
            Conditions: {Never: !Equals [a, b]}
            Resources:
              A: {Type: "Custom::X", Condition: Never}
              B: {Type: "Custom::X", Properties: {V: !Ref A}}
            """)?.Check();

        Assert.Equal(["template.yaml:4: Resources.B.Properties.V: The resource 'A' does not exist here, because its condition 'Never' is false."], _text.Lines);
    }

    [Theory]
    [InlineData("Resorces: {}", "Resorces: A template has no section 'Resorces'. Did you mean 'Resources'?")]
    [InlineData("Resources: {A: {Tipe: x, Type: \"Custom::X\"}}", "Resources.A: A resource has no attribute 'Tipe'. Did you mean 'Type'?")]
    [InlineData("Resources: {A: {}}", "Resources.A: The resource has no Type.")]
    [InlineData("Resources: {A: {Type: \"AWS::Serverless::Function\"}}", "Resources.A: The type AWS::Serverless::Function needs 'Transform: AWS::Serverless-2016-10-31'.")]
    [InlineData("Transform: MyMacro\nResources: {A: {Type: \"Custom::X\"}}", "Transform: 'MyMacro' is a macro that runs within AWS; only AWS::Serverless-2016-10-31 and AWS::LanguageExtensions can be followed here.")]
    [InlineData("Resources: {A: {Type: \"Custom::X\", DependsOn: B}}", "Resources.A.DependsOn: There is no resource 'B'. Did you mean 'A'?")]
    [InlineData("Conditions: {A: !Condition B, B: !Condition A}\nResources: {A: {Type: \"Custom::X\"}}", "Conditions.B: The conditions depend on each other in a circle: A -> B -> A.")]
    public void Reports_mistakes_of_the_frame(string content, string problem)
    {
        _text.Load(content);

        Assert.Contains("template.yaml:1: " + problem, _text.Lines);
    }

    [Fact]
    public void Gives_the_same_values_at_every_start()
    {
        const string Content = """
            Resources:
              Key: {Type: "AWS::KMS::Key"}
              Role: {Type: "AWS::IAM::Role"}
              Dashboard: {Type: "AWS::CloudWatch::Dashboard"}
              Probe: {Type: "Custom::X", Properties: {V: [!Ref Key, !GetAtt Role.Arn, !Ref Dashboard, !GetAtt Dashboard.SomeArn]}}
            """;

        var first = TemplateText.Properties(_text.LoadValid(Content), "Probe");
        var second = TemplateText.Properties(_text.LoadValid(Content), "Probe");

        Assert.Equal(first, second);
        Assert.Matches("arn:aws:iam::123456789012:role/sample-Role-[A-Z2-7]{12}", first);
        Assert.Matches("arn:aws:cloudwatch:us-west-2:123456789012:dashboard/sample-Dashboard-[A-Z2-7]{12}", first);
    }

    [Fact]
    public void Fills_the_mapping_of_the_customer_configuration_in()
    {
        var template = _text.LoadValid("""
            Mappings:
              ProxylityConfig:
                Fn::Transform:
                  Name: AWS::Include
                  Parameters: {Location: !Sub "s3://proxylity-config-${AWS::Region}/${AWS::AccountId}/customer-config.json"}
            Resources:
              Probe:
                Type: Custom::X
                Properties:
                  Token: !FindInMap [ProxylityConfig, !Ref AWS::Region, ServiceToken]
                  Role: !FindInMap [ProxylityConfig, !Ref AWS::Region, ServiceRole]
                  Key: !FindInMap [ProxylityConfig, Account, ApiKey]
            """);

        Assert.Equal(
            """{"Token":"arn:aws:lambda:us-west-2:123456789012:function:udp-gateway-provider","Role":"arn:aws:iam::123456789012:role/udp-gateway-service","Key":"local"}""",
            TemplateText.Properties(template, "Probe"));
    }

    [Fact]
    public void Reads_an_include_from_the_file_that_the_user_names()
    {
        var included = _text.Write("config.yaml", "us-west-2: {Size: !Ref AWS::Region}\n");
        var settings = TemplateText.Settings with { Includes = new Dictionary<string, string> { ["s3://bucket/config"] = included } };

        var template = _text.LoadValid("""
            Mappings:
              Config: {"Fn::Transform": {Name: AWS::Include, Parameters: {Location: "s3://bucket/config"}}}
            Resources:
              Probe: {Type: "Custom::X", Properties: {V: !FindInMap [Config, us-west-2, Size]}}
            """, settings);

        Assert.Equal("""{"V":{"Ref":"AWS::Region"}}""", TemplateText.Properties(template, "Probe"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Treats_an_include_that_cannot_be_read_as_unknown_only_when_validating(bool isValidation)
    {
        _text.Load("""
            Mappings:
              Config: {"Fn::Transform": {Name: AWS::Include, Parameters: {Location: "s3://bucket/config"}}}
            Resources:
              Probe: {Type: "Custom::X", Properties: {V: !FindInMap [Config, us-west-2, Size]}}
            """, TemplateText.Settings with { UsePlaceholders = isValidation })?.Check();

        Assert.Equal(isValidation ? [] : ["template.yaml:2: Mappings.Config: The include s3://bucket/config cannot be read here: add --include s3://bucket/config=FILE."], _text.Lines);
        Assert.Equal(isValidation ? 1 : 0, _text.Problems.Notes.Count);
    }

    [Fact]
    public void Repeats_a_map_for_each_element()
    {
        var template = _text.LoadValid("""
            Transform: AWS::LanguageExtensions
            Parameters: {Names: {Type: CommaDelimitedList, Default: "a.b,c"}}
            Resources:
              Fn::ForEach::Queues:
                - Name
                - !Ref Names
                - Queue&{Name}:
                    Type: Custom::X
                    Properties: {Own: !Ref Name, Text: !Sub "${Name}-${AWS::Region}"}
            """);

        Assert.Equal(["Queueab", "Queuec"], template.Resources.Select(resource => resource.LogicalId));
        Assert.Equal("""{"Own":"a.b","Text":"a.b-us-west-2"}""", TemplateText.Properties(template, "Queueab"));
    }

    [Theory]
    [InlineData("samples/open-wireguard/template.yaml", "open-wireguard")]
    [InlineData("x/wireguard.template.json", "wireguard")]
    [InlineData("7up.yaml", "stack-7up")]
    [InlineData("a_b c.yml", "a-b-c")]
    public void Names_the_stack_after_the_file(string file, string name) => Assert.Equal(name, TemplateSettings.StackNameFor(file));
}
