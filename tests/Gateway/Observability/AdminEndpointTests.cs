using System.Net;
using System.Text.Json.Nodes;
using UdpGateway.Gateway.Tests.TestDoubles;
using UdpGateway.Listeners;

namespace UdpGateway.Gateway.Tests.Observability;

public sealed class AdminEndpointTests
{
    [Fact]
    public async Task Answers_on_loopback()
    {
        await using var gateway = await TestGateway.StartAsync();

        Assert.Equal("127.0.0.1", gateway.Host.AdminAddress.Host);
        Assert.Equal(HttpStatusCode.OK, (await gateway.GetAsync("/livez")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await gateway.GetAsync("/readyz")).StatusCode);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await gateway.GetAsync("/readyz/nobody")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await gateway.GetAsync("/other")).StatusCode);
        Assert.DoesNotContain(gateway.LogLines, line => line.Contains("livez", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("Host", "evil.example")]
    [InlineData("Origin", "http://evil.example")]
    public async Task Refuses_web_pages(string header, string value)
    {
        await using var gateway = await TestGateway.StartAsync();
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(gateway.Host.AdminAddress, "/config"));
        request.Headers.TryAddWithoutValidation(header, value);

        using var response = await http.SendAsync(request);

        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
    }

    [Fact]
    public async Task Shows_the_configuration_without_the_names_of_secrets()
    {
        await using var gateway = await TestGateway.StartAsync();
        await gateway.ServeAsync(TestGateway.Udp() with
        {
            AllowedNetworks = [IPNetwork.Parse("127.0.0.0/8")],
            UnknownPeerPreSharedKey = new SecretReference("my-private-secret"),
        });

        var text = await (await gateway.GetAsync("/config")).Content.ReadAsStringAsync();

        var listener = JsonNode.Parse(text)!["Listeners"]![0]!;
        Assert.Equal("test", listener["Name"]!.GetValue<string>());
        Assert.Equal("127.0.0.0/8", listener["AllowedNetworks"]![0]!.GetValue<string>());
        Assert.Equal("(redacted)", listener["UnknownPeerPreSharedKey"]!.GetValue<string>());
        Assert.DoesNotContain("my-private-secret", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Exports_every_family_with_its_help()
    {
        await using var gateway = await TestGateway.StartAsync();
        var record = await gateway.ServeAsync(TestGateway.Udp());
        using var client = new UdpTestClient(record.Port);
        await client.ExchangeAsync("x");

        var text = await gateway.MetricsAsync();

        foreach (var family in new[]
        {
            "udpgw_packets_received_total", "udpgw_bytes_received_total", "udpgw_packets_sent_total", "udpgw_bytes_sent_total", "udpgw_drops_total", "udpgw_handshakes_total",
            "udpgw_peers", "udpgw_batches_total", "udpgw_queue_packets", "udpgw_delivery_seconds", "udpgw_listeners", "udpgw_served_revision",
        })
            Assert.Contains($"# HELP {family} ", text, StringComparison.Ordinal);
        Assert.Contains("""udpgw_delivery_seconds_count{listener="test",destination="Echo"} 1""", text, StringComparison.Ordinal);
    }
}
