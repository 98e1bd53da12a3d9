using System.Net;
using System.Net.Sockets;
using System.Text;
using UdpGateway.Gateway.Tests.TestDoubles;
using UdpGateway.Listeners.Storage;

namespace UdpGateway.Gateway.Tests;

public sealed class ConfigurationTests
{
    public static TheoryData<SocketBackend> Backends => TestGateway.Backends;

    [Theory]
    [MemberData(nameof(Backends))]
    public async Task Adds_changes_and_removes_listeners_while_another_carries_traffic(SocketBackend backend)
    {
        await using var gateway = await TestGateway.StartAsync(backend);
        var steady = await gateway.ServeAsync(TestGateway.Udp(), "steady");
        using var stop = new CancellationTokenSource();
        var exchanged = 0;
        var traffic = Task.Run(async () =>
        {
            using var client = new UdpTestClient(steady.Port);
            while (!stop.IsCancellationRequested)
            {
                Assert.Equal(Encoding.ASCII.GetBytes($"{exchanged}"), await client.ExchangeAsync($"{exchanged}"));
                exchanged++;
            }
        });

        for (var round = 0; round < 3; round++)
        {
            var added = await gateway.ServeAsync(TestGateway.Udp(TestGateway.Destination("First")), "changing");
            using var client = new UdpTestClient(added.Port);
            Assert.Equal("a"u8.ToArray(), await client.ExchangeAsync("a"));

            await gateway.ServeAsync(TestGateway.Udp(TestGateway.Destination("Second")), "changing");
            Assert.Equal("b"u8.ToArray(), await client.ExchangeAsync("b"));

            await gateway.RemoveAsync("changing");
            using var again = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            await Eventually.TrueAsync(() => TryBind(again, added.Port), "the port of the removed listener is free");
        }

        await stop.CancelAsync();
        await traffic;
        Assert.True(exchanged > 0);
        Assert.Equal(3, gateway.Lambda("First").Packets.Count);
        Assert.Equal(3, gateway.Lambda("Second").Packets.Count);
        Assert.DoesNotContain("changing", await gateway.MetricsAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Keeps_an_open_batch_over_a_change_that_does_not_concern_its_destination()
    {
        await using var gateway = await TestGateway.StartAsync();
        var kept = TestGateway.Destination("Kept", count: 2);
        var record = await gateway.ServeAsync(TestGateway.Udp(kept));
        using var client = new UdpTestClient(record.Port);

        client.Send("1");
        await Eventually.TrueAsync(async () => await gateway.MetricAsync("""udpgw_packets_received_total{listener="test"}""") == 1, "the first packet was received");
        await gateway.ServeAsync(TestGateway.Udp(kept with { Description = "told anew" }, TestGateway.Destination("Other", count: 100)) with { AllowedNetworks = [IPNetwork.Parse("127.0.0.0/8")] });
        client.Send("2");
        await gateway.Lambda("Kept").WaitForPacketsAsync(2);

        Assert.Equal(2, Assert.Single(gateway.Lambda("Kept").Batches).Count);
    }

    [Fact]
    public async Task Delivers_the_open_batch_of_a_destination_that_changes()
    {
        await using var gateway = await TestGateway.StartAsync();
        var record = await gateway.ServeAsync(TestGateway.Udp(TestGateway.Destination("Old", count: 100)));
        using var client = new UdpTestClient(record.Port);

        client.Send("1");
        await Eventually.TrueAsync(async () => await gateway.MetricAsync("""udpgw_packets_received_total{listener="test"}""") == 1, "the packet was received");
        await gateway.ServeAsync(TestGateway.Udp(TestGateway.Destination("New")));

        Assert.Equal("1", await client.ReceiveTextAsync());
        Assert.Single(gateway.Lambda("Old").Packets);
    }

    [Fact]
    public async Task Follows_registered_arns_and_keeps_the_batches_of_other_destinations()
    {
        await using var gateway = await TestGateway.StartAsync();
        var kept = TestGateway.Destination("Kept", count: 3);
        var late = TestGateway.Destination("Late") with { Arns = new Dictionary<string, string>() };
        var listener = await gateway.ServeAsync(TestGateway.Udp(kept, late));
        using var client = new UdpTestClient(listener.Port);
        client.Send("1");
        await gateway.WaitForDropsAsync("no_destination", 1);

        var registration = new DestinationArnRecord
        {
            PhysicalResourceId = "Late/eu-central-1",
            StackId = "arn:aws:cloudformation:eu-central-1:123456789012:stack/other/1",
            LogicalResourceId = "Registration",
            ListenerName = "test",
            ListenerStackId = listener.StackId,
            ListenerLogicalResourceId = listener.LogicalResourceId,
            DestinationName = "Late",
            IngressRegionKey = "eu-central-1",
            Arn = "arn:aws:lambda:eu-central-1:123456789012:function:Late",
            RequestId = "1",
        };
        Assert.True(await gateway.Store.TryWriteAsync(registration, 0, CancellationToken.None));
        registration = (await gateway.Store.FindAsync<DestinationArnRecord>(registration.PhysicalResourceId, CancellationToken.None))!;
        Assert.True(await gateway.Host.WaitUntilServedAsync("test", registration.Version, Eventually.Patience, CancellationToken.None));
        Assert.Equal("2", Encoding.ASCII.GetString(await client.ExchangeAsync("2")));

        Assert.True(await gateway.Store.TryDeleteAsync<DestinationArnRecord>(registration.PhysicalResourceId, registration.Version, CancellationToken.None));
        Assert.True(await gateway.Host.WaitUntilServedAsync("test", listener.Version, Eventually.Patience, CancellationToken.None));
        client.Send("3");
        await gateway.WaitForDropsAsync("no_destination", 2);
        await gateway.Lambda("Kept").WaitForPacketsAsync(3);

        Assert.Equal(3, Assert.Single(gateway.Lambda("Kept").Batches).Count);
        Assert.Single(gateway.Lambda("Late").Packets);
    }

    [Theory]
    [MemberData(nameof(Backends))]
    public async Task Says_why_a_listener_is_not_served_and_serves_the_others(SocketBackend backend)
    {
        await using var gateway = await TestGateway.StartAsync(backend);
        using var other = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        other.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var taken = ((IPEndPoint)other.LocalEndPoint!).Port;

        var blocked = await gateway.WriteAsync(TestGateway.Udp(), "blocked", taken);
        var failure = await Assert.ThrowsAsync<ListenerNotServedException>(() => gateway.Host.WaitUntilServedAsync("blocked", blocked.Version, Eventually.Patience, CancellationToken.None));
        var fine = await gateway.ServeAsync(TestGateway.Udp(), "fine");
        using var client = new UdpTestClient(fine.Port);

        Assert.Equal($"UDP port {taken} on 127.0.0.1 is already in use.", failure.Message);
        Assert.Equal("x"u8.ToArray(), await client.ExchangeAsync("x"));
        Assert.Equal(HttpStatusCode.OK, (await gateway.GetAsync("/readyz/fine")).StatusCode);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await gateway.GetAsync("/readyz/blocked")).StatusCode);

        other.Dispose();
        Assert.True(await gateway.Host.WaitUntilServedAsync("fine", fine.Version, Eventually.Patience, CancellationToken.None));
        await Eventually.TrueAsync(async () => (await gateway.GetAsync("/readyz/blocked")).IsSuccessStatusCode, "the listener is served once its port is free");
    }

    [LinuxFact("several workers need SO_REUSEPORT")]
    public async Task Finds_a_taken_port_also_with_several_workers()
    {
        await using var first = await TestGateway.StartAsync(configure: options => options with { Workers = 2 });
        await using var second = await TestGateway.StartAsync(configure: options => options with { Workers = 2 });
        var record = await first.ServeAsync(TestGateway.Udp());

        var same = await second.WriteAsync(TestGateway.Udp(), port: record.Port);

        await Assert.ThrowsAsync<ListenerNotServedException>(() => second.Host.WaitUntilServedAsync("test", same.Version, Eventually.Patience, CancellationToken.None));
    }

    [Fact]
    public async Task Refuses_a_destination_that_it_cannot_deliver_to()
    {
        await using var gateway = await TestGateway.StartAsync();
        var queue = TestGateway.Destination("Queue") with { Arns = new Dictionary<string, string> { ["*"] = "arn:aws:ses:eu-central-1:123456789012:identity/x" } };

        var record = await gateway.WriteAsync(TestGateway.Udp(queue));
        var failure = await Assert.ThrowsAsync<ListenerNotServedException>(() => gateway.Host.WaitUntilServedAsync("test", record.Version, Eventually.Patience, CancellationToken.None));

        Assert.Contains("Destination Queue", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Says_false_when_a_version_does_not_come()
    {
        await using var gateway = await TestGateway.StartAsync();

        Assert.False(await gateway.Host.WaitUntilServedAsync("nobody", 1, TimeSpan.FromMilliseconds(100), CancellationToken.None));
    }

    [Fact]
    public async Task Serves_what_the_store_held_before_it_started()
    {
        await using var gateway = await TestGateway.StartAsync();
        var record = await gateway.ServeAsync(TestGateway.Udp());
        await gateway.Host.StopAsync();

        await using var next = await GatewayHost.StartAsync(new GatewayOptions(), gateway.Store, gateway.Store, gateway, new RecordingLoggerFactory(), CancellationToken.None);
        using var client = new UdpTestClient(record.Port);

        Assert.Equal("x"u8.ToArray(), await client.ExchangeAsync("x"));
    }

    [Fact]
    public async Task Refuses_options_out_of_range_all_at_once()
    {
        await using var gateway = await TestGateway.StartAsync();

        var failure = await Assert.ThrowsAsync<ArgumentException>(() => GatewayHost.StartAsync(
            new GatewayOptions { Workers = 0, PollInterval = TimeSpan.FromMinutes(1) }, gateway.Store, gateway.Store, gateway, new RecordingLoggerFactory(), CancellationToken.None));

        Assert.Contains("Workers", failure.Message, StringComparison.Ordinal);
        Assert.Contains("PollInterval", failure.Message, StringComparison.Ordinal);
    }

    private static bool TryBind(Socket socket, int port)
    {
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
