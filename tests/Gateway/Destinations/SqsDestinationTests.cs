using System.Text.Json.Nodes;
using UdpGateway.Aws;
using UdpGateway.Aws.Tests;
using UdpGateway.Gateway.Destinations;
using UdpGateway.Listeners;

namespace UdpGateway.Gateway.Tests.Destinations;

public sealed class SqsDestinationTests : EntriesContractTests
{
    private const string FifoArn = "arn:aws:sqs:us-west-2:123456789012:archive.fifo";

    protected override string Arn => "arn:aws:sqs:us-west-2:123456789012:archive";

    protected override int MaxEntries => 10;

    internal override IReadOnlyList<string>? PayloadsOf(ReceivedRequest request) => request.Headers["X-Amz-Target"] == "AmazonSQS.SendMessageBatch"
        ? [.. EntriesOf(request).Select(entry => JsonNode.Parse(entry["MessageBody"]!.GetValue<string>())!["Data"]!.GetValue<string>())]
        : null;

    internal override string Accept(ReceivedRequest request) => "{\"QueueUrl\":\"http://sqs.example/archive\"}";

    internal override string AcceptBut(ReceivedRequest request, IReadOnlyList<int> failed, string code) => new JsonObject
    {
        ["Failed"] = new JsonArray([.. failed.Select(index => new JsonObject
        {
            ["Id"] = EntriesOf(request)[index]["Id"]!.GetValue<string>(),
            ["Code"] = code,
            ["SenderFault"] = code == PermanentCode,
        })]),
    }.ToJsonString();

    [Fact]
    public async Task Asks_for_the_queues_url_once_and_sends_packets_as_json()
    {
        await using var stub = await StartAsync();
        var destination = Create(stub, Arn);

        await destination.DeliverAsync(DestinationUnderTest.Batch("a"), CancellationToken.None);
        await destination.DeliverAsync(DestinationUnderTest.Batch("b"), CancellationToken.None);

        Assert.Equal(["AmazonSQS.GetQueueUrl", "AmazonSQS.SendMessageBatch", "AmazonSQS.SendMessageBatch"], stub.Requests.Select(request => request.Headers["X-Amz-Target"]));
        Assert.Equal("{\"QueueName\":\"archive\",\"QueueOwnerAWSAccountId\":\"123456789012\"}", System.Text.Encoding.UTF8.GetString(stub.Requests[0].Body));
        var entry = EntriesOf(stub.Requests[1])[0];
        Assert.Equal(["Id", "MessageBody"], entry.Select(property => property.Key));
        var packet = JsonNode.Parse(entry["MessageBody"]!.GetValue<string>())!;
        Assert.Equal("a", packet["Data"]!.GetValue<string>());
        Assert.Equal(DestinationUnderTest.Client, packet["Remote"]!["IpAddress"]!.GetValue<string>());
    }

    [Fact]
    public async Task Sends_raw_bodies_with_attributes()
    {
        await using var stub = await StartAsync();
        var destination = Create(stub, Arn, new SqsArguments { SendRaw = true, UseMessageAttributes = true }, PayloadFormatter.Hex);

        var outcome = await destination.DeliverAsync(DestinationUnderTest.Batch("\u0001z", ""), CancellationToken.None);

        // SQS takes no empty body.
        Assert.Equal((DeliveryResult.Failed, 1), (outcome.Result, outcome.FailedPackets));
        var entry = Assert.Single(EntriesOf(stub.Requests[^1]));
        Assert.Equal("017A", entry["MessageBody"]!.GetValue<string>());
        Assert.Equal(
            """{"LocalDomain":{"DataType":"String","StringValue":"udp.example.com"},"LocalPort":{"DataType":"Number","StringValue":"2061"},"RemoteAddress":{"DataType":"String","StringValue":"198.51.100.7"},"RemotePort":{"DataType":"Number","StringValue":"40000"}}""",
            entry["MessageAttributes"]!.ToJsonString());
    }

    [Fact]
    public async Task Groups_by_client_in_a_fifo_queue_and_makes_every_message_another()
    {
        await using var stub = await StartAsync();

        await Create(stub, FifoArn).DeliverAsync(DestinationUnderTest.Batch("a", "a"), CancellationToken.None);

        var entries = EntriesOf(stub.Requests[^1]);
        Assert.Equal(["198.51.100.7:40000", "198.51.100.7:40001"], entries.Select(entry => entry["MessageGroupId"]!.GetValue<string>()));
        Assert.All(entries, entry => Assert.Matches("^[0-9a-f]{32}$", entry["MessageDeduplicationId"]!.GetValue<string>()));
        Assert.NotEqual(entries[0]["MessageDeduplicationId"]!.GetValue<string>(), entries[1]["MessageDeduplicationId"]!.GetValue<string>());
    }

    [Fact]
    public async Task Takes_group_and_deduplication_from_expressions()
    {
        await using var stub = await StartAsync();
        var arguments = new SqsArguments
        {
            MessageGroupId = new KeyExpression("[0:2]", PayloadFormatter.Hex),
            MessageDeduplicationId = new KeyExpression("[1:]", PayloadFormatter.Ascii),
        };

        await Create(stub, FifoArn, arguments).DeliverAsync(DestinationUnderTest.Batch("JKxy", "J" + new string('k', 200)), CancellationToken.None);

        var entries = EntriesOf(stub.Requests[^1]);
        Assert.Equal("4A4B", entries[0]["MessageGroupId"]!.GetValue<string>());
        Assert.Equal("Kxy", entries[0]["MessageDeduplicationId"]!.GetValue<string>());
        // Too long for SQS: its SHA-256 stands for it.
        Assert.Matches("^[0-9a-f]{64}$", entries[1]["MessageDeduplicationId"]!.GetValue<string>());
    }

    [Theory]
    [InlineData(PayloadFormatter.Ascii)]
    [InlineData(PayloadFormatter.Utf8)]
    public async Task Keeps_what_the_service_would_refuse_away_from_the_packets_of_others(PayloadFormatter formatter)
    {
        await using var stub = await StartAsync();
        var key = new KeyExpression("[0:2]", formatter);
        var arguments = new SqsArguments { SendRaw = true, MessageGroupId = key, MessageDeduplicationId = key };

        var outcome = await Create(stub, FifoArn, arguments, formatter).DeliverAsync(DestinationUnderTest.Batch("AB", "\u0000\u0007bell", "\r\n", "\u00e9!", "CD\u001f"), CancellationToken.None);

        Assert.Equal([1, 4], outcome.Failed!.Select(failed => failed.Packet));
        var entries = EntriesOf(stub.Requests[^1]);
        Assert.Equal(3, entries.Count);
        Assert.Equal("AB", entries[0]["MessageGroupId"]!.GetValue<string>());
        Assert.Matches("^[0-9a-f]{64}$", entries[1]["MessageDeduplicationId"]!.GetValue<string>());
        Assert.All(entries, entry => Assert.Matches("^[!-~]{1,128}$", entry["MessageGroupId"]!.GetValue<string>()));
    }

    [Fact]
    public async Task Sends_a_fair_queue_groups_but_no_deduplication()
    {
        await using var stub = await StartAsync();
        var arguments = new SqsArguments { MessageGroupId = new KeyExpression("[0]", PayloadFormatter.Hex), MessageDeduplicationId = new KeyExpression("[0]", PayloadFormatter.Hex) };

        await Create(stub, Arn, arguments).DeliverAsync(DestinationUnderTest.Batch("A", ""), CancellationToken.None);

        var entries = EntriesOf(stub.Requests[^1]);
        Assert.Equal(["Id", "MessageBody", "MessageGroupId"], entries[0].Select(property => property.Key));
        Assert.Equal(["Id", "MessageBody"], entries[1].Select(property => property.Key));
    }

    [Fact]
    public async Task Sends_a_fifo_queue_one_call_after_the_other()
    {
        await using var stub = await StartAsync();

        await Create(stub, FifoArn).DeliverAsync(DestinationUnderTest.Batch(DestinationUnderTest.Numbered(35)), CancellationToken.None);

        Assert.Equal(DestinationUnderTest.Numbered(35), stub.Requests.Skip(1).SelectMany(request => PayloadsOf(request)!));
    }

    [Fact]
    public async Task Cuts_at_a_mebibyte_of_bodies()
    {
        await using var stub = await StartAsync();
        var payloads = Enumerable.Range(0, 30).Select(index => new string((char)('a' + index), 60_000)).ToList();

        var outcome = await Create(stub, Arn, new SqsArguments { SendRaw = true }, PayloadFormatter.Hex).DeliverAsync(DestinationUnderTest.Batch(payloads), CancellationToken.None);

        Assert.Equal(DeliveryResult.Delivered, outcome.Result);
        Assert.Equal(4, stub.Requests.Count - 1);
        Assert.All(stub.Requests.Skip(1), request => Assert.InRange(EntriesOf(request).Sum(entry => entry["MessageBody"]!.GetValue<string>().Length), 1, 1_048_576));
        Assert.Equal(30, stub.Requests.Skip(1).Sum(request => EntriesOf(request).Count));
    }

    private Task<StubService> StartAsync() => StubService.StartAsync((context, _) => StubService.AnswerAsync(context, 200, Accept(StubService.RequestOf(context))));

    private static IDestination Create(StubService stub, string arn, SqsArguments? arguments = null, PayloadFormatter formatter = PayloadFormatter.Ascii) => DestinationUnderTest.Create(
        arn, new DestinationArguments { Sqs = arguments }, _ => new AwsConnection(TestEnvironment.Credentials, TestEnvironment.Region, stub.Url), formatter);

    private static List<JsonObject> EntriesOf(ReceivedRequest request) => [.. JsonNode.Parse(request.Body)!["Entries"]!.AsArray().Select(entry => entry!.AsObject())];
}
