using System.Security.Cryptography;
using UdpGateway.EndToEnd.Tests.Harness;

namespace UdpGateway.EndToEnd.Tests.Samples;

public sealed class NamedAndOpenPeersTests
{
    [Fact]
    public async Task Named_gateways_and_devices_with_the_shared_key_use_one_listener()
    {
        using var workspace = new Workspace();
        byte[] north = TunnelClient.NewPrivateKey(), south = TunnelClient.NewPrivateKey();
        var keys = new Dictionary<string, byte[]>
        {
            ["north.key"] = north,
            ["south.key"] = south,
            ["north.psk"] = RandomNumberGenerator.GetBytes(32),
            ["shared.psk"] = RandomNumberGenerator.GetBytes(32),
        };
        foreach (var (name, key) in keys)
            workspace.Write(name, Convert.ToBase64String(key));
        await using var stack = await RunningStack.UpAsync(workspace, Repository.Sample("named-and-open-peers"),
            "--secret", $"WireGuardPSK={workspace.Path("shared.psk")}", "--secret", $"NorthPSK={workspace.Path("north.psk")}",
            "--parameter-overrides", $"NorthPublicKey={TunnelClient.PublicKeyOf(north)}", $"SouthPublicKey={TunnelClient.PublicKeyOf(south)}");

        Assert.Equal("north at 10.1.0.1: hello\n", await SendAsync("--private-key", "north.key", "--psk", "north.psk", "--address", "10.1.0.1"));
        Assert.Equal("south at 10.2.3.4: hello\n", await SendAsync("--private-key", "south.key", "--address", "10.2.3.4"));
        var device = await SendAsync("--psk", "shared.psk", "--address", "10.8.0.2");
        Assert.StartsWith("device ", device, StringComparison.Ordinal);
        Assert.EndsWith(" at 10.8.0.2: hello\n", device, StringComparison.Ordinal);

        // Not with somebody else's key, and not from somebody else's network.
        Assert.Equal("", await SendAsync("--private-key", "north.key", "--psk", "shared.psk", "--address", "10.1.0.1"));
        Assert.Equal("", await SendAsync("--address", "10.8.0.3"));
        Assert.Equal("", await SendAsync("--private-key", "south.key", "--address", "10.1.0.1"));
        Assert.Equal("", await SendAsync("--psk", "shared.psk", "--address", "10.2.0.1"));
        Assert.Equal(2, await stack.DropsAsync("inner_source_not_allowed"));

        async Task<string> SendAsync(params string[] options)
        {
            var arguments = options.Select(option => keys.ContainsKey(option) ? workspace.Path(option) : option);
            var run = await ProgramRun.UdpgwAsync(["send", stack.Listener.Endpoint, "hello", "--public-key", stack.PublicKey, "--inner", "10.8.0.1:7", "--timeout", "2", .. arguments]);
            Assert.Equal(run.Output.Length > 0 ? 0 : 1, run.ExitCode);
            return run.Output;
        }
    }
}
