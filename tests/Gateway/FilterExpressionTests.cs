using UdpGateway.Gateway.Tests.TestDoubles;
using UdpGateway.Listeners;

namespace UdpGateway.Gateway.Tests;

public sealed class FilterExpressionTests
{
    [Theory]
    [MemberData(nameof(TestGateway.Backends), MemberType = typeof(TestGateway))]
    public async Task Each_destination_gets_the_packets_that_its_expression_lets_through(SocketBackend backend)
    {
        await using var gateway = await TestGateway.StartAsync(backend);
        var record = await gateway.ServeAsync(TestGateway.Udp(
            Destination("Numbers", "[0] >= 0x30 && [0] <= 0x39"),
            Destination("Long", "[4]  || [4] == 0x00 ?? 0x00"),
            Destination("All", null)));
        using var client = new UdpTestClient(record.Port);

        foreach (var text in new[] { "1", "abc", "2long", "along", "" })
            client.Send(text);

        await gateway.Lambda("All").WaitForPacketsAsync(5);
        Assert.Equal(["1", "2long"], await DeliveredAsync(gateway, "Numbers", 2));
        Assert.Equal(["2long", "along"], await DeliveredAsync(gateway, "Long", 2));
        Assert.Equal(["1", "abc", "2long", "along", ""], await DeliveredAsync(gateway, "All", 5));
        await WaitForSkippedAsync(gateway, "Numbers", 3);
        await WaitForSkippedAsync(gateway, "Long", 3);
        await WaitForSkippedAsync(gateway, "All", 0);
        Assert.DoesNotContain("udpgw_drops_total{", await gateway.MetricsAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Counts_over_a_change_of_the_expression()
    {
        await using var gateway = await TestGateway.StartAsync();
        var record = await gateway.ServeAsync(TestGateway.Udp(Destination("Echo", "[0] == 0x61")));
        using var client = new UdpTestClient(record.Port);
        client.Send("b");
        Assert.Equal("a"u8.ToArray(), await client.ExchangeAsync("a"));

        await gateway.ServeAsync(TestGateway.Udp(Destination("Echo", "[0] == 0x62")));
        client.Send("a");
        Assert.Equal("b"u8.ToArray(), await client.ExchangeAsync("b"));

        await WaitForSkippedAsync(gateway, "Echo", 2);
    }

    [Fact]
    public async Task An_expression_that_this_version_cannot_read_is_named_and_the_listener_not_served()
    {
        await using var gateway = await TestGateway.StartAsync();

        var record = await gateway.WriteAsync(TestGateway.Udp(Destination("Echo", "tlv[1]")), "test");
        var failure = await Assert.ThrowsAsync<ListenerNotServedException>(() => gateway.Host.WaitUntilServedAsync("test", record.Version, Eventually.Patience, CancellationToken.None));

        Assert.Equal("Destination Echo: this gateway cannot read the FilterExpression \"tlv[1]\"; at character 1: TLV search is not supported; read the bytes by their offset.", failure.Message);
    }

    private static DestinationDefinition Destination(string name, string? filter) =>
        TestGateway.Destination(name) with { FilterExpression = filter, Formatter = PayloadFormatter.Ascii, Concurrency = 1 };

    private static async Task<IEnumerable<string>> DeliveredAsync(TestGateway gateway, string destination, int count)
    {
        await gateway.Lambda(destination).WaitForPacketsAsync(count);
        return gateway.Lambda(destination).Packets.Select(packet => packet["Data"]!.GetValue<string>());
    }

    private static Task WaitForSkippedAsync(TestGateway gateway, string destination, int count) => Eventually.TrueAsync(
        async () => await gateway.MetricAsync($$"""udpgw_packets_skipped_total{listener="test",destination="{{destination}}",reason="filtered"}""") == count,
        $"{destination} skipped {count} packets");
}
