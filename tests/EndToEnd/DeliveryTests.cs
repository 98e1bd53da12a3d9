using UdpGateway.EndToEnd.Tests.Harness;

namespace UdpGateway.EndToEnd.Tests;

public sealed class DeliveryTests
{
    [Fact]
    public async Task With_decapsulated_delivery_the_function_sees_inner_udp_payloads_and_its_replies_are_wrapped_again()
    {
        using var workspace = new Workspace();
        var template = workspace.WriteVariant("gated-wireguard", Variants.WithoutSharedKey, Variants.WithDecapsulatedDelivery);
        await using var stack = await RunningStack.UpAsync(workspace, template);

        foreach (var inner in (string[])["10.8.0.1:7", "[fd00:8::1]:7"])
        {
            var run = (await ProgramRun.UdpgwAsync("send", stack.Listener.Endpoint, "inside", "--public-key", stack.PublicKey, "--inner", inner)).Succeeded();
            Assert.EndsWith(": inside\n", run.Output, StringComparison.Ordinal);
        }

        using var client = new TunnelClient(stack);
        Assert.EndsWith(": no packet", await client.AskAsync("no packet"), StringComparison.Ordinal);
        var ping = await ProgramRun.UdpgwAsync("send", stack.Listener.Endpoint, "--public-key", stack.PublicKey, "--ping", "10.8.0.1", "--timeout", "1");
        Assert.Equal(1, ping.ExitCode);
        Assert.Equal(1, await stack.DropsAsync("inner_not_udp"));
    }

    [Fact]
    public async Task A_function_that_fails_or_dies_is_counted_and_the_next_packet_is_served()
    {
        using var workspace = new Workspace();
        await using var stack = await RunningStack.UpAsync(workspace, workspace.WriteVariant("gated-wireguard", Variants.WithoutSharedKey, Variants.WithFailures));
        using var client = new TunnelClient(stack);

        foreach (var failure in (string[])["raise", "exit"])
        {
            var before = await stack.MetricAsync("udpgw_batches_total", "result=\"function_error\"");
            client.Send(System.Text.Encoding.ASCII.GetBytes(failure));
            Assert.Null(await client.ReceiveTextAsync(TimeSpan.FromMilliseconds(500)));
            await Eventually.TrueAsync(async () => await stack.MetricAsync("udpgw_batches_total", "result=\"function_error\"") > before, TimeSpan.FromSeconds(10));
        }

        Assert.EndsWith(": fine", await client.AskAsync("fine"), StringComparison.Ordinal);
        Assert.False(stack.HasExited);
    }
}
