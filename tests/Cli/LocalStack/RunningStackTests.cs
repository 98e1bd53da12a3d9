using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using UdpGateway.Cli.LocalStack;
using UdpGateway.Cli.Tests.Commands;
using UdpGateway.Cli.Tests.Templates;

namespace UdpGateway.Cli.Tests.LocalStack;

/// <summary>The real provider, store and gateway behind a template.</summary>
public sealed class RunningStackTests : IDisposable
{
    private const string Frame = """
        Resources:
          Key: {Type: "AWS::SecretsManager::Secret", Properties: {SecretString: "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="}}
          Role: {Type: "AWS::IAM::Role"}
          Secure:
            Type: Custom::ProxylityUdpGatewayListener
            Properties:
              ServiceToken: x
              Protocols: [wg]
              AllowUnknownPeers: true
              UnknownPeerPreSharedKey: !Sub "{{resolve:secretsmanager:${Key}}}"
              Destinations: [{Name: secure, DestinationArn: "arn:aws:lambda:us-west-2:123456789012:function:elsewhere", Role: {Arn: !GetAtt Role.Arn}}]
          Plain:
            Type: Custom::ProxylityUdpGatewayListener
            Properties:
              ServiceToken: x
              Protocols: [udp]
              Destinations: [{Name: plain, Formatter: utf8, DestinationArn: "arn:aws:lambda:us-west-2:123456789012:function:elsewhere", Role: {Arn: !GetAtt Role.Arn}, Batching: {Count: 1}}]
        Outputs:
          Key: {Value: !GetAtt Secure.WireGuardPublicKey}

        """;

    private readonly TemplateText _text = new();

    public void Dispose() => _text.Dispose();

    private string State => Path.Combine(_text.Folder, "state");

    [Fact]
    public async Task Serves_the_same_keys_and_ports_again_until_it_is_taken_down()
    {
        var (first, firstKey) = await RunAsync(Frame, stack => Task.FromResult((Ports(stack), stack.Outputs.Single().Value)));

        var (second, secondKey) = await RunAsync(Frame, stack => Task.FromResult((Ports(stack), stack.Outputs.Single().Value)));
        var down = await CommandRun.Of("down", "--state", State);
        var again = await CommandRun.Of("down", "--state", State);

        Assert.Equal(first, second);
        Assert.Equal(firstKey, secondKey);
        Assert.Equal(0, down.ExitCode);
        Assert.False(System.IO.Directory.Exists(State));
        Assert.Equal(1, again.ExitCode);
    }

    [Fact]
    public async Task Writes_what_a_foreign_destination_would_get_into_a_file()
    {
        var line = await RunAsync(Frame, async stack =>
        {
            using var client = new UdpClient();
            client.Connect(IPAddress.Loopback, stack.Listeners.Single(listener => listener.LogicalId == "Plain").Record.Port);
            await client.SendAsync("one line"u8.ToArray());
            return await WaitForLineAsync(Path.Combine(State, "destinations", "plain.ndjson"));
        });

        Assert.Equal("one line", JsonNode.Parse(line)!["Messages"]![0]!["Data"]!.ToString());
    }

    [Fact]
    public async Task Writes_a_client_configuration_with_the_key_that_unknown_peers_need()
    {
        var (configuration, again, port) = await RunAsync(Frame, async stack =>
        {
            var listener = stack.Listeners.Single(candidate => candidate.LogicalId == "Secure").Record;
            var client = new ClientConfiguration(Directory, Directory.Store);
            return (await client.WriteAsync(listener, $"127.0.0.1:{listener.Port}", default), await client.WriteAsync(listener, $"127.0.0.1:{listener.Port}", default), listener.Port);
        });

        Assert.Equal(configuration, again);
        Assert.Matches("^\\[Interface\\]\nPrivateKey = [A-Za-z0-9+/]{43}=\nAddress = 10.8.0.2/32\n\n\\[Peer\\]\nPublicKey = [A-Za-z0-9+/]{43}=\n", configuration);
        Assert.Contains($"PresharedKey = AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\nAllowedIPs = 10.8.0.1/32\nEndpoint = 127.0.0.1:{port}\nPersistentKeepalive = 25\n", configuration, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Describes_what_serves_in_the_outputs_file()
    {
        var file = Path.Combine(_text.Folder, "out.json");

        var (admin, port) = await RunAsync(Frame, stack =>
        {
            OutputsFile.Write(file, stack, new RunSettings());
            return Task.FromResult((stack.AdminAddress, stack.Listeners.Single(listener => listener.LogicalId == "Plain").Record.Port));
        });

        var written = JsonNode.Parse(await File.ReadAllTextAsync(file))!;
        var plain = written["Listeners"]!.AsArray().Single(listener => listener!["LogicalId"]!.ToString() == "Plain")!;
        Assert.Equal($"http://127.0.0.1:{admin.Port}", written["Admin"]!.ToString());
        Assert.Matches("^[A-Za-z0-9+/]{43}=$", written["Outputs"]!["Key"]!.ToString());
        Assert.Equal(
            $$"""{"LogicalId":"Plain","Name":"{{plain["Name"]}}","Protocol":"udp","Address":"127.0.0.1","Port":{{port}},"Endpoint":"127.0.0.1:{{port}}","DestinationNames":["plain"]}""",
            plain.ToJsonString());
        Assert.Equal("wg", written["Listeners"]![0]!["Protocol"]!.ToString());
    }

    [Fact]
    public async Task Gives_the_address_at_which_clients_reach_it_now()
    {
        const string template = Frame + "  Endpoint: {Value: !GetAtt Plain.Endpoint}\n";

        var first = await RunAsync(template, stack => Task.FromResult(stack.Outputs[1].Value));
        var moved = await RunAsync(template, stack => Task.FromResult(stack.Outputs[1].Value), new RunSettings { BindAddress = IPAddress.Parse("127.0.0.2") });

        Assert.StartsWith("127.0.0.1:", first, StringComparison.Ordinal);
        Assert.Equal(first.Replace("127.0.0.1", "127.0.0.2", StringComparison.Ordinal), moved);
    }

    [Fact]
    public async Task Leaves_away_what_templates_of_the_hosted_service_append_to_a_domain()
    {
        const string template = Frame + "  Endpoint: {Value: !Sub \"${Plain.Domain}.proxylity.com:${Plain.Port}\"}\n  Other: {Value: docs.proxylity.com}\n";

        var (outputs, port) = await RunAsync(template, stack => Task.FromResult((stack.Outputs, Ports(stack)[1])));

        Assert.Equal(($"127.0.0.1:{port}", "docs.proxylity.com"), (outputs[1].Value, outputs[2].Value));
    }

    [Fact]
    public async Task Takes_the_port_that_the_user_asks_for_and_keeps_it()
    {
        using var probe = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        var free = ((IPEndPoint)probe.Client.LocalEndPoint!).Port;
        probe.Dispose();

        var port = await RunAsync(Frame, stack => Task.FromResult(Ports(stack)[1]), new RunSettings { Ports = new Dictionary<string, int> { ["Plain"] = free } });
        var later = await RunAsync(Frame, stack => Task.FromResult(Ports(stack)[1]));

        Assert.Equal(free, port);
        Assert.Equal(free, later);
    }

    [Fact]
    public async Task Says_that_a_port_is_taken_and_leaves_no_listener()
    {
        using var holder = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        var taken = ((IPEndPoint)holder.Client.LocalEndPoint!).Port;

        var error = await Assert.ThrowsAsync<UserErrorException>(() =>
            RunAsync(Frame, _ => Task.FromResult(0), new RunSettings { Ports = new Dictionary<string, int> { ["Plain"] = taken } }));

        Assert.Contains($"UDP port {taken} on 127.0.0.1 cannot be used: another program has it. Choose another one with --port Plain=PORT.", error.Message, StringComparison.Ordinal);
        using var directory = StateDirectory.Open(State).Store;
        Assert.Empty((await directory.ReadConfigurationAsync(default)).Listeners);
    }

    [Fact]
    public async Task Follows_the_template_from_run_to_run()
    {
        var before = await RunAsync(Frame, stack => Task.FromResult(stack.Listeners.Single(listener => listener.LogicalId == "Plain").Record));

        var after = await RunAsync(
            Frame.Replace("Formatter: utf8", "Formatter: hex", StringComparison.Ordinal).Replace("  Key: {Value: !GetAtt Secure.WireGuardPublicKey}", "  Key: {Value: x}", StringComparison.Ordinal),
            stack => Task.FromResult(stack.Listeners.Single(listener => listener.LogicalId == "Plain").Record));

        Assert.Equal(before.PhysicalResourceId, after.PhysicalResourceId);
        Assert.Equal(before.Port, after.Port);
        Assert.Equal(UdpGateway.Listeners.PayloadFormatter.Hex, after.Definition.Destinations[0].Formatter);
    }

    [Fact]
    public async Task Refuses_a_second_owner_of_the_directory()
    {
        var error = await RunAsync(Frame, _ => Task.FromResult(Assert.Throws<UserErrorException>(() => StateDirectory.Open(State))));

        Assert.Contains("in use by another process", error.Message, StringComparison.Ordinal);
    }

    private StateDirectory Directory { get; set; } = null!;

    private async Task<T> RunAsync<T>(string content, Func<RunningStack, Task<T>> use, RunSettings? settings = null)
    {
        Directory = StateDirectory.Open(State);
        try
        {
            var template = _text.LoadValid(content);
            var state = Directory.Load() ?? new StackState { StackId = TemplateText.Settings.StackId, StackName = "sample", Region = "us-west-2", AccountId = "123456789012" };
            await using var stack = await RunningStack.StartAsync(template, _text.Problems, settings ?? new RunSettings(), Directory, state, NullLoggerFactory.Instance, _ => { }, default);
            return await use(stack);
        }
        finally
        {
            Directory.Store.Dispose();
        }
    }

    private static IReadOnlyList<int> Ports(RunningStack stack) => [.. stack.Listeners.Select(listener => listener.Record.Port)];

    private static async Task<string> WaitForLineAsync(string file)
    {
        var deadline = DateTime.UtcNow + TimeSpan.FromSeconds(20);
        while (DateTime.UtcNow < deadline)
        {
            if (File.Exists(file))
            {
                await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
                using var reader = new StreamReader(stream, Encoding.UTF8);
                var text = await reader.ReadToEndAsync();
                if (text.EndsWith('\n'))
                    return text;
            }

            await Task.Delay(20);
        }

        throw new TimeoutException($"{file} did not appear.");
    }
}
