using UdpGateway.EndToEnd.Tests.Harness;

namespace UdpGateway.EndToEnd.Tests;

/// <summary>Who is kept out, and by which property.</summary>
public sealed class ClosedEndpointTests
{
    [Fact]
    public async Task A_stranger_gets_not_one_byte_and_a_named_peer_is_unaffected()
    {
        using var workspace = new Workspace();
        var named = TunnelClient.NewPrivateKey();
        var template = workspace.WriteVariant("gated-wireguard", Variants.WithoutSharedKey, Variants.WithoutUnknownPeers);
        await using var stack = await RunningStack.UpAsync(workspace, template, "--parameter-overrides", $"NamedPeerPublicKey={TunnelClient.PublicKeyOf(named)}");

        using var stranger = new TunnelClient(stack);
        using var peer = new TunnelClient(stack, named);
        Assert.Null(await stranger.AskAsync("anybody?", TimeSpan.FromSeconds(2)));

        Assert.Empty(stranger.ReceivedLengths);
        Assert.True(await stack.DropsAsync("unknown_peer") >= 1);
        Assert.EndsWith(": named", await peer.AskAsync("named"), StringComparison.Ordinal);

        var run = await ProgramRun.UdpgwAsync("send", stack.Listener.Endpoint, "anybody?", "--public-key", stack.PublicKey, "--timeout", "1");
        Assert.Equal((1, ""), (run.ExitCode, run.Output));
    }

    [Fact]
    public async Task Closing_an_endpoint_keeps_its_key_and_port()
    {
        using var workspace = new Workspace();
        ServedListener before;
        await using (var open = await RunningStack.UpAsync(workspace, workspace.WriteVariant("gated-wireguard", Variants.WithoutSharedKey)))
        {
            before = open.Listener;
            using var welcome = new TunnelClient(open);
            Assert.NotNull(await welcome.AskAsync("hello"));
        }

        await using var closed = await RunningStack.UpAsync(workspace, workspace.WriteVariant("gated-wireguard", Variants.WithoutSharedKey, Variants.WithoutUnknownPeers));
        Assert.Equal((before.Port, before.WireGuardPublicKey), (closed.Listener.Port, closed.Listener.WireGuardPublicKey));
        using var refused = new TunnelClient(closed);

        Assert.Null(await refused.AskAsync("hello", TimeSpan.FromSeconds(1)));
        Assert.Empty(refused.ReceivedLengths);
    }

    [Fact]
    public async Task Clients_outside_the_allowed_networks_get_nothing()
    {
        using var workspace = new Workspace();
        var template = workspace.WriteVariant("gated-wireguard", Variants.WithoutSharedKey, Variants.WithAllowedNetwork("192.0.2.0/24"));
        await using var stack = await RunningStack.UpAsync(workspace, template);
        using var client = new TunnelClient(stack);

        Assert.Null(await client.AskAsync("anybody?", TimeSpan.FromSeconds(1)));

        Assert.Empty(client.ReceivedLengths);
        Assert.True(await stack.DropsAsync("source_not_allowed") >= 1);
    }
}
