using System.Net;
using System.Net.Sockets;
using System.Text;
using UdpGateway.EndToEnd.Tests.Harness;

namespace UdpGateway.EndToEnd.Tests;

public sealed class ResponseStreamingTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    // Answers the first packet, waits for a file, answers the others, and leaves a file when it ends.
    private const string Template =
        """
        Transform: AWS::Serverless-2016-10-31
        Mappings:
          ProxylityConfig:
            Fn::Transform:
              Name: AWS::Include
              Parameters:
                Location: !Sub "s3://proxylity-config-${AWS::Region}/${AWS::AccountId}/customer-config.json"
        Resources:
          Listener:
            Type: Custom::ProxylityUdpGatewayListener
            Properties:
              ServiceToken: !FindInMap [ProxylityConfig, !Ref "AWS::Region", ServiceToken]
              ApiKey: !FindInMap [ProxylityConfig, Account, ApiKey]
              Protocols: [udp]
              Destinations:
                - Name: streamer
                  DestinationArn: !GetAtt Streamer.Arn
                  Formatter: utf8
                  Batching:
                    Count: 3
                    TimeoutInSeconds: 60
                  Arguments:
                    UseResponseStreaming: "true"
          Streamer:
            Type: AWS::Serverless::Function
            Properties:
              Runtime: nodejs20.x
              Handler: index.handler
              Timeout: 120
              InlineCode: |
                const fs = require('fs');
                exports.handler = awslambda.streamifyResponse(async (event, stream) => {
                  const reply = message => JSON.stringify({ Tag: message.Tag, Data: 'to ' + message.Data }) + '\n';
                  const [first, ...others] = event.Messages;
                  stream.write(reply(first));
                  while (!fs.existsSync('RELEASE')) await new Promise(resolve => setTimeout(resolve, 10));
                  others.forEach(message => stream.write(reply(message)));
                  stream.end();
                  fs.writeFileSync('ENDED', '');
                });
        """;

    [NodeFact]
    public async Task Each_reply_arrives_while_the_function_still_runs()
    {
        using var workspace = new Workspace();
        var (release, ended) = (workspace.Path("release"), workspace.Path("ended"));
        var template = workspace.Write(
            "template.yaml", Template.Replace("RELEASE", release, StringComparison.Ordinal).Replace("ENDED", ended, StringComparison.Ordinal));
        await using var stack = await RunningStack.UpAsync(workspace, template);
        using var client = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        client.Connect(stack.Endpoint);

        foreach (var text in (string[])["one", "two", "three"])
            await client.SendAsync(Encoding.UTF8.GetBytes(text));

        Assert.Equal("to one", await ReceiveAsync(client));
        Assert.False(File.Exists(ended), "The function ended before its first reply arrived.");
        Assert.Equal(0, await stack.MetricAsync("udpgw_batches_total", "result=\"delivered\""));

        await File.WriteAllTextAsync(release, "");
        Assert.Equal(["to two", "to three"], [await ReceiveAsync(client), await ReceiveAsync(client)]);
        await Eventually.TrueAsync(async () => await stack.MetricAsync("udpgw_batches_total", "result=\"delivered\"") == 1, Patience);
    }

    private static async Task<string> ReceiveAsync(UdpClient client)
    {
        using var deadline = new CancellationTokenSource(Patience);
        return Encoding.UTF8.GetString((await client.ReceiveAsync(deadline.Token)).Buffer);
    }
}
