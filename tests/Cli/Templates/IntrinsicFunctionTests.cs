namespace UdpGateway.Cli.Tests.Templates;

public sealed class IntrinsicFunctionTests : IDisposable
{
    private const string Frame = """
        Transform: AWS::LanguageExtensions
        Parameters:
          Text: {Type: String, Default: hello}
          Number: {Type: Number, Default: 7}
          List: {Type: CommaDelimitedList, Default: "a, b,c"}
        Mappings:
          Sizes:
            us-west-2: {Small: s, Zones: [x, z]}
        Conditions:
          Holds: !Equals [!Ref Text, hello]
          Fails: !Not [!Condition Holds]
          Both: !And [!Condition Holds, !Condition Fails]
          Either: !Or [!Condition Holds, !Condition Fails]
        Resources:
          Queue: {Type: "AWS::SQS::Queue", Properties: {QueueName: jobs}}
          Fifo: {Type: "AWS::SQS::Queue", Properties: {FifoQueue: true}}
          Function: {Type: "AWS::Lambda::Function", Properties: {FunctionName: echo}}
          Probe:
            Type: Custom::Probe
            Properties:
              Value: 
        """;

    private readonly TemplateText _text = new();

    public void Dispose() => _text.Dispose();

    [Theory]
    [InlineData("!Ref Text", "\"hello\"")]
    [InlineData("!Ref Number", "\"7\"")]
    [InlineData("!Ref List", "[\"a\",\"b\",\"c\"]")]
    [InlineData("!Ref AWS::Region", "\"us-west-2\"")]
    [InlineData("!Ref AWS::AccountId", "\"123456789012\"")]
    [InlineData("!Ref AWS::StackName", "\"sample\"")]
    [InlineData("!Ref AWS::Partition", "\"aws\"")]
    [InlineData("!Ref AWS::URLSuffix", "\"amazonaws.com\"")]
    [InlineData("!Ref Queue", "\"https://sqs.us-west-2.amazonaws.com/123456789012/jobs\"")]
    [InlineData("!GetAtt Queue.Arn", "\"arn:aws:sqs:us-west-2:123456789012:jobs\"")]
    [InlineData("!GetAtt [Queue, Arn]", "\"arn:aws:sqs:us-west-2:123456789012:jobs\"")]
    [InlineData("{\"Fn::GetAtt\": [Queue, Arn]}", "\"arn:aws:sqs:us-west-2:123456789012:jobs\"")]
    [InlineData("{\"Fn::GetAtt\": Queue.Arn}", "\"arn:aws:sqs:us-west-2:123456789012:jobs\"")]
    [InlineData("!GetAtt Function.Arn", "\"arn:aws:lambda:us-west-2:123456789012:function:echo\"")]
    [InlineData("!Sub \"${Text}-${Queue.Arn}-${AWS::Region}-${!Literal}-$5\"", "\"hello-arn:aws:sqs:us-west-2:123456789012:jobs-us-west-2-${Literal}-$5\"")]
    [InlineData("!Sub [\"${Text}/${Own}\", {Own: !Ref Number, Text: other}]", "\"other/7\"")]
    [InlineData("!Join [\"-\", [a, !Ref Text, !Ref \"AWS::NoValue\"]]", "\"a-hello\"")]
    [InlineData("!Join [\",\", !Ref List]", "\"a,b,c\"")]
    [InlineData("!Select [1, !Ref List]", "\"b\"")]
    [InlineData("!Select [\"2\", !Split [\".\", x.y.z]]", "\"z\"")]
    [InlineData("!Split [\",\", \"1,2\"]", "[\"1\",\"2\"]")]
    [InlineData("!FindInMap [Sizes, !Ref \"AWS::Region\", Small]", "\"s\"")]
    [InlineData("!FindInMap [Sizes, !Ref \"AWS::Region\", Zones]", "[\"x\",\"z\"]")]
    [InlineData("!FindInMap [Sizes, mars, Small, {DefaultValue: none}]", "\"none\"")]
    [InlineData("!If [Holds, 1, 2]", "\"1\"")]
    [InlineData("!If [Fails, 1, 2]", "\"2\"")]
    [InlineData("!If [Both, 1, 2]", "\"2\"")]
    [InlineData("!If [Either, 1, 2]", "\"1\"")]
    [InlineData("!If [Fails, x, !Ref \"AWS::NoValue\"]", null)]
    [InlineData("!Base64 hello", "\"aGVsbG8=\"")]
    [InlineData("!Cidr [10.0.0.0/16, 2, 8]", "[\"10.0.0.0/24\",\"10.0.1.0/24\"]")]
    [InlineData("!Cidr [\"fd00::/48\", 2, 64]", "[\"fd00::/64\",\"fd00:0:0:1::/64\"]")]
    [InlineData("!GetAZs \"\"", "[\"us-west-2a\",\"us-west-2b\",\"us-west-2c\"]")]
    [InlineData("!GetAZs eu-west-1", "[\"eu-west-1a\",\"eu-west-1b\",\"eu-west-1c\"]")]
    [InlineData("!Length [a, b]", "\"2\"")]
    [InlineData("!Length [!Ref Text]", "\"1\"")]
    [InlineData("!Sub \"{{resolve:secretsmanager:${Text}:SecretString}}\"", "\"{{resolve:secretsmanager:hello:SecretString}}\"")]
    public void Evaluates(string expression, string? expected)
    {
        var template = _text.LoadValid(Frame + expression);

        var properties = TemplateText.Properties(template, "Probe");

        Assert.Equal(expected is null ? "{}" : $"{{\"Value\":{expected}}}", properties);
    }

    [Fact]
    public void Makes_json_text_that_keeps_types()
    {
        var template = _text.LoadValid(Frame + "!ToJsonString {Port: 53, On: true, Name: !Ref Text, Gone: !Ref \"AWS::NoValue\"}");

        var properties = TemplateText.Properties(template, "Probe");

        Assert.Contains("""{\u0022Port\u0022:53,\u0022On\u0022:true,\u0022Name\u0022:\u0022hello\u0022}""", properties, StringComparison.Ordinal);
    }

    [Fact]
    public void Gives_a_fifo_queue_the_name_that_it_must_have()
    {
        var template = _text.LoadValid(Frame + "!GetAtt Fifo.QueueName");

        Assert.EndsWith(".fifo\"}", TemplateText.Properties(template, "Probe"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("!Ref Txet", "There is no parameter or resource 'Txet'. Did you mean 'Text'?")]
    [InlineData("!GetAtt Queue", "Fn::GetAtt takes a resource and an attribute: [Resource, Attribute] or Resource.Attribute.")]
    [InlineData("!GetAtt Function.Arm", "A resource of type AWS::Lambda::Function has no attribute 'Arm'. Did you mean 'Arn'?")]
    [InlineData("!Sub \"${Nope}\"", "There is no parameter or resource 'Nope'.")]
    [InlineData("!Sub \"${List}\"", "${List} is a list; Fn::Sub takes only text (use Fn::Join or Fn::Select).")]
    [InlineData("!Select [3, !Ref List]", "Fn::Select asks for element 3, and the list has 3 (the first is 0).")]
    [InlineData("!Select [x, !Ref List]", "The index of Fn::Select is 'x'; it must be 0 or more.")]
    [InlineData("!FindInMap [Size, a, b]", "There is no mapping 'Size'. Did you mean 'Sizes'?")]
    [InlineData("!FindInMap [Sizes, mars, Small]", "The mapping 'Sizes' has no key 'mars'.")]
    [InlineData("!FindInMap [Sizes, us-west-2, Smal]", "The mapping 'Sizes' has no key 'Smal' under 'us-west-2'. Did you mean 'Small'?")]
    [InlineData("!If [Maybe, 1, 2]", "There is no condition 'Maybe'.")]
    [InlineData("!If [Holds, 1]", "Fn::If takes the name of a condition, a value for true and a value for false.")]
    [InlineData("!Cidr [10.0.0.0/30, 9, 1]", "Fn::Cidr: 10.0.0.0/30 has no room for 9 blocks of 1 host bits.")]
    [InlineData("!Cidr [10.0.0.0/16, 2, 64]", "Fn::Cidr: The host bits are '64'; within 10.0.0.0/16 they must be 1 to 16.")]
    [InlineData("!ImportValue other", "The export 'other' belongs to another stack, which does not exist here: give it as --export other=VALUE.")]
    [InlineData("!Equals [a, b]", "Fn::Equals belongs into the Conditions section; here, name the condition with Fn::If.")]
    [InlineData("{\"Fn::Sbu\": x}", "CloudFormation has no function 'Fn::Sbu'. Did you mean 'Fn::Sub'?")]
    [InlineData("!Join [a]", "Fn::Join takes a delimiter and a list.")]
    [InlineData("!Length a", "Fn::Length takes a list.")]
    public void Says_what_is_wrong_and_where(string expression, string sentence)
    {
        _text.Load(Frame + expression)?.Check();

        Assert.Equal([$"template.yaml:21: Resources.Probe.Properties.Value: {sentence}"], _text.Lines);
    }

    [Fact]
    public void Reports_all_problems_at_once()
    {
        _text.Load(Frame + "[!Ref A, !Ref B]")?.Check();

        Assert.Equal(2, _text.Problems.Problems.Count);
    }

    [Fact]
    public void Takes_exports_of_other_stacks_as_they_are_given()
    {
        var exports = new Dictionary<string, string> { ["network-vpc"] = "vpc-1" };

        var template = _text.LoadValid(Frame + "!ImportValue network-vpc", TemplateText.Settings with { Exports = exports });

        Assert.Equal("""{"Value":"vpc-1"}""", TemplateText.Properties(template, "Probe"));
    }

    [Fact]
    public void Stands_in_for_an_export_when_only_validating()
    {
        var template = _text.LoadValid(Frame + "!ImportValue other", TemplateText.Settings with { UsePlaceholders = true });

        Assert.Contains(_text.Problems.Notes, note => note.Sentence == "The export 'other' belongs to another stack; a placeholder stands for it.");
        Assert.Equal("""{"Value":"placeholder-other"}""", TemplateText.Properties(template, "Probe"));
    }
}
