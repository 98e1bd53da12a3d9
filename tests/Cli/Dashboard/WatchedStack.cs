using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using UdpGateway.Cli.LocalStack;
using UdpGateway.Cli.Tests.Templates;

namespace UdpGateway.Cli.Tests.Dashboard;

/// <summary>A template at work with a client for its dashboard.</summary>
internal sealed class WatchedStack : IAsyncDisposable
{
    /// <summary>Needs no program besides this one.</summary>
    public const string Silent = """
        Resources:
          Plain:
            Type: Custom::ProxylityUdpGatewayListener
            Properties:
              ServiceToken: x
              Protocols: [udp]
              Destinations:
                - {Name: archive, DestinationArn: "arn:aws:sqs:us-west-2:123456789012:archive", Role: "arn:aws:iam::123456789012:role/r", Batching: {Count: 1}}
                - {Name: alarms, DestinationArn: "arn:aws:sqs:us-west-2:123456789012:alarms", Role: "arn:aws:iam::123456789012:role/r", FilterExpression: "[0] == 0xFF"}
          Closed:
            Type: Custom::ProxylityUdpGatewayListener
            Properties:
              ServiceToken: x
              Protocols: [udp]
              ClientRestrictions: {Networks: [192.0.2.0/24]}
              Destinations: [{Name: archive, DestinationArn: "arn:aws:sqs:us-west-2:123456789012:archive", Role: "arn:aws:iam::123456789012:role/r"}]
          Secure:
            Type: Custom::ProxylityUdpGatewayListener
            Properties:
              ServiceToken: x
              Protocols: [wg]
              AllowUnknownPeers: true
              Destinations: [{Name: archive, DestinationArn: "arn:aws:sqs:us-west-2:123456789012:archive", Role: "arn:aws:iam::123456789012:role/r", Batching: {Count: 1}}]
        """;

    /// <summary>A function in Python that answers every packet, behind plain UDP and WireGuard.</summary>
    public const string Echo = """
        Resources:
          EchoFunction:
            Type: AWS::Lambda::Function
            Properties:
              Runtime: python3.12
              Handler: index.handler
              Role: arn:aws:iam::123456789012:role/r
              Code:
                ZipFile: |
                  def handler(event, context):
                      return {"Replies": [{"Tag": m["Tag"], "Data": "echo: " + m["Data"]} for m in event["Messages"]]}
          Plain:
            Type: Custom::ProxylityUdpGatewayListener
            Properties:
              ServiceToken: x
              Protocols: [udp]
              Destinations: [{Name: echo, Formatter: utf8, DestinationArn: !GetAtt EchoFunction.Arn, Batching: {Count: 1}}]
          Tunnel:
            Type: Custom::ProxylityUdpGatewayListener
            Properties:
              ServiceToken: x
              Protocols: [wg]
              AllowUnknownPeers: true
              DecapsulatedDelivery: true
              Destinations: [{Name: echo, Formatter: utf8, DestinationArn: !GetAtt EchoFunction.Arn, Batching: {Count: 1}}]
        """;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly TemplateText _text = new();
    private readonly StateDirectory _directory;

    private WatchedStack()
    {
        _directory = StateDirectory.Open(Path.Combine(_text.Folder, "state"));
    }

    public RunningStack Stack { get; private set; } = null!;

    public HttpClient Http { get; } = new() { Timeout = Patience };

    public Uri Dashboard => Stack.Dashboard.Address;

    public string Folder => _text.Folder;

    public static async Task<WatchedStack> StartAsync(string template)
    {
        var watched = new WatchedStack();
        var state = new StackState { StackId = TemplateText.Settings.StackId, StackName = "sample", Region = "us-west-2", AccountId = "123456789012" };
        try
        {
            watched.Stack = await RunningStack.StartAsync(
                watched._text.LoadValid(template), watched._text.Problems, new RunSettings(), watched._directory, state, NullLoggerFactory.Instance, _ => { }, default);
            return watched;
        }
        catch
        {
            watched._directory.Store.Dispose();
            watched._text.Dispose();
            throw;
        }
    }

    public ServedListener Listener(string logicalId) => Stack.Listeners.Single(listener => listener.LogicalId == logicalId);

    public async Task SendAsync(string logicalId, byte[] payload)
    {
        using var client = new UdpClient();
        await client.SendAsync(payload, new IPEndPoint(IPAddress.Loopback, Listener(logicalId).Record.Port));
    }

    /// <summary>The newest packet that is as it should be, as the page gets it.</summary>
    public async Task<JsonNode> WaitForPacketAsync(Func<JsonNode, bool> isIt)
    {
        JsonNode? last = null;
        for (var deadline = DateTime.UtcNow + Patience; DateTime.UtcNow < deadline; await Task.Delay(30))
        {
            for (var number = 1; ; number++)
            {
                using var response = await Http.GetAsync(new Uri(Dashboard, $"packets/{number}"));
                if (response.StatusCode == HttpStatusCode.NotFound)
                    break;
                last = await response.Content.ReadFromJsonAsync<JsonNode>();
                if (isIt(last!))
                    return last!;
            }
        }

        throw new TimeoutException($"No packet came to be as expected; the last one is {last?.ToJsonString() ?? "none"}.");
    }

    public static string State(JsonNode packet) => packet["line"]!["state"]!.ToString();

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Stack.DisposeAsync();
        _directory.Store.Dispose();
        _text.Dispose();
    }
}
