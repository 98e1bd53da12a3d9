using System.Text.Json.Nodes;
using UdpGateway.Gateway.Tests.TestDoubles;
using UdpGateway.Listeners;

namespace UdpGateway.Gateway.Tests;

public sealed class CoapListenerTests
{
    private static readonly byte[] Get = Convert.FromHexString("41017D3520B474696D65"); // CON GET /time, token 20

    [Fact]
    public async Task A_request_is_delivered_as_an_object_in_a_string_and_its_answer_sent_as_a_message()
    {
        await using var gateway = await TestGateway.StartAsync();
        gateway.Lambda().Handler = messages => Task.FromResult(RecordingLambda.Reply(messages.Select(packet =>
        {
            var request = JsonNode.Parse(packet!["Data"]!.GetValue<string>())!;
            var reply = new JsonObject
            {
                ["Type"] = 2,
                ["Code"] = request["Path"]!.GetValue<string>() == "/time" ? "2.05" : "4.04",
                ["MessageId"] = request["MessageId"]!.GetValue<int>(),
                ["Token"] = request["Token"]!.GetValue<string>(),
                ["Options"] = new JsonArray(new JsonObject { ["Number"] = 12 }),
                ["Payload"] = Convert.ToBase64String("noon"u8),
            };
            return (packet["Tag"]!.GetValue<string>(), reply.ToJsonString());
        })));
        var record = await gateway.ServeAsync(TestGateway.Udp(TestGateway.Destination() with { Formatter = PayloadFormatter.Coap }));
        using var client = new UdpTestClient(record.Port);

        client.Send(Get);

        Assert.Equal("61457D3520C0FF6E6F6F6E", Convert.ToHexString(await client.ReceiveAsync()));
        Assert.Equal("coap", Assert.Single(gateway.Lambda().Packets)["Formatter"]!.GetValue<string>());
    }

    [Fact]
    public async Task What_is_no_message_is_skipped_for_that_destination_and_counted()
    {
        await using var gateway = await TestGateway.StartAsync();
        var record = await gateway.ServeAsync(TestGateway.Udp(
            TestGateway.Destination("Coap") with { Formatter = PayloadFormatter.Coap, UseAsyncInvoke = true },
            TestGateway.Destination("Raw")));
        using var client = new UdpTestClient(record.Port);

        Assert.Equal("no CoAP"u8.ToArray(), await client.ExchangeAsync("no CoAP"));
        client.Send(Get);

        await gateway.Lambda("Coap").WaitForPacketsAsync(1);
        await gateway.Lambda("Raw").WaitForPacketsAsync(2);
        Assert.Single(gateway.Lambda("Coap").Packets);
        await Eventually.TrueAsync(
            async () => await gateway.MetricAsync("""udpgw_packets_skipped_total{listener="test",destination="Coap",reason="not_coap"}""") == 1, "the packet was counted");
        Assert.Single(gateway.LogLines, line => line.Contains("no CoAP messages", StringComparison.Ordinal));
        Assert.DoesNotContain("udpgw_drops_total{", await gateway.MetricsAsync(), StringComparison.Ordinal);
    }
}
