using System.Net;
using System.Net.Sockets;
using System.Text;
using UdpGateway.EndToEnd.Tests.Harness;

namespace UdpGateway.EndToEnd.Tests;

/// <summary>
/// A function that publishes to a topic of its template reaches the client through the listener's port. The function is registered
/// for its destination by a resource of its own.
/// </summary>
public sealed class PacketSourceTests
{
    private const string Template = """
        AWSTemplateFormatVersion: "2010-09-09"
        Transform: AWS::Serverless-2016-10-31
        Resources:
          Topic:
            Type: AWS::SNS::Topic
          Role:
            Type: AWS::IAM::Role
          Function:
            Type: AWS::Serverless::Function
            Properties:
              Runtime: python3.13
              Handler: index.handler
              Timeout: 30
              Environment:
                Variables:
                  TOPIC: !Ref Topic
              InlineCode: |
                import base64, json, os, urllib.parse, urllib.request

                def publish(packet, attributed, sdk):
                    remote = {"Address": packet["Remote"]["IpAddress"], "Port": packet["Remote"]["Port"], "PeerKey": packet["Remote"].get("PeerKey", "")}
                    message = json.dumps({"Messages": [{"Data": "pushed: " + base64.b64decode(packet["Data"]).decode(), "Remote": remote, "Formatter": "utf8", "Inner": packet.get("Inner")}]})
                    if sdk:
                        import boto3
                        boto3.client("sns").publish(TopicArn=os.environ["TOPIC"], Message=message, MessageAttributes={"EgressRegion": {"DataType": "String", "StringValue": packet["IngressRegion"]}})
                        return
                    form = {"Action": "Publish", "Version": "2010-03-31", "TopicArn": os.environ["TOPIC"], "Message": message}
                    if attributed:
                        form.update({"MessageAttributes.entry.1.Name": "EgressRegion", "MessageAttributes.entry.1.Value.DataType": "String", "MessageAttributes.entry.1.Value.StringValue": packet["IngressRegion"]})
                    request = urllib.request.Request(os.environ["AWS_ENDPOINT_URL_SNS"], urllib.parse.urlencode(form).encode())
                    assert b"<MessageId>" in urllib.request.urlopen(request).read()

                def handler(event, context):
                    for packet in event["Messages"]:
                        text = base64.b64decode(packet["Data"])
                        publish(packet, b"unmarked" not in text, b"sdk" in text)
          Listener:
            Type: Custom::ProxylityUdpGatewayListener
            Properties:
              ServiceToken: local
              Protocols: [PROTOCOL]
              ALLOW
              Destinations:
                - Name: push
                  Role: {Arn: !GetAtt Role.Arn}
                  Batching: {Count: 1}
          Registration:
            Type: Custom::ProxylityUdpGatewayDestinationArn
            Properties:
              ServiceToken: local
              Destination: !Select [0, !GetAtt Listener.DestinationNames]
              IngressRegionKey: !Ref AWS::Region
              Arn: !GetAtt Function.Arn
          Source:
            Type: Custom::ProxylityUdpGatewayPacketSource
            Properties:
              ServiceToken: local
              ListenerName: !Ref Listener
              Enabled: true
              SnsTopicSource: {TopicArn: !Ref Topic, Role: !GetAtt Role.Arn}

        """;

    [Fact]
    public async Task A_published_message_reaches_a_plain_udp_client_and_one_without_egress_region_is_named_in_the_log()
    {
        using var workspace = new Workspace();
        await using var stack = await RunningStack.UpAsync(workspace, Write(workspace, "udp"));
        using var client = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        client.Connect(stack.Endpoint);

        await client.SendAsync("unmarked"u8.ToArray());
        await Eventually.TrueAsync(() => stack.Log.Contains("has no message attribute EgressRegion", StringComparison.Ordinal), TimeSpan.FromSeconds(60));
        await client.SendAsync("hello"u8.ToArray());
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var received = await client.ReceiveAsync(patience.Token);

        Assert.Equal("pushed: hello", Encoding.UTF8.GetString(received.Buffer));
        Assert.Equal(stack.Endpoint.Port, received.RemoteEndPoint.Port);
    }

    [Theory]
    [InlineData("hello")]
    [InlineData("another")]
    public async Task A_published_message_reaches_a_client_through_its_session(string text)
    {
        using var workspace = new Workspace();
        await using var stack = await RunningStack.UpAsync(workspace, Write(workspace, "wg"));
        using var client = new TunnelClient(stack);

        Assert.Equal($"pushed: {text}", await client.AskAsync(text, TimeSpan.FromSeconds(60)));
    }

    [Boto3Fact]
    public async Task The_sdk_of_a_function_finds_the_topic_by_itself()
    {
        using var workspace = new Workspace();
        await using var stack = await RunningStack.UpAsync(workspace, Write(workspace, "wg"));
        using var client = new TunnelClient(stack);

        Assert.Equal("pushed: sdk", await client.AskAsync("sdk", TimeSpan.FromSeconds(60)));
    }

    [Fact]
    public async Task The_resources_come_back_at_the_next_start_and_go_with_the_stack()
    {
        using var workspace = new Workspace();
        var template = Write(workspace, "wg");
        await using (await RunningStack.UpAsync(workspace, template))
        {
            // Only to leave the stack behind.
        }

        await using (var stack = await RunningStack.UpAsync(workspace, template))
        {
            using var client = new TunnelClient(stack);
            Assert.Equal("pushed: again", await client.AskAsync("again", TimeSpan.FromSeconds(60)));
        }

        var down = (await ProgramRun.UdpgwAsync("down", "--state", workspace.State)).Succeeded();
        Assert.Contains("Source", down.Output, StringComparison.Ordinal);
        Assert.Contains("Registration", down.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Validate_names_what_is_wrong_with_them()
    {
        using var workspace = new Workspace();
        var text = File.ReadAllText(Write(workspace, "udp"));
        var template = workspace.Write("wrong.yaml", text
            .Replace("IngressRegionKey: !Ref AWS::Region", "IngressRegionKey: nowhere", StringComparison.Ordinal)
            .Replace("SnsTopicSource: {TopicArn: !Ref Topic, Role: !GetAtt Role.Arn}", "SnsTopicSource: {TopicArn: topic, Role: !GetAtt Role.Arn}", StringComparison.Ordinal));

        var right = (await ProgramRun.UdpgwAsync("validate", workspace.Path("template.yaml"))).Succeeded();
        var wrong = await ProgramRun.UdpgwAsync("validate", template);

        Assert.DoesNotContain("not checked", right.Output, StringComparison.Ordinal);
        Assert.Equal(1, wrong.ExitCode);
        Assert.Contains("Resources.Registration.Properties.IngressRegionKey", wrong.Error, StringComparison.Ordinal);
        Assert.Contains("Resources.Source.Properties.SnsTopicSource.TopicArn", wrong.Error, StringComparison.Ordinal);
    }

    private static string Write(Workspace workspace, string protocol) => workspace.Write("template.yaml", Template
        .Replace("PROTOCOL", protocol, StringComparison.Ordinal)
        .Replace("ALLOW", protocol == "wg" ? "AllowUnknownPeers: true" : "Description: plain", StringComparison.Ordinal));
}
