using System.Text.Json.Nodes;
using UdpGateway.Aws;
using UdpGateway.Aws.Tests;
using UdpGateway.Listeners;

namespace UdpGateway.Gateway.Tests.Destinations;

public sealed class KinesisDestinationTests : EntriesContractTests
{
    protected override string Arn => "arn:aws:kinesis:us-west-2:123456789012:stream/archive";

    protected override int MaxEntries => 500;

    protected override string TransientCode => "ProvisionedThroughputExceededException";

    internal override IReadOnlyList<string> PayloadsOf(ReceivedRequest request) =>
        [.. RecordsOf(request).Select(record => JsonNode.Parse(Convert.FromBase64String(record!["Data"]!.GetValue<string>()))!["Data"]!.GetValue<string>())];

    internal override string AcceptBut(ReceivedRequest request, IReadOnlyList<int> failed, string code) =>
        EntryResults.Json("Records", RecordsOf(request).Count, failed, code);

    protected override bool IsIn(string payload, string line) =>
        JsonNode.Parse(line)!["Records"]!.AsArray().Any(record => JsonNode.Parse(Convert.FromBase64String(record!["Data"]!.GetValue<string>()))!["Data"]!.GetValue<string>() == payload);

    [Fact]
    public async Task Puts_records_with_a_random_partition_key()
    {
        await using var stub = await StubService.StartAsync((context, _) => StubService.AnswerAsync(context, 200, "{}"));
        var destination = DestinationUnderTest.Create(Arn, Arguments, _ => new AwsConnection(TestEnvironment.Credentials, TestEnvironment.Region, stub.Url));

        await destination.DeliverAsync(DestinationUnderTest.Batch("a", "a"), CancellationToken.None);

        var request = Assert.Single(stub.Requests);
        Assert.Equal(("Kinesis_20131202.PutRecords", "application/x-amz-json-1.1"), (request.Headers["X-Amz-Target"], request.Headers["Content-Type"]));
        Assert.Equal(Arn, JsonNode.Parse(request.Body)!["StreamARN"]!.GetValue<string>());
        Assert.Equal(2, RecordsOf(request).Select(record => Guid.Parse(record!["PartitionKey"]!.GetValue<string>())).Distinct().Count());
    }

    [Fact]
    public async Task Takes_the_partition_key_from_an_expression_and_keeps_the_order()
    {
        await using var stub = await StubService.StartAsync((context, _) => StubService.AnswerAsync(context, 200, "{}"));
        var arguments = new DestinationArguments { Kinesis = new KinesisArguments { PartitionKey = new KeyExpression("[0:2]", PayloadFormatter.Hex) } };
        var destination = DestinationUnderTest.Create(Arn, arguments, _ => new AwsConnection(TestEnvironment.Credentials, TestEnvironment.Region, stub.Url));

        await destination.DeliverAsync(DestinationUnderTest.Batch(DestinationUnderTest.Numbered(1200)), CancellationToken.None);

        Assert.Equal(DestinationUnderTest.Numbered(1200), stub.Requests.SelectMany(PayloadsOf));
        Assert.All(stub.Requests.SelectMany(RecordsOf), record => Assert.Equal("7061", record!["PartitionKey"]!.GetValue<string>()));
    }

    private static JsonArray RecordsOf(ReceivedRequest request) => JsonNode.Parse(request.Body)!["Records"]!.AsArray();
}
