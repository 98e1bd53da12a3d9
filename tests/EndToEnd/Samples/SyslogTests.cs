using System.Security.Cryptography;
using System.Text.Json.Nodes;
using UdpGateway.EndToEnd.Tests.Harness;

namespace UdpGateway.EndToEnd.Tests.Samples;

public sealed class SyslogTests
{
    [Fact]
    public async Task A_message_from_the_tunnel_is_an_event_of_the_log_group_and_a_line_of_the_archive()
    {
        const string Message = "<11>Nov 23 12:00:00 web-1 app: error: disk full";
        using var workspace = new Workspace();
        var psk = workspace.Write("shared.psk", Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)));
        await using var stack = await RunningStack.UpAsync(workspace, Repository.Sample("syslog"), "--secret", $"WireGuardPSK={psk}");

        await ProgramRun.UdpgwAsync("send", stack.Listener.Endpoint, Message, "--public-key", stack.PublicKey, "--psk", psk, "--inner", "10.8.0.1:514", "--timeout", "1");

        var logged = await workspace.DeliveredAsync("log-group", calls => calls.Any(call => call["logEvents"] is not null));
        var logEvent = Assert.Single(logged.Single(call => call["logEvents"] is not null)["logEvents"]!.AsArray());
        Assert.Equal(Message, (string?)logEvent!["message"]);
        Assert.True((long)logEvent["timestamp"]! > 0);

        var archived = await workspace.DeliveredAsync("archive", calls => calls.Length == 1);
        var record = Assert.Single(archived[0]["Records"]!.AsArray());
        var line = System.Text.Encoding.UTF8.GetString(Convert.FromBase64String((string)record!["Data"]!));
        Assert.EndsWith("\n", line, StringComparison.Ordinal);
        var packet = JsonNode.Parse(line)!;
        Assert.Equal((Message, "utf8", 514, "10.8.0.1"), ((string?)packet["Data"], (string?)packet["Formatter"], (int)packet["Inner"]!["DestinationPort"]!, (string?)packet["Inner"]!["DestinationAddress"]));
        Assert.Equal(32, Convert.FromBase64String((string)packet["Remote"]!["PeerKey"]!).Length);
    }
}
