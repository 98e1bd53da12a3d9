using System.Text;
using UdpGateway.EndToEnd.Tests.Harness;

namespace UdpGateway.EndToEnd.Tests;

[Collection(OpenEndpoint.Collection)]
public sealed class OpenEndpointTests(OpenEndpoint endpoint)
{
    private readonly RunningStack _stack = endpoint.Stack;

    [Fact]
    public void Outputs_tell_what_is_served()
    {
        var listener = _stack.Listener;

        Assert.Equal(("WireGuardListener", "wg", "127.0.0.1"), (listener.LogicalId, listener.Protocol, listener.Address));
        Assert.Equal($"127.0.0.1:{listener.Port}", listener.Endpoint);
        Assert.Equal(["inner-echo"], listener.DestinationNames);
        Assert.Equal(32, Convert.FromBase64String(_stack.PublicKey).Length);
        Assert.Equal(listener.Endpoint, _stack.Document.Outputs["Endpoint"]);
        Assert.Equal(_stack.PublicKey, _stack.Document.Outputs["WireGuardPublicKey"]);
    }

    [Theory]
    [InlineData("10.8.0.1:7")]
    [InlineData("[fd00:8::1]:4242")]
    public async Task Send_gets_its_datagram_back_from_inside_the_tunnel_with_a_key_that_nobody_registered(string inner)
    {
        var run = (await ProgramRun.UdpgwAsync("send", _stack.Listener.Endpoint, "one", "two", "--public-key", _stack.PublicKey, "--inner", inner)).Succeeded();

        Assert.Equal(["hello from udpgw: one", "hello from udpgw: two"], run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("10.8.0.1")]
    [InlineData("fd00:8::1")]
    public async Task Send_pings_through_the_tunnel(string address)
    {
        var run = (await ProgramRun.UdpgwAsync("send", _stack.Listener.Endpoint, "--public-key", _stack.PublicKey, "--ping", address, "--count", "3")).Succeeded();

        Assert.Equal(
            Enumerable.Range(0, 3).Select(sequence => $"echo reply from {address}: sequence {sequence}"),
            run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Send_with_a_key_file_is_the_same_peer_each_time()
    {
        using var workspace = new Workspace();
        var key = workspace.Write("private.key", (await ProgramRun.UdpgwAsync("keys", "new")).Succeeded().Output);

        for (var i = 0; i < 2; i++)
            (await ProgramRun.UdpgwAsync("send", _stack.Listener.Endpoint, "again", "--public-key", _stack.PublicKey, "--private-key", key, "--raw")).Succeeded();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(17)]
    [InlineData(256)]
    [InlineData(1_200)]
    public async Task A_payload_that_is_no_ip_packet_goes_through_untouched_both_ways(int length)
    {
        using var client = new TunnelClient(_stack);
        var payload = new byte[length];
        new Random(length).NextBytes(payload);
        payload[0] = 0xff;

        client.Send(payload);
        var reply = await client.ReceivePayloadAsync(TimeSpan.FromSeconds(10));

        Assert.NotNull(reply);
        Assert.Equal([.. Encoding.ASCII.GetBytes("hello from udpgw: "), .. payload], reply);
    }

    [Fact]
    public async Task A_client_whose_source_port_changes_keeps_its_session()
    {
        using var client = new TunnelClient(_stack);
        Assert.Equal("hello from udpgw: first", await client.AskAsync("first"));

        client.MoveToAnotherPort();

        Assert.Equal("hello from udpgw: moved", await client.AskAsync("moved"));
        Assert.Equal(1, client.HandshakesCompleted);
    }

    [Fact]
    public async Task Many_clients_get_their_own_answers()
    {
        var clients = Enumerable.Range(0, 20).Select(_ => new TunnelClient(_stack)).ToArray();

        for (var i = 0; i < clients.Length; i++)
            clients[i].Send(Encoding.ASCII.GetBytes($"client {i}"));
        for (var i = 0; i < clients.Length; i++)
            Assert.Equal($"hello from udpgw: client {i}", await clients[i].ReceiveTextAsync());

        foreach (var client in clients)
            client.Dispose();
    }
}
