using UdpGateway.Cli.Tests.Templates;

namespace UdpGateway.Cli.Tests.Commands;

public sealed class ValidateCommandTests : IDisposable
{
    /// <summary>What the announcement's snippets leave out; the destinations follow.</summary>
    private const string AnnouncementFrame = """
        AWSTemplateFormatVersion: "2010-09-09"
        Transform: AWS::Serverless-2016-10-31
        Mappings:
          ProxylityConfig:
            Fn::Transform:
              Name: AWS::Include
              Parameters:
                Location: !Sub "s3://proxylity-config-${AWS::Region}/${AWS::AccountId}/customer-config.json"
        Resources:
          WireGuardPSK:
            Type: AWS::SecretsManager::Secret
          HandlerLambda:
            Type: AWS::Serverless::Function
            Properties: {Runtime: python3.12, Handler: index.handler, InlineCode: "def handler(event, context): return None"}
          WorkflowTriggerLambda:
            Type: AWS::Serverless::Function
            Properties: {Runtime: python3.12, Handler: index.handler, InlineCode: "def handler(event, context): return None"}
          ProxylityRole:
            Type: AWS::IAM::Role
            Properties:
              AssumeRolePolicyDocument:
                Statement:
                  - Effect: Allow
                    Principal: {AWS: !FindInMap [ProxylityConfig, !Ref "AWS::Region", ServiceRole]}
                    Action: sts:AssumeRole
                    Condition: {StringEquals: {"sts:ExternalId": !Ref "AWS::StackId"}}
          WireGuardListener:
            Type: Custom::ProxylityUdpGatewayListener
            Properties:
              ServiceToken: !FindInMap [ProxylityConfig, !Ref "AWS::Region", ServiceToken]
              ApiKey: !FindInMap [ProxylityConfig, Account, ApiKey]
              Protocols:
                - wg
              AllowUnknownPeers: true
              UnknownPeerPreSharedKey: !Sub "{{resolve:secretsmanager:${WireGuardPSK}:SecretString}}"

        """;

    private const string PacketHandler = """
              Destinations:
                - Name: packet-handler
                  DestinationArn: !GetAtt HandlerLambda.Arn
                  Role:
                    Arn: !GetAtt ProxylityRole.Arn
        """;

    private const string WorkflowTrigger = """
              Destinations:
                - Name: workflow-trigger
                  DestinationArn: !GetAtt WorkflowTriggerLambda.Arn
                  Role:
                    Arn: !GetAtt ProxylityRole.Arn
                  Arguments:
                    UseAsyncInvoke: "true"
        """;

    private readonly TemplateText _text = new();

    public void Dispose() => _text.Dispose();

    [Theory]
    [InlineData(PacketHandler)]
    [InlineData(WorkflowTrigger)]
    public async Task Accepts_the_snippets_of_the_announcement(string destinations)
    {
        var file = _text.Write("template.yaml", AnnouncementFrame + destinations);

        var run = await CommandRun.Of("validate", file);

        Assert.Equal("", run.Error);
        Assert.Equal(0, run.ExitCode);
        Assert.EndsWith("valid, 1 listener.\n", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Sends_the_properties_of_the_announcement_as_cloudformation_does()
    {
        var template = _text.LoadValid(AnnouncementFrame + PacketHandler);

        var properties = TemplateText.Properties(template, "WireGuardListener");

        Assert.Matches(
            """
            ^\{"ServiceToken":"arn:aws:lambda:us-west-2:123456789012:function:udp-gateway-provider","ApiKey":"local","Protocols":\["wg"\],"AllowUnknownPeers":"true",
            "UnknownPeerPreSharedKey":"\{\{resolve:secretsmanager:arn:aws:secretsmanager:us-west-2:123456789012:secret:sample-WireGuardPSK-[A-Z2-7]{12}-[0-9a-f]{6}:SecretString\}\}",
            "Destinations":\[\{"Name":"packet-handler","DestinationArn":"arn:aws:lambda:us-west-2:123456789012:function:sample-HandlerLambda-[A-Z2-7]{12}",
            "Role":\{"Arn":"arn:aws:iam::123456789012:role/sample-ProxylityRole-[A-Z2-7]{12}"\}\}\]\}$
            """.ReplaceLineEndings("").Replace("\n", "", StringComparison.Ordinal),
            properties);
    }

    [Fact]
    public async Task Reports_every_problem_of_a_listener_at_its_line()
    {
        var file = _text.Write("template.yaml", AnnouncementFrame
            .Replace("- wg", "- tcp", StringComparison.Ordinal) + PacketHandler
            .Replace("packet-handler", "packet handler", StringComparison.Ordinal)
            .Replace("Role:", "Batching: {Count: many}\n          Role:", StringComparison.Ordinal));

        var run = await CommandRun.Of("validate", file);

        Assert.Equal(1, run.ExitCode);
        var lines = run.Error.TrimEnd().Split('\n');
        Assert.Contains(lines, line => line.StartsWith($"{file}:33: Resources.WireGuardListener.Properties.Protocols", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith($"{file}:37: Resources.WireGuardListener.Properties.Destinations[0].Name", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith($"{file}:39: Resources.WireGuardListener.Properties.Destinations[0].Batching.Count", StringComparison.Ordinal));
        Assert.Equal(3, lines.Length);
    }

    [Fact]
    public async Task Reports_as_json()
    {
        var file = _text.Write("template.yaml", AnnouncementFrame.Replace("- wg", "- tcp", StringComparison.Ordinal) + PacketHandler);

        var run = await CommandRun.Of("validate", file, "--format", "json");

        var report = System.Text.Json.Nodes.JsonNode.Parse(run.Output)!;
        Assert.Equal((1, ""), (run.ExitCode, run.Error));
        Assert.False(report["Valid"]!.GetValue<bool>());
        var problem = Assert.Single(report["Problems"]!.AsArray())!;
        Assert.Equal((file, 33, "Resources.WireGuardListener.Properties.Protocols[0]"), (problem["File"]!.ToString(), problem["Line"]!.GetValue<int>(), problem["Path"]!.ToString()));
        Assert.Contains("tcp", problem["Message"]!.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Reports_as_annotations_of_a_workflow()
    {
        var file = _text.Write("a,b.yaml", AnnouncementFrame.Replace("- wg", "- \"100%\\nof: it\"", StringComparison.Ordinal) + PacketHandler);

        var run = await CommandRun.Of("validate", file, "--format", "github");

        Assert.Equal((1, ""), (run.ExitCode, run.Error));
        Assert.StartsWith($"::error file={file.Replace(",", "%2C", StringComparison.Ordinal)},line=33,title=Resources.WireGuardListener.Properties.Protocols[0]::", Assert.Single(run.OutputLines), StringComparison.Ordinal);
        Assert.Contains("100%25", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Annotates_what_it_assumed_at_its_line_too()
    {
        var file = _text.Write("template.yaml", AnnouncementFrame + PacketHandler + "\n      Destinatons: x");

        var run = await CommandRun.Of("validate", file, "--format", "github");

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.StartsWith($"::notice file={file},line=41,title=Resources.WireGuardListener.Properties.Destinatons::", run.OutputLines[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Asks_every_custom_resource_for_a_service_token()
    {
        var file = _text.Write("template.yaml", """
            Resources:
              Listener:
                Type: Custom::ProxylityUdpGatewayListener
                Properties: {Protocols: [udp], Destinations: [{Name: a, Role: "arn:aws:iam::123456789012:role/r"}]}
              Registration:
                Type: Custom::ProxylityUdpGatewayDestinationArn
                Properties: {Destination: a, Arn: "arn:aws:sqs:us-west-2:123456789012:queue"}
            """);

        var run = await CommandRun.Of("validate", file);

        Assert.Equal(1, run.ExitCode);
        Assert.Equal(
            [
                $"{file}:2: Resources.Listener.Properties.ServiceToken: is required; CloudFormation sends the resource's events there.",
                $"{file}:5: Resources.Registration.Properties.ServiceToken: is required; CloudFormation sends the resource's events there.",
            ],
            run.Error.TrimEnd().Split('\n'));
    }

    [Fact]
    public async Task Reports_every_problem_of_a_fleet_at_its_line()
    {
        var file = _text.Write("template.yaml", """
            Resources:
              Fleet:
                Type: Custom::UdpGatewayFleet
                Properties:
                  ServiceToken: x
                  Name: devices
                  Cluster: udp-gateway
                  LoadBalancerArn: !ImportValue balancer
                  Subnets: [subnet-1]
                  SecurityGroups: [sg-1]
                  TaskRoleArn: arn:aws:iam::123456789012:role/r
                  ExecutionRoleArn: arn:aws:iam::123456789012:role/r
                  LogGroupName: /logs
                  PortRange: 53-100
                  Cpu: 300
            """);

        var run = await CommandRun.Of("validate", file);

        Assert.Equal(1, run.ExitCode);
        Assert.Equal(
            [
                $"{file}:14: Resources.Fleet.Properties.PortRange: must be two ports from 1024 to 64511 with a hyphen between them, such as 30000-30999; \"53-100\" was given.",
                $"{file}:15: Resources.Fleet.Properties.Cpu: must be one of Fargate's sizes: 256, 512, 1024, 2048, 4096, 8192, 16384; 300 was given.",
            ],
            run.Error.TrimEnd().Split('\n').Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Does_not_judge_what_only_a_deployment_knows()
    {
        var file = _text.Write("template.yaml", """
            Parameters: {PeerKey: {Type: String, MinLength: 44}}
            Resources:
              Listener:
                Type: Custom::ProxylityUdpGatewayListener
                Properties:
                  ServiceToken: x
                  Protocols: [wg]
                  Peers: [{PublicKey: !Ref PeerKey}]
                  Destinations:
                    - DestinationArn: !ImportValue elsewhere
                      Role: arn:aws:iam::123456789012:role/r
            """);

        var run = await CommandRun.Of("validate", file);

        Assert.Equal("", run.Error);
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("note: Parameter PeerKey has no value; a placeholder of type String stands for it.", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--region", "mars")]
    [InlineData("--account-id", "12")]
    [InlineData("--parameter-overrides", "NoEquals")]
    [InlineData("--include", "NoEquals")]
    [InlineData("--nonsense", "x")]
    public async Task Refuses_a_wrong_option_with_exit_code_1(string option, string value)
    {
        var file = _text.Write("template.yaml", AnnouncementFrame + PacketHandler);

        var run = await CommandRun.Of("validate", file, option, value);

        Assert.Equal(1, run.ExitCode);
        Assert.Contains(option, run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Suggests_the_type_that_was_meant()
    {
        var file = _text.Write("template.yaml", "Resources: {L: {Type: \"Custom::ProxylityUdpGatewayListner\"}}");

        var run = await CommandRun.Of("validate", file);

        Assert.Contains("Did you mean 'Custom::ProxylityUdpGatewayListener'?", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Suggests_the_verb_that_was_meant()
    {
        var run = await CommandRun.Of("valdate", "x");

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("Did you mean 'validate'?", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Leaves_nothing_behind()
    {
        var file = _text.Write("template.yaml", AnnouncementFrame + PacketHandler);

        await CommandRun.Of("validate", file);

        Assert.Equal([file], Directory.EnumerateFileSystemEntries(_text.Folder));
    }
}
