using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using UdpGateway.Aws;
using UdpGateway.Aws.Tests;
using UdpGateway.Gateway.Tests.TestDoubles;

namespace UdpGateway.Gateway.Tests;

/// <summary>What becomes of packets that a destination did not deliver, with a queue service on loopback.</summary>
public sealed class DeadLetterTests
{
    private const string Queue = "arn:aws:sqs:eu-central-1:123456789012:";

    private readonly ConcurrentQueue<(string Queue, JsonNode Body, JsonNode Entry)> _messages = new();

    /// <summary>Whether a message with that payload is refused for good.</summary>
    private Func<string, JsonNode, bool> _refuses = (_, _) => false;

    private IEnumerable<JsonNode> DeadLetters => _messages.Where(message => message.Queue.StartsWith("dead", StringComparison.Ordinal)).Select(message => message.Body);

    [Fact]
    public async Task Takes_only_the_packets_that_failed_of_a_batch()
    {
        _refuses = (queue, body) => queue == "archive" && body["Data"]!.GetValue<string>() == "YmFk";
        await using var stub = await StubService.StartAsync(AnswerAsync);
        await using var gateway = await StartAsync(stub);
        var record = await gateway.ServeAsync(TestGateway.Udp(TestGateway.Destination("Archive", count: 3) with { Arns = Arns(Queue + "archive"), DeadLetterArn = Queue + "dead" }));
        using var client = new UdpTestClient(record.Port);

        foreach (var text in (string[])["good", "bad", "fine"])
            client.Send(text);

        await Eventually.TrueAsync(async () => await MetricAsync(gateway, "Archive", "sent") == 1, "one packet is a dead letter");
        var letter = Assert.Single(DeadLetters);
        Assert.Equal(("test", "Archive"), (letter["Listener"]!.GetValue<string>(), letter["Destination"]!.GetValue<string>()));
        Assert.Contains("InvalidMessageContents", letter["Reason"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal(("YmFk", client.Port), (letter["Packet"]!["Data"]!.GetValue<string>(), letter["Packet"]!["Remote"]!["Port"]!.GetValue<int>()));
        Assert.Equal(2, _messages.Count(message => message.Queue == "archive"));
        Assert.Equal(0, await MetricAsync(gateway, "Archive", "lost"));
        Assert.Equal(1, await gateway.MetricAsync("""udpgw_destination_packets_total{listener="test",destination="Archive",result="failed"}"""));
    }

    [Fact]
    public async Task Says_what_the_service_answered_in_its_own_words()
    {
        await using var stub = await StubService.StartAsync(AnswerAsync);
        await using var gateway = await StartAsync(stub);
        gateway.Lambda().Handler = _ => throw AwsServiceException.FromAnswer("Lambda", System.Net.HttpStatusCode.NotFound, "ResourceNotFoundException", isThrottlingCode: false, "Function not found", null, null);
        var record = await gateway.ServeAsync(TestGateway.Udp(TestGateway.Destination() with { DeadLetterArn = Queue + "dead" }));
        using var client = new UdpTestClient(record.Port);

        client.Send("one");

        await Eventually.TrueAsync(async () => await MetricAsync(gateway, "Echo", "sent") == 1, "the packet is a dead letter");
        Assert.Equal("Lambda answered HTTP 404, ResourceNotFoundException: Function not found", Assert.Single(DeadLetters)["Reason"]!.GetValue<string>());
    }

    [Fact]
    public async Task Takes_what_a_function_failed_on_in_the_order_of_each_client()
    {
        await using var stub = await StubService.StartAsync(AnswerAsync);
        await using var gateway = await StartAsync(stub);
        gateway.Lambda().Handler = _ => Task.FromResult(new InvokeResponse(200, "Unhandled", """{"errorType":"KeyError"}"""u8.ToArray()));
        var record = await gateway.ServeAsync(TestGateway.Udp(TestGateway.Destination(count: 2) with { DeadLetterArn = Queue + "dead.fifo" }));
        using var client = new UdpTestClient(record.Port);

        client.Send("one");
        client.Send("two");

        await Eventually.TrueAsync(async () => await MetricAsync(gateway, "Echo", "sent") == 2, "both packets are dead letters");
        Assert.All(DeadLetters, letter => Assert.Equal("Unhandled KeyError", letter["Reason"]!.GetValue<string>()));
        Assert.All(_messages, message => Assert.Equal($"127.0.0.1:{client.Port}", message.Entry["MessageGroupId"]!.GetValue<string>()));
        Assert.Equal(2, _messages.Select(message => message.Entry["MessageDeduplicationId"]!.GetValue<string>()).Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public async Task Counts_and_logs_what_does_not_get_there_either()
    {
        _refuses = (_, _) => true;
        await using var stub = await StubService.StartAsync(AnswerAsync);
        await using var gateway = await StartAsync(stub);
        gateway.Lambda().Handler = _ => throw new InvalidOperationException("no way");
        var record = await gateway.ServeAsync(TestGateway.Udp(TestGateway.Destination(count: 2) with { DeadLetterArn = Queue + "dead" }));
        using var client = new UdpTestClient(record.Port);

        client.Send("one");
        client.Send("two");

        await Eventually.TrueAsync(async () => await MetricAsync(gateway, "Echo", "lost") == 2, "both packets are lost");
        Assert.Equal(0, await MetricAsync(gateway, "Echo", "sent"));
        await Eventually.TrueAsync(
            () => gateway.LogLines.Any(line => line.Contains("2 packets that were not delivered did not reach the dead-letter queue", StringComparison.Ordinal) && line.Contains("InvalidMessageContents", StringComparison.Ordinal)),
            "a log line says so");
    }

    [Fact]
    public async Task Leaves_alone_what_was_delivered_and_destinations_without_a_queue()
    {
        await using var stub = await StubService.StartAsync(AnswerAsync);
        await using var gateway = await StartAsync(stub);
        gateway.Lambda("Broken").Handler = _ => throw new InvalidOperationException("no way");
        var record = await gateway.ServeAsync(TestGateway.Udp(TestGateway.Destination() with { DeadLetterArn = Queue + "dead" }, TestGateway.Destination("Broken")));
        using var client = new UdpTestClient(record.Port);

        Assert.Equal("hello"u8.ToArray(), await client.ExchangeAsync("hello"));

        await Eventually.TrueAsync(async () => await gateway.MetricAsync("""udpgw_batches_total{listener="test",destination="Broken",result="failed"}""") == 1, "the other one failed");
        Assert.Empty(_messages);
        Assert.DoesNotContain("udpgw_dead_letters_total{listener=\"test\",destination=\"Broken\"", await gateway.MetricsAsync(), StringComparison.Ordinal);
        Assert.Equal(0, await MetricAsync(gateway, "Echo", "sent"));
    }

    private static Dictionary<string, string> Arns(string arn) => new() { ["*"] = arn };

    private static Task<double> MetricAsync(TestGateway gateway, string destination, string result) =>
        gateway.MetricAsync($$"""udpgw_dead_letters_total{listener="test",destination="{{destination}}",result="{{result}}"}""");

    private static async Task<TestGateway> StartAsync(StubService stub)
    {
        var gateway = await TestGateway.StartAsync();
        gateway.Connect = arn => new AwsConnection(TestEnvironment.Credentials, arn.Region, stub.Url);
        return gateway;
    }

    private Task AnswerAsync(HttpContext context, int number)
    {
        var request = JsonNode.Parse(StubService.RequestOf(context).Body)!;
        if (request["QueueName"] is { } name)
            return StubService.AnswerAsync(context, 200, new JsonObject { ["QueueUrl"] = "https://queue/" + name.GetValue<string>() }.ToJsonString());

        var queue = request["QueueUrl"]!.GetValue<string>()["https://queue/".Length..];
        var failed = new JsonArray();
        foreach (var entry in request["Entries"]!.AsArray())
        {
            var body = JsonNode.Parse(entry!["MessageBody"]!.GetValue<string>())!;
            if (_refuses(queue, body))
                failed.Add(new JsonObject { ["Id"] = entry["Id"]!.GetValue<string>(), ["Code"] = "InvalidMessageContents", ["SenderFault"] = true });
            else
                _messages.Enqueue((queue, body, entry));
        }

        return StubService.AnswerAsync(context, 200, new JsonObject { ["Failed"] = failed }.ToJsonString());
    }
}
