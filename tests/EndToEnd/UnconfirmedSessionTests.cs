using UdpGateway.EndToEnd.Tests.Harness;

namespace UdpGateway.EndToEnd.Tests;

/// <summary>A response proves nothing about who asked; only the client's first packet does.</summary>
public sealed class UnconfirmedSessionTests
{
    [Fact]
    public async Task Nothing_is_sent_on_a_session_that_the_client_has_not_confirmed()
    {
        using var workspace = new Workspace();
        var template = workspace.WriteVariant("gated-wireguard", Variants.WithoutSharedKey, Variants.WithSlowAnswer(1.5));
        await using var stack = await RunningStack.UpAsync(workspace, template);
        var key = TunnelClient.NewPrivateKey();
        using var confirmed = new TunnelClient(stack, key);
        Assert.NotNull(await confirmed.AskAsync("first"));

        // The answer is on its way when the same key makes a newer session, from elsewhere, and leaves it unconfirmed.
        confirmed.Send("second"u8.ToArray());
        using var silent = new TunnelClient(stack, key);
        await silent.HandshakeWithoutConfirmingAsync();

        Assert.EndsWith(": second", await confirmed.ReceiveTextAsync(), StringComparison.Ordinal);
        Assert.Null(await silent.ReceiveDatagramAsync(TimeSpan.FromSeconds(1)));
        Assert.Equal([92], silent.ReceivedLengths);
        Assert.Equal(1, confirmed.HandshakesCompleted);
    }
}
