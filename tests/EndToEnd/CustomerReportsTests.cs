using System.Text.Json.Nodes;
using UdpGateway.EndToEnd.Tests.Harness;

namespace UdpGateway.EndToEnd.Tests;

public sealed class CustomerReportsTests
{
    [Fact]
    public async Task Without_an_endpoint_metrics_and_errors_go_to_a_file_of_their_own()
    {
        using var workspace = new Workspace();
        var template = workspace.WriteVariant("gated-wireguard", Variants.WithoutSharedKey, Variants.WithFailures,
            ("          Batching:\n", "          MetricsEnabled: true\n          LogGroupName: /fleet/deliveries\n          Batching:\n"));
        await using (var stack = await RunningStack.UpAsync(workspace, template))
        {
            Assert.DoesNotContain("no effect", stack.Log, StringComparison.Ordinal);
            using var client = new TunnelClient(stack);
            Assert.NotNull(await client.AskAsync("hello"));
            client.Send("raise"u8.ToArray());
            await Eventually.TrueAsync(async () => await stack.MetricAsync("udpgw_batches_total", "result=\"function_error\"") == 1, TimeSpan.FromSeconds(30));
            Assert.Equal(0, await stack.MetricAsync("udpgw_reports_total", "result=\"failed\""));
        }

        var name = Assert.Single(Directory.GetFiles(Path.Combine(workspace.State, "cloudwatch")));
        var calls = (await File.ReadAllLinesAsync(name)).Select(line => JsonNode.Parse(line)!).ToList();
        var line = JsonNode.Parse(calls.Single(call => call["logEvents"] is not null)["logEvents"]![0]!["message"]!.GetValue<string>())!;
        Assert.Equal(("function_error", "Unhandled ValueError"), (line["event"]!.GetValue<string>(), line["problem"]!.GetValue<string>()));
        var metrics = calls.Where(call => call["MetricData"] is not null).SelectMany(call => call["MetricData"]!.AsArray()).ToList();
        double Sum(string metric) => metrics.Where(datum => datum!["MetricName"]!.GetValue<string>() == metric).Sum(datum => datum!["StatisticValues"]!["Sum"]!.GetValue<double>());
        Assert.Equal((2, 1, 1), (Sum("IngressPackets"), Sum("EgressPackets"), Sum("DeliveryErrors")));
        Assert.False(Directory.Exists(Path.Combine(workspace.State, "destinations")));
    }
}
