using UdpGateway.EndToEnd.Tests.Harness;

namespace UdpGateway.EndToEnd.Tests;

public sealed class PlainUdpTests
{
    [Fact]
    public async Task The_same_function_serves_a_listener_without_wireguard()
    {
        using var workspace = new Workspace();
        var template = workspace.WriteVariant("open-wireguard",
            ("        - wg\n", "        - udp\n"),
            ("      AllowUnknownPeers: true\n", ""),
            ("  WireGuardPublicKey:\n    Description: The PublicKey of a WireGuard client's peer section\n    Value: !GetAtt WireGuardListener.WireGuardPublicKey\n", ""));
        await using var stack = await RunningStack.UpAsync(workspace, template, "--parameter-overrides", "Greeting=good day");

        var run = (await ProgramRun.UdpgwAsync("send", stack.Listener.Endpoint, "one", "two")).Succeeded();

        Assert.Equal(("udp", null), (stack.Listener.Protocol, stack.Listener.WireGuardPublicKey));
        Assert.Equal(["good day: one", "good day: two"], run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));
    }
}
