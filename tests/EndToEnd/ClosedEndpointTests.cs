using UdpGateway.EndToEnd.Tests.Harness;

namespace UdpGateway.EndToEnd.Tests;

/// <summary>Without <c>AllowUnknownPeers</c> only named peers exist.</summary>
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
    public async Task A_stranger_that_is_refused_later_loses_its_session()
    {
        using var workspace = new Workspace();
        await using (var open = await RunningStack.UpAsync(workspace, workspace.WriteVariant("gated-wireguard", Variants.WithoutSharedKey)))
        {
            using var welcome = new TunnelClient(open);
            Assert.NotNull(await welcome.AskAsync("hello"));
        }

        await using var closed = await RunningStack.UpAsync(workspace, workspace.WriteVariant("gated-wireguard", Variants.WithoutSharedKey, Variants.WithoutUnknownPeers));
        using var refused = new TunnelClient(closed);

        Assert.Null(await refused.AskAsync("hello", TimeSpan.FromSeconds(1)));
        Assert.Empty(refused.ReceivedLengths);
    }
}
