using UdpGateway.Cli.Templates;

namespace UdpGateway.Cli.Tests.Templates;

public sealed class TemplateParametersTests : IDisposable
{
    private readonly TemplateText _text = new();

    public void Dispose() => _text.Dispose();

    [Theory]
    [InlineData("Type: Number, MaxValue: 65535", "70000", "'70000' is greater than MaxValue 65535.")]
    [InlineData("Type: Number, MinValue: 1", "0", "'0' is less than MinValue 1.")]
    [InlineData("Type: Number", "ten", "'ten' is no number.")]
    [InlineData("Type: String, AllowedValues: [udp, wg]", "dtls", "'dtls' is none of the AllowedValues udp, wg.")]
    [InlineData("Type: String, AllowedPattern: \"[a-z]+\"", "a1", "'a1' does not match AllowedPattern [a-z]+.")]
    [InlineData("Type: String, AllowedPattern: \"[a-z]+\", ConstraintDescription: only letters.", "1", "'1' does not match AllowedPattern [a-z]+ (only letters).")]
    [InlineData("Type: String, MinLength: 44", "short", "'short' has 5 characters, and MinLength is 44.")]
    [InlineData("Type: String, MaxLength: 2", "long", "'long' has 4 characters, and MaxLength is 2.")]
    [InlineData("Type: String, MinLength: 44, NoEcho: true", "secret", "The value has 6 characters, and MinLength is 44.")]
    [InlineData("Type: List<Number>", "1,x", "'x' is no number.")]
    [InlineData("Type: Strin", "x", "'Strin' is no parameter type. Did you mean 'String'?")]
    [InlineData("Type: String, Defualt: x", "x", "A parameter has no attribute 'Defualt'. Did you mean 'Default'?")]
    public void Checks_the_declared_constraints(string declaration, string value, string sentence)
    {
        _text.Load($"Resources: {{A: {{Type: \"Custom::X\"}}}}\nParameters:\n  P: {{{declaration}}}", With("P", value));

        Assert.Equal([$"template.yaml:3: Parameters.P: {sentence}"], _text.Lines);
    }

    [Fact]
    public void Prefers_the_override_to_the_default()
    {
        var template = _text.LoadValid("""
            Parameters: {P: {Type: String, Default: a}}
            Resources: {A: {Type: "Custom::X", Properties: {V: !Ref P}}}
            """, With("P", "b=c"));

        Assert.Equal("""{"V":"b=c"}""", TemplateText.Properties(template, "A"));
    }

    [Fact]
    public void Asks_for_a_value_that_is_missing()
    {
        _text.Load("Parameters: {P: {Type: String}, S: {Type: \"AWS::SSM::Parameter::Value<String>\", Default: /name}}\nResources: {A: {Type: \"Custom::X\"}}");

        Assert.Equal(
            [
                "template.yaml:1: Parameters.P: The parameter has neither a default nor a value: add --parameter-overrides P=VALUE.",
                "template.yaml:1: Parameters.S: The value comes from the SSM parameter store, which is not asked here: give it as --parameter-overrides S=VALUE.",
            ],
            _text.Lines);
    }

    [Fact]
    public void Refuses_a_value_for_a_parameter_that_does_not_exist()
    {
        _text.Load("Parameters: {Port: {Type: Number, Default: 1}}\nResources: {A: {Type: \"Custom::X\"}}", With("Prot", "2"));

        Assert.Equal(["--parameter-overrides: The template has no parameter 'Prot'. Did you mean 'Port'?"], _text.Lines);
    }

    [Fact]
    public void Puts_a_typed_placeholder_in_place_of_a_missing_value_when_validating()
    {
        var template = _text.LoadValid("""
            Parameters:
              N: {Type: Number, MinValue: 5}
              C: {Type: String, AllowedValues: [x, y]}
              V: {Type: "AWS::EC2::VPC::Id"}
              L: {Type: CommaDelimitedList}
            Resources: {A: {Type: "Custom::X", Properties: {V: [!Ref N, !Ref C, !Ref V, !Ref L]}}}
            """, TemplateText.Settings with { UsePlaceholders = true });

        Assert.Equal("""{"V":["5","x","vpc-0123456789abcdef0",["placeholder-L"]]}""", TemplateText.Properties(template, "A"));
        Assert.Equal(4, _text.Problems.Notes.Count);
    }

    private static TemplateSettings With(string name, string value) =>
        TemplateText.Settings with { ParameterOverrides = new Dictionary<string, string> { [name] = value } };
}
