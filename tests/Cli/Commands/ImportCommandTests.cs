using UdpGateway.Cli.Tests.Templates;

namespace UdpGateway.Cli.Tests.Commands;

public sealed class ImportCommandTests : IDisposable
{
    private const string Location = "s3://udp-gateway-config-${AWS::AccountId}-${AWS::Region}/customer-config.json";

    private readonly TemplateText _text = new();

    public void Dispose() => _text.Dispose();

    [Fact]
    public async Task Changes_single_places_and_keeps_comments_and_order()
    {
        const string Before = """
            # What this is for: packets.
            Mappings:
              ProxylityConfig:
                Fn::Transform:
                  Name: AWS::Include
                  Parameters:
                    Location: !Sub "s3://proxylity-config-${AWS::Region}/${AWS::AccountId}/customer-config.json" # once per account
            Resources:
              Listener: # täglich
                Type: Custom::ProxylityUdpGatewayListener
                Properties:
                  ServiceToken: !FindInMap [ProxylityConfig, !Ref AWS::Region, ServiceToken]
                  ApiKey:
                    Fn::FindInMap: [ProxylityConfig, Account, ApiKey]
                  Protocols:   [udp]
                  Destinations: [{Name: d, Role: "arn:aws:iam::123456789012:role/r"}]

            Outputs:
              Endpoint: {Value: !Sub "${Listener.Domain}.proxylity.com:${Listener.Port}"}   # host:port
              Joined: {Value: !Join ["", [!GetAtt Listener.Domain, ".proxylity.com:", !GetAtt Listener.Port]]}
              Text:
                Description: See https://docs.proxylity.com.
                Value: !Sub |
                  # ${Listener.Domain}.proxylity.com

            """;
        var file = _text.Write("template.yaml", Before);

        var run = await CommandRun.Of("import", file);

        Assert.Equal(0, run.ExitCode);
        Assert.Equal(
            Before
                .Replace("s3://proxylity-config-${AWS::Region}/${AWS::AccountId}/customer-config.json", Location, StringComparison.Ordinal)
                .Replace("Domain}.proxylity.com", "Domain}", StringComparison.Ordinal)
                .Replace("\".proxylity.com:\"", "\":\"", StringComparison.Ordinal),
            run.Output);
        Assert.Equal(
            [$"{file}:7: Mappings.ProxylityConfig: taken from {Location} instead of s3://proxylity-config-${{AWS::Region}}/${{AWS::AccountId}}/customer-config.json.",
             $"{file}:19: Outputs.Endpoint.Value: without .proxylity.com; Domain is the full name here.",
             $"{file}:20: Outputs.Joined.Value: without .proxylity.com; Domain is the full name here.",
             $"{file}:24: Outputs.Text.Value: without .proxylity.com; Domain is the full name here."],
            run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        await IsImportedAndValid(run.Output, "again.yaml");
    }

    [Theory]
    [InlineData("template.yaml", """
        Resources:
          Role:
            Type: AWS::IAM::Role
            Properties: {AssumeRolePolicyDocument: {Statement: {Principal: {AWS: "arn:aws:iam::210987654321:role/proxylity-service"}, Action: "sts:AssumeRole", Effect: Allow}}}
          Listener:
            Type: Custom::ProxylityUdpGatewayListener
            Properties:
              ServiceToken: arn:aws:lambda:us-west-2:210987654321:function:proxylity # theirs
              ApiKey: 'abc'
              Protocols: [udp]
              Destinations: [{Name: d, Role: "arn:aws:iam::123456789012:role/r"}]
        """)]
    [InlineData("template.yaml", """
        Mappings:
          # mine
          Sizes: {small: {n: "1"}}
        Resources:
          Listener:
            Type: Custom::ProxylityUdpGatewayListener
            Properties: {ServiceToken: "arn:x", Protocols: [udp], Destinations: [{Name: d, Role: "arn:aws:iam::123456789012:role/r"}]}
        """)]
    [InlineData("template.yaml", """
        Mappings:
          ProxylityConfig:
            us-west-2:
              ServiceToken: arn:x
              ServiceRole: arn:y
            Account:
              ApiKey: key
            # the end
        Resources:
          Listener:
            Type: Custom::ProxylityUdpGatewayListener
            Properties: {ServiceToken: !FindInMap [ProxylityConfig, us-west-2, ServiceToken], Protocols: [udp], Destinations: [{Name: d, Role: "arn:aws:iam::123456789012:role/r"}]}
        """)]
    [InlineData("template.json", """
        {
          "Description": "über den \u00c4ther",
          "Resources": {
            "Listener": {
              "Type": "Custom::ProxylityUdpGatewayListener",
              "Properties": { "ServiceToken": "arn:x", "ApiKey": "k", "Protocols": [ "udp" ], "Destinations": [ { "Name": "d", "Role": "arn:aws:iam::123456789012:role/r" } ] }
            }
          },
          "Outputs": { "E": { "Value": { "Fn::Sub": "${Listener.Domain}.proxylity.com:${Listener.Port}" } } }
        }
        """)]
    [InlineData("template.json", """{"Mappings":{"M":{"a":{"b":"c"}}},"Resources":{"L":{"Type":"Custom::ProxylityUdpGatewayListener","Properties":{"ServiceToken":"arn:x","Protocols":["udp"],"Destinations":[{"Name":"d","Role":"arn:aws:iam::123456789012:role/r"}]}}}}""")]
    public async Task Looks_up_what_was_written_out(string name, string content)
    {
        var file = _text.Write(name, content);

        var run = await CommandRun.Of("import", file, "--config", "s3://bucket/config.json");

        Assert.Equal(0, run.ExitCode);
        Assert.DoesNotMatch("arn:x|arn:y|210987654321", run.Output);
        Assert.DoesNotContain(".proxylity.com", run.Output, StringComparison.Ordinal);
        Assert.Contains("s3://bucket/config.json", run.Output, StringComparison.Ordinal);
        await IsImportedAndValid(run.Output, "again-" + name, "--config", "s3://bucket/config.json");
    }

    [Fact]
    public async Task Says_what_it_leaves_to_the_user()
    {
        var file = _text.Write("template.yaml", """
            Parameters: {Token: {Type: String}}
            Resources: {L: {Type: "Custom::ProxylityUdpGatewayListener", Properties: {ServiceToken: !Ref Token}}}
            """);

        var run = await CommandRun.Of("import", file);

        Assert.Equal(await File.ReadAllTextAsync(file), run.Output);
        Assert.Equal($"{file}:2: Resources.L.Properties.ServiceToken: left as it is; make sure that it gives this provider's ServiceToken.\n", run.Error);
    }

    [Theory]
    [InlineData("Resources: [", "is not valid YAML")]
    [InlineData("- a\n- b", "A template is a map")]
    public async Task Refuses_what_is_no_template(string content, string sentence)
    {
        var run = await CommandRun.Of("import", _text.Write("template.yaml", content));

        Assert.Equal((1, ""), (run.ExitCode, run.Output));
        Assert.Contains(sentence, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Refuses_a_location_that_is_none()
    {
        var run = await CommandRun.Of("import", _text.Write("template.yaml", "Resources: {}"), "--config", "s3://b/\"}");

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("--config takes a location such as", run.Error, StringComparison.Ordinal);
    }

    /// <summary>The result is a template that `validate` accepts, and importing it again changes nothing.</summary>
    private async Task IsImportedAndValid(string content, string name, params string[] options)
    {
        var file = _text.Write(name, content);
        var validated = await CommandRun.Of("validate", file);
        var again = await CommandRun.Of(["import", file, .. options]);

        Assert.Equal("", validated.Error);
        Assert.Equal((content, $"{file}: nothing to change.\n"), (again.Output, again.Error));
    }
}
