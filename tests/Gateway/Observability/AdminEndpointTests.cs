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
    public async Task A_balancer_sees_health_and_nothing_else()
    {
        await using var gateway = await TestGateway.StartAsync(configure: options => options with { HealthPort = 0 });
        await gateway.ServeAsync(TestGateway.Udp());

        foreach (var path in new[] { "/livez", "/readyz", "/readyz/test" })
            Assert.Equal(HttpStatusCode.OK, await AskNetworkAsync(gateway, path));
        foreach (var path in new[] { "/metrics", "/config", "/healthz", "/other" })
            Assert.Equal(HttpStatusCode.Forbidden, await AskNetworkAsync(gateway, path));
        Assert.Equal(HttpStatusCode.OK, await AskNetworkAsync(gateway, "/readyz/test", ("Host", "any.name.example")));
        Assert.Equal(HttpStatusCode.OK, (await gateway.GetAsync("/metrics")).StatusCode);
    }

    [Fact]
    public async Task Admin_networks_may_read_the_rest_by_address_and_no_web_page_may()
    {
        await using var gateway = await TestGateway.StartAsync(configure: options => options with { HealthPort = 0, AdminNetworks = [IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("127.0.0.0/8")] });

        Assert.Equal(HttpStatusCode.OK, await AskNetworkAsync(gateway, "/metrics"));
        Assert.Equal(HttpStatusCode.OK, await AskNetworkAsync(gateway, "/config"));
        Assert.Equal(HttpStatusCode.Forbidden, await AskNetworkAsync(gateway, "/config", ("Host", "evil.example")));
        Assert.Equal(HttpStatusCode.Forbidden, await AskNetworkAsync(gateway, "/config", ("Origin", "http://evil.example")));
    }

    [Fact]
    public async Task Other_networks_may_not()
    {
        await using var gateway = await TestGateway.StartAsync(configure: options => options with { HealthPort = 0, AdminNetworks = [IPNetwork.Parse("10.0.0.0/8")] });

        Assert.Equal(HttpStatusCode.Forbidden, await AskNetworkAsync(gateway, "/metrics"));
    }

    [Fact]
    public async Task Is_healthy_behind_a_balancer_once_that_has_said_so()
    {
        await using var gateway = await TestGateway.StartAsync(configure: options => options with { WaitsForBalancer = true });
        await gateway.ServeAsync(TestGateway.Udp());

        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await gateway.GetAsync("/healthz")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await gateway.GetAsync("/readyz")).StatusCode);
        gateway.Host.ConfirmHealthy();
        Assert.Equal(HttpStatusCode.OK, (await gateway.GetAsync("/healthz")).StatusCode);
    }

    [Theory]
    [InlineData("HealthPort and AdminPort are both 9100; they must differ.")]
    [InlineData("MetricsNamespace is \"AWS/Lambda\"; it must be")]
    [InlineData("DrainTime is -00:00:01; it must not be negative.")]
    public async Task Says_which_option_is_wrong(string sentence)
    {
        var problem = await Assert.ThrowsAsync<ArgumentException>(() => TestGateway.StartAsync(configure: options => options with
        {
            AdminPort = 9100,
            HealthPort = 9100,
            MetricsNamespace = "AWS/Lambda",
            DrainTime = TimeSpan.FromSeconds(-1),
        }));

        Assert.Contains(sentence, problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Shows_the_configuration_without_the_names_of_secrets()
    {
        await using var gateway = await TestGateway.StartAsync();
        await gateway.ServeAsync(TestGateway.Udp() with
        {
            AllowedNetworks = [IPNetwork.Parse("127.0.0.0/8")],
            UnknownPeerPreSharedKey = new SecretReference("my-private-secret"),
            Peers = [new PeerDefinition { PublicKey = "cHVibGlj", SharedSecret = new ListenerSecretField("my-private-secret/field") }],
            Destinations = [TestGateway.Destination() with { RoleArn = "arn:aws:iam::123456789012:role/my-private-secret", FilterExpression = "[0] == 0xFE", UseResponseStreaming = true }],
        });

        var text = await (await gateway.GetAsync("/config")).Content.ReadAsStringAsync();

        var listener = JsonNode.Parse(text)!["Listeners"]![0]!;
        Assert.Equal("test", listener["Name"]!.GetValue<string>());
        Assert.Equal("127.0.0.0/8", listener["AllowedNetworks"]![0]!.GetValue<string>());
        Assert.Equal("(redacted)", listener["UnknownPeerPreSharedKey"]!.GetValue<string>());
        // Whatever decides over a packet is there to be seen; a new property has to be shown too, or named here.
        var destination = listener["Destinations"]![0]!.AsObject();
        Assert.Equal("[0] == 0xFE", destination["FilterExpression"]!.GetValue<string>());
        Assert.Equal(typeof(DestinationDefinition).GetProperties().Select(property => property.Name).Except(["Description", "RoleArn"]).Order(), destination.Select(property => property.Key).Order());
        Assert.DoesNotContain("my-private-secret", text, StringComparison.Ordinal);
    }

    private static async Task<HttpStatusCode> AskNetworkAsync(TestGateway gateway, string path, params (string Name, string Value)[] headers)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"http://{gateway.Host.HealthEndpoint}{path}"));
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        using var response = await http.SendAsync(request);
        return response.StatusCode;
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
            "udpgw_peers", "udpgw_batches_total", "udpgw_queue_packets", "udpgw_queue_refused_packets_total", "udpgw_delivery_seconds", "udpgw_listeners", "udpgw_served_revision",
        })
            Assert.Contains($"# HELP {family} ", text, StringComparison.Ordinal);
        Assert.Contains("""udpgw_delivery_seconds_count{listener="test",destination="Echo"} 1""", text, StringComparison.Ordinal);
    }
}
