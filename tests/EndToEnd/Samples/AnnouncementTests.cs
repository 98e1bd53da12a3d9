using System.Security.Cryptography;
using System.Text.Json.Nodes;
using UdpGateway.EndToEnd.Tests.Harness;

namespace UdpGateway.EndToEnd.Tests.Samples;

/// <summary>The two snippets with which the hosted service announced open WireGuard endpoints, completed and otherwise unchanged.</summary>
public sealed class AnnouncementTests
{
    private const string Listener =
        """
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

    private const string SynchronousDestination =
        """
              Destinations:
                - Name: packet-handler
                  DestinationArn: !GetAtt HandlerLambda.Arn
                  Role:
                    Arn: !GetAtt ProxylityRole.Arn

        """;

    private const string AsynchronousDestination =
        """
              Destinations:
                - Name: workflow-trigger
                  DestinationArn: !GetAtt WorkflowTriggerLambda.Arn
                  Role:
                    Arn: !GetAtt ProxylityRole.Arn
                  Arguments:
                    UseAsyncInvoke: "true"

        """;

    private const string Beginning =
        """
        AWSTemplateFormatVersion: "2010-09-09"
        Transform: AWS::Serverless-2016-10-31
        Mappings:
          ProxylityConfig:
            Fn::Transform:
              Name: AWS::Include
              Parameters:
                Location: !Sub "s3://proxylity-config-${AWS::Region}/${AWS::AccountId}/customer-config.json"
        Resources:

        """;

    [Fact]
    public async Task The_open_endpoint_answers_whoever_holds_the_shared_key()
    {
        using var workspace = new Workspace();
        var psk = RandomNumberGenerator.GetBytes(32);
        var pskFile = workspace.Write("shared.psk", Convert.ToBase64String(psk));
        var template = workspace.Write("template.yaml", Beginning + Listener + SynchronousDestination + Rest("HandlerLambda",
            """
                    def handler(event, context):
                        return {"Replies": [{"Tag": message["Tag"], "Data": message["Data"]} for message in event["Messages"]]}

            """));
        await using var stack = await RunningStack.UpAsync(workspace, template, "--secret", $"WireGuardPSK={pskFile}");
        using var member = new TunnelClient(stack, presharedKey: psk);
        using var stranger = new TunnelClient(stack);

        Assert.Equal("round trip", await member.AskAsync("round trip"));
        Assert.Null(await stranger.AskAsync("round trip", TimeSpan.FromSeconds(1)));
        Assert.Equal(["packet-handler"], stack.Listener.DestinationNames);
    }

    [Fact]
    public async Task The_workflow_trigger_runs_without_an_answer()
    {
        using var workspace = new Workspace();
        var psk = RandomNumberGenerator.GetBytes(32);
        var pskFile = workspace.Write("shared.psk", Convert.ToBase64String(psk));
        var evidence = workspace.Path("evidence");
        var template = workspace.Write("template.yaml", Beginning + Listener + AsynchronousDestination + Rest("WorkflowTriggerLambda",
            $$"""
                    import json

                    def handler(event, context):
                        with open("{{evidence}}", "a") as file:
                            file.write(json.dumps(event) + "\n")
                        return {"Replies": [{"Tag": message["Tag"], "Data": message["Data"]} for message in event["Messages"]]}

            """));
        await using var stack = await RunningStack.UpAsync(workspace, template, "--secret", $"WireGuardPSK={pskFile}");
        using var member = new TunnelClient(stack, presharedKey: psk);

        Assert.Null(await member.AskAsync("start", TimeSpan.FromSeconds(1)));

        await Eventually.TrueAsync(() => File.Exists(evidence) && File.ReadAllText(evidence).EndsWith('\n'), TimeSpan.FromSeconds(20));
        var message = JsonNode.Parse(Assert.Single(await File.ReadAllLinesAsync(evidence)))!["Messages"]!.AsArray().Single()!;
        Assert.Equal((member.PublicKey, "c3RhcnQ="), ((string?)message["Remote"]!["PeerKey"], (string?)message["Data"]));
    }

    private static string Rest(string function, string code) =>
        $$"""
          WireGuardPSK:
            Type: AWS::SecretsManager::Secret
            Properties:
              Description: Pre-shared key of every client
          {{function}}:
            Type: AWS::Serverless::Function
            Properties:
              Runtime: python3.13
              Handler: index.handler
              InlineCode: |
        {{code}}
          ProxylityRole:
            Type: AWS::IAM::Role
            Properties:
              AssumeRolePolicyDocument:
                Version: "2012-10-17"
                Statement:
                  - Effect: Allow
                    Principal:
                      AWS: !FindInMap [ProxylityConfig, !Ref "AWS::Region", ServiceRole]
                    Action: sts:AssumeRole
        """;
}
