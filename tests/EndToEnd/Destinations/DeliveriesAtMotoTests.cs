using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using UdpGateway.EndToEnd.Tests.Harness;

namespace UdpGateway.EndToEnd.Tests.Destinations;

/// <summary>
/// The whole product against an independent implementation of the services that checks signatures, permissions and the role's trust:
/// what clients send to a plain listener and through WireGuard is looked up where each destination put it.
/// </summary>
public sealed class DeliveriesAtMotoTests
{
    private const string Script = "destinations_at_moto.py";

    /// <summary>Name, ARN, and further properties of each destination.</summary>
    private static readonly (string Name, string Arn, string More)[] Destinations =
    [
        ("standard", "arn:aws:sqs:us-west-2:123456789012:standard", "Arguments: { UseMessageAttributes: true }"),
        ("ordered", "arn:aws:sqs:us-west-2:123456789012:ordered.fifo", "Formatter: utf8"),
        ("topic", "arn:aws:sns:us-west-2:123456789012:topic", "Formatter: hex"),
        ("stream", "arn:aws:kinesis:us-west-2:123456789012:stream/stream", "Arguments: { PartitionKeyExpression: '[0:2]' }"),
        ("bucket", "arn:aws:s3:::packets-bucket/udp", "Formatter: utf8"),
        ("table", "arn:aws:dynamodb:us-west-2:123456789012:table/packets", "Formatter: utf8"),
        ("logs", "arn:aws:logs:us-west-2:123456789012:log-group:/packets:*", "Formatter: utf8"),
    ];

    [MotoFact]
    public async Task Packets_of_plain_and_WireGuard_clients_are_where_each_destination_puts_them()
    {
        string[] plain = ["plain one", "plain two", "plain three"];
        string[] tunnelled = ["tunnel one", "tunnel two"];
        string[] all = [.. plain, .. tunnelled];
        using var workspace = new Workspace();
        await using var moto = await Moto.StartAsync();
        var users = await moto.RunAsync(Script, "make-users");
        await using var stack = await UpAsync(workspace, moto, users);
        await moto.RunAsync(Script, "make-destinations", stack.Document.Outputs["Stack"]);
        var listeners = stack.Document.Listeners.ToDictionary(listener => listener.LogicalId);

        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Connect(IPEndPoint.Parse(listeners["Plain"].Endpoint));
        foreach (var text in plain)
            socket.Send(Encoding.ASCII.GetBytes(text));
        var key = TunnelClient.NewPrivateKey();
        await ProgramRun.UdpgwAsync(
            ["send", listeners["Tunnel"].Endpoint, .. tunnelled, "--public-key", listeners["Tunnel"].WireGuardPublicKey!, "--private-key", workspace.Write("client.key", Convert.ToBase64String(key)), "--raw", "--timeout", "1"]);

        foreach (var (name, _, _) in Destinations)
            await Eventually.TrueAsync(async () => await stack.MetricAsync("udpgw_destination_packets_total", $"destination=\"{name}\"") == all.Length, TimeSpan.FromSeconds(60));
        Assert.True(await stack.MetricAsync("udpgw_destination_packets_total", "result=\"delivered\"") == Destinations.Length * all.Length, stack.Log);
        var found = await ReadAsync(moto, users);

        var client = socket.LocalEndPoint!.ToString();
        var standard = Items(found, "standard");
        var packets = standard.Select(message => Packet((string)message["Body"]!)).ToList();
        AssertTexts(all, packets.Select(packet => Encoding.UTF8.GetString(Convert.FromBase64String(Data(packet)))));
        Assert.Equal(all.Length, packets.Select(packet => (string)packet["Tag"]!).Distinct().Count());
        foreach (var packet in packets.Where(packet => (string?)packet["Local"]!["Protocol"] == "udp"))
            Assert.Equal((client, listeners["Plain"].Port), ($"{packet["Remote"]!["IpAddress"]}:{packet["Remote"]!["Port"]}", (int)packet["Local"]!["Port"]!));
        var keys = packets.Where(packet => (string?)packet["Local"]!["Protocol"] == "wg").Select(packet => (string?)packet["Remote"]!["PeerKey"]);
        Assert.Equal(tunnelled.Select(_ => TunnelClient.PublicKeyOf(key)), keys);
        Assert.All(standard, message => Assert.Equal("127.0.0.1", (string?)message["MessageAttributes"]!["RemoteAddress"]!["StringValue"]));

        var ordered = Items(found, "ordered");
        Assert.Equal(plain, ordered.Where(message => (string?)message["Attributes"]!["MessageGroupId"] == client).Select(message => Data(Packet((string)message["Body"]!))));
        AssertTexts(all, ordered.Select(message => Data(Packet((string)message["Body"]!))));
        AssertTexts(all, Items(found, "topic").Select(message => Encoding.UTF8.GetString(Convert.FromHexString(Data(Packet((string)message["Body"]!))))));

        var records = Items(found, "stream");
        AssertTexts(all, records.Select(record => Encoding.UTF8.GetString(Convert.FromBase64String(Data(Packet((string)record["Data"]!))))));
        Assert.Equal(all.Select(text => Convert.ToHexString(Encoding.ASCII.GetBytes(text[..2]))).Order(), records.Select(record => (string)record["PartitionKey"]!).Order());

        var objects = Items(found, "bucket");
        Assert.All(objects, item => Assert.StartsWith("udp/", (string?)item["Key"], StringComparison.Ordinal));
        AssertTexts(all, objects.SelectMany(item => ((string)item["Lines"]!).Split('\n', StringSplitOptions.RemoveEmptyEntries)).Select(line => Data(Packet(line))));

        var items = Items(found, "table");
        AssertTexts(all, items.Select(item => (string)item["Data"]!["S"]!));
        Assert.Equal(plain.Length, items.Count(item => (string?)item["flow"]!["S"] == $"{client}|127.0.0.1:{listeners["Plain"].Port}"));

        var events = Items(found, "logs");
        AssertTexts(all, events.Select(item => (string)item["Message"]!));
        Assert.Equal(plain.Length, events.Count(item => ((string)item["Stream"]!).StartsWith($"{listeners["Plain"].Name}/logs/", StringComparison.Ordinal)));
    }

    [MotoFact]
    public async Task A_role_that_trusts_another_stack_delivers_nothing()
    {
        using var workspace = new Workspace();
        await using var moto = await Moto.StartAsync();
        var users = await moto.RunAsync(Script, "make-users");
        await using var stack = await UpAsync(workspace, moto, users);
        await moto.RunAsync(Script, "make-destinations", stack.Document.Outputs["Stack"] + "-of-somebody-else");

        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Connect(IPEndPoint.Parse(stack.Document.Listeners.Single(listener => listener.LogicalId == "Plain").Endpoint));
        socket.Send("refused"u8);

        await Eventually.TrueAsync(async () => await stack.MetricAsync("udpgw_destination_packets_total", "result=\"failed\"") == Destinations.Length, TimeSpan.FromSeconds(60));
        Assert.Equal(0, await stack.MetricAsync("udpgw_destination_packets_total", "result=\"delivered\""));
        var found = await ReadAsync(moto, users);
        Assert.All(Destinations, destination => Assert.Empty(Items(found, destination.Name)));
    }

    /// <summary>As the user who stands for the gateway, and may do nothing but assume roles.</summary>
    private static Task<RunningStack> UpAsync(Workspace workspace, Moto moto, JsonNode users) => RunningStack.UpAsync(
        workspace,
        workspace.Write("template.yaml", Template()),
        new Dictionary<string, string>
        {
            ["AWS_ENDPOINT_URL"] = moto.Url.ToString(),
            ["AWS_ACCESS_KEY_ID"] = (string)users["Gateway"]!["Key"]!,
            ["AWS_SECRET_ACCESS_KEY"] = (string)users["Gateway"]!["Secret"]!,
        });

    private static Task<JsonNode> ReadAsync(Moto moto, JsonNode users) =>
        moto.RunAsync(Script, "read", (string)users["Administrator"]!["Key"]!, (string)users["Administrator"]!["Secret"]!);

    private static void AssertTexts(IEnumerable<string> expected, IEnumerable<string> actual) =>
        Assert.Equal(expected.Order(StringComparer.Ordinal), actual.Order(StringComparer.Ordinal));

    private static List<JsonNode> Items(JsonNode found, string destination) => [.. found[destination]!.AsArray().Select(item => item!)];

    private static JsonNode Packet(string json) => JsonNode.Parse(json)!;

    private static string Data(JsonNode packet) => (string)packet["Data"]!;

    private static string Template()
    {
        var destinations = string.Concat(Destinations.Select(destination => $"""

                    - Name: {destination.Name}
                      DestinationArn: {destination.Arn}
                      Role: arn:aws:iam::123456789012:role/deliverer
                      Batching: @ Count: 10, TimeoutInSeconds: 0.05 #
                      {destination.More}
            """.Replace('@', '{').Replace('#', '}')));
        return $"""
            Resources:
              Plain:
                Type: Custom::UdpGatewayListener
                Properties:
                  ServiceToken: any
                  Protocols: [udp]
                  Destinations:{destinations}
              Tunnel:
                Type: Custom::UdpGatewayListener
                Properties:
                  ServiceToken: any
                  Protocols: [wg]
                  AllowUnknownPeers: true
                  Destinations:{destinations}
            Outputs:
              Stack:
                Value: !Ref AWS::StackId
            """;
    }
}
