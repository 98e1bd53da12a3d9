using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using UdpGateway.Aws.Tests;
using UdpGateway.Gateway.Tests.Observability;
using UdpGateway.Gateway.Tests.TestDoubles;
using UdpGateway.Listeners;
using UdpGateway.WireGuard;

namespace UdpGateway.Gateway.Tests;

/// <summary>The program as a container runs it.</summary>
public sealed class GatewayProgramTests
{
    [LinuxFact("signals are sent by kill")]
    public async Task Drains_on_SIGTERM_then_flushes_and_waits_for_replies()
    {
        var (asked, released) = (new TaskCompletionSource(), new TaskCompletionSource());
        await using var gateway = await GatewayProcess.PrepareAsync(TestGateway.Udp(TestGateway.Destination(count: 2, seconds: 300)), () =>
        {
            asked.TrySetResult();
            return released.Task;
        });
        await gateway.StartAsync(["--drain-seconds", "5"]);
        using var client = new UdpTestClient(gateway.Port);

        await gateway.SignalAsync("TERM");

        await Eventually.TrueAsync(async () => await gateway.StatusAsync("/readyz") == HttpStatusCode.ServiceUnavailable, "readiness fails");
        Assert.Equal(HttpStatusCode.OK, await gateway.StatusAsync("/livez"));
        Assert.Equal(0, (await gateway.HealthAsync()).ExitCode);
        // Three packets: a full batch while it drains, and one that waits for the flush.
        foreach (var text in new[] { "1", "2", "3" })
            client.Send(text);
        await asked.Task.WaitAsync(Eventually.Patience);
        released.SetResult();
        var replies = new List<string>();
        for (var index = 0; index < 3; index++)
            replies.Add(await client.ReceiveTextAsync());

        Assert.Equal(["1", "2", "3"], replies.Order(StringComparer.Ordinal));
        Assert.Equal(0, await gateway.WaitForExitAsync());
    }

    [LinuxFact("signals are sent by kill")]
    public async Task Serves_the_same_key_and_port_again_after_SIGKILL()
    {
        await using var gateway = await GatewayProcess.PrepareAsync(TestGateway.Udp() with { Protocol = ListenerProtocol.WireGuard, AllowUnknownPeers = true });
        await gateway.StartAsync();
        using var client = new WireGuardTestClient(gateway.Port, gateway.PublicKey);
        Assert.Equal("before"u8.ToArray(), await client.ExchangeAsync("before"u8.ToArray()));

        await gateway.SignalAsync("KILL");
        await gateway.WaitForExitAsync();
        await gateway.StartAsync();

        using var again = new WireGuardTestClient(gateway.Port, gateway.PublicKey);
        Assert.Equal("after"u8.ToArray(), await again.ExchangeAsync("after"u8.ToArray()));
    }

    [Fact]
    public async Task Says_whether_it_is_healthy()
    {
        await using var gateway = await GatewayProcess.PrepareAsync(TestGateway.Udp());

        var (before, problem) = await gateway.HealthAsync();
        await gateway.StartAsync();
        var (after, answer) = await gateway.HealthAsync();

        Assert.Equal((1, 0), (before, after));
        Assert.StartsWith($"The gateway does not answer on port {gateway.AdminPort}: ", problem, StringComparison.Ordinal);
        Assert.Equal("healthy", answer.Trim());
    }

    [Theory]
    [InlineData("--bind", "example.com", "bind is \"example.com\"; it must be an IP address.")]
    [InlineData("--drain-seconds", "-1", "drain-seconds is \"-1\"; it must be a number of seconds up to 3600.")]
    [InlineData("--admin-networks", "10.0.0.0/8,all", "admin-networks has \"all\"; each must be a CIDR block such as 10.0.0.0/16.")]
    [InlineData("--name-servers", "dns", "name-servers has \"dns\"; each must be an IP address, with or without a port.")]
    [InlineData("--log-format", "xml", "log-format is \"xml\"; it must be json or text.")]
    [InlineData("--health-port", "x", "health-port is \"x\"; it must be a whole number.")]
    public async Task Says_which_setting_is_wrong(string name, string value, string sentence)
    {
        await using var gateway = await GatewayProcess.PrepareAsync(TestGateway.Udp());

        var (exitCode, output) = await gateway.RunAsync("--store", "/nonexistent", name, value);

        Assert.Equal((1, sentence), (exitCode, output.Trim()));
    }

    [Fact]
    public async Task Logs_JSON_where_nobody_watches()
    {
        await using var gateway = await GatewayProcess.PrepareAsync(TestGateway.Udp());
        await gateway.StartAsync();

        await Eventually.TrueAsync(() => gateway.Log.Contains("Gateway started", StringComparison.Ordinal), "the start is logged");
        Assert.Contains(CryptoBackends.IsOpenSslAvailable ? " openssl cryptography" : " portable cryptography", gateway.Log, StringComparison.Ordinal);

        var line = JsonNode.Parse(gateway.Log.Split('\n').First(line => line.Contains("Serving", StringComparison.Ordinal)))!;
        Assert.Equal((1401, "Information", GatewayProcess.Name), (line["EventId"]!.GetValue<int>(), line["LogLevel"]!.GetValue<string>(), line["State"]!["Listener"]!.GetValue<string>()));
    }

    [Fact]
    public async Task Takes_settings_from_the_environment()
    {
        await using var gateway = await GatewayProcess.PrepareAsync(TestGateway.Udp());
        await gateway.StartAsync(null, ("UDPGW_LOG_FORMAT", "text"), ("UDPGW_DOMAIN", "udp.example.com"));

        await Eventually.TrueAsync(() => gateway.Log.Contains("info: UdpGateway.Gateway.GatewayHost[1601] Gateway started", StringComparison.Ordinal), "the start is logged as text");
        Assert.Contains("\"Domain\": \"udp.example.com\"", await gateway.ReadAsync("/config"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Exports_its_metrics_by_OTLP()
    {
        await using var collector = await StubService.StartAsync((context, _) => StubService.AnswerAsync(context, StatusCodes.Status200OK));
        await using var gateway = await GatewayProcess.PrepareAsync(TestGateway.Udp());
        await gateway.StartAsync(
            null,
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Url.AbsoluteUri),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=value"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "200"),
            ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test"));
        using var client = new UdpTestClient(gateway.Port);
        await client.ExchangeAsync("1");
        await client.ExchangeAsync("2");

        List<OtlpSeries> Last() => collector.Requests is { Count: > 0 } requests ? OtlpSeries.Read(requests[^1].Body) : [];
        await Eventually.TrueAsync(() => Last().Any(series => series is { Metric: "udpgw_packets_received_total", Value: 2 }), "both packets were exported");

        var exported = Last();
        Assert.All(collector.Requests, request => Assert.Equal(("/v1/metrics", "application/x-protobuf", "value"), (request.RawTarget, request.Headers["Content-Type"], request.Headers["x-key"])));
        Assert.Contains(exported, series => series is { Metric: "udpgw_listeners", Value: 1 } && series.Attributes["state"] == "served");
        Assert.Contains(exported, series => series is { Metric: "udpgw_delivery_seconds", Value: 2 } && series.Attributes["listener"] == GatewayProcess.Name && series.Attributes["destination"] == "Echo");
        Assert.Contains("udpgw", OtlpSeries.ResourceTexts(collector.Requests[^1].Body));
        Assert.Contains("deployment.environment", OtlpSeries.ResourceTexts(collector.Requests[^1].Body));
    }

    [LinuxFact("signals are sent by kill")]
    public async Task Sends_its_last_numbers_when_it_stops()
    {
        await using var collector = await StubService.StartAsync((context, _) => StubService.AnswerAsync(context, StatusCodes.Status200OK));
        await using var gateway = await GatewayProcess.PrepareAsync(TestGateway.Udp());
        await gateway.StartAsync(
            ["--drain-seconds", "0"],
            ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", new Uri(collector.Url, "/own/path").AbsoluteUri),
            ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "http/protobuf"),
            ("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "x-key=own"));
        using var client = new UdpTestClient(gateway.Port);
        await client.ExchangeAsync("1");

        await gateway.SignalAsync("TERM");
        await gateway.WaitForExitAsync();

        var request = Assert.Single(collector.Requests);
        Assert.Equal(("/own/path", "own"), (request.RawTarget, request.Headers["x-key"]));
        Assert.Contains(OtlpSeries.Read(request.Body), series => series is { Metric: "udpgw_packets_received_total", Value: 1 });
    }

    [Fact]
    public async Task Says_that_the_collector_has_no_address()
    {
        await using var gateway = await GatewayProcess.PrepareAsync(TestGateway.Udp());

        var failure = await Assert.ThrowsAnyAsync<Exception>(() => gateway.StartAsync(null, ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector")));

        Assert.Contains("OTEL_EXPORTER_OTLP_ENDPOINT is \"collector\"; it must be an http or https address.", failure.Message + gateway.Log, StringComparison.Ordinal);
        Assert.Equal(1, await gateway.WaitForExitAsync());
    }
}
