using System.Text.Json.Nodes;
using UdpGateway.Aws;
using UdpGateway.Aws.Tests;
using UdpGateway.Gateway.Destinations;

namespace UdpGateway.Gateway.Tests.Destinations;

public sealed class DynamoDbDestinationTests : OneWayContractTests
{
    private const string Table = """{"Table":{"KeySchema":[{"AttributeName":"at","KeyType":"RANGE"},{"AttributeName":"flow","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"flow","AttributeType":"S"},{"AttributeName":"at","AttributeType":"S"}]}}""";

    protected override string Arn => "arn:aws:dynamodb:us-west-2:123456789012:table/packets";

    protected override int MaxEntries => 25;

    private protected override bool FailsInPart => true;

    internal override IReadOnlyList<string>? PayloadsOf(ReceivedRequest request) => IsWrite(request) ? [.. ItemsOf(request).Select(item => item["Data"]!["S"]!.GetValue<string>())] : null;

    internal override string Accept(ReceivedRequest request) => IsWrite(request) ? "{\"UnprocessedItems\":{}}" : Table;

    // Items are refused for lack of capacity only, which passes.
    internal override string AcceptButFirst(ReceivedRequest request, bool isTransient) => Unprocessed(request, [0]);

    [Fact]
    public async Task Names_the_keys_as_the_table_does_and_the_attributes_as_the_packet_does()
    {
        await using var stub = await StubService.StartAsync((context, _) => StubService.AnswerAsync(context, 200, Accept(StubService.RequestOf(context))));

        await Create(stub).DeliverAsync(DestinationUnderTest.Batch("a"), CancellationToken.None);

        Assert.Equal(["DynamoDB_20120810.DescribeTable", "DynamoDB_20120810.BatchWriteItem"], stub.Requests.Select(request => request.Headers["X-Amz-Target"]));
        Assert.Equal(
            """{"flow":{"S":"198.51.100.7:40000|udp.example.com:2061"},"at":{"S":"2026-04-14T17:03:22.123Z#0000000000000abc0000"},"Tag":{"S":"0000000000000abc0000"},"Remote":{"M":{"IpAddress":{"S":"198.51.100.7"},"Port":{"N":"40000"}}},"Local":{"M":{"Domain":{"S":"udp.example.com"},"Port":{"N":"2061"},"Protocol":{"S":"udp"},"IpAddress":{"S":"127.0.0.1"}}},"ReceivedAt":{"S":"2026-04-14T17:03:22.123Z"},"IngressRegion":{"S":"us-west-2"},"Formatter":{"S":"ascii"},"Data":{"S":"a"}}""",
            Assert.Single(ItemsOf(stub.Requests[1])).ToJsonString());
    }

    [Fact]
    public async Task Repeats_only_the_items_that_were_not_processed()
    {
        var writes = 0;
        await using var stub = await StubService.StartAsync((context, _) =>
        {
            var request = StubService.RequestOf(context);
            return StubService.AnswerAsync(context, 200, IsWrite(request) && ++writes == 1 ? Unprocessed(request, [1, 3]) : Accept(request));
        });

        var outcome = await Create(stub).DeliverAsync(DestinationUnderTest.Batch(DestinationUnderTest.Numbered(5)), CancellationToken.None);

        Assert.Equal((DeliveryResult.Delivered, 2), (outcome.Result, outcome.Retried));
        Assert.Equal(["packet-0001", "packet-0003"], PayloadsOf(stub.Requests[^1])!);
    }

    [Fact]
    public async Task Takes_PK_and_SK_where_the_role_may_not_describe_the_table()
    {
        await using var stub = await StubService.StartAsync((context, _) => IsWrite(StubService.RequestOf(context))
            ? StubService.AnswerAsync(context, 200, "{}")
            : StubService.AnswerAsync(context, 400, "{\"__type\":\"com.amazon.coral.service#AccessDeniedException\"}"));

        var outcome = await Create(stub).DeliverAsync(DestinationUnderTest.Batch("a"), CancellationToken.None);

        Assert.Equal(DeliveryResult.Delivered, outcome.Result);
        Assert.Equal(["PK", "SK"], Assert.Single(ItemsOf(stub.Requests[1])).Select(attribute => attribute.Key).Take(2));
    }

    [Fact]
    public async Task Refuses_a_table_whose_keys_are_no_strings()
    {
        await using var stub = await StubService.StartAsync((context, _) => StubService.AnswerAsync(context, 200, Table.Replace("\"AttributeType\":\"S\"", "\"AttributeType\":\"N\"", StringComparison.Ordinal)));

        var refusal = await Assert.ThrowsAsync<ListenerNotServedException>(() => Create(stub).DeliverAsync(DestinationUnderTest.Batch("a"), CancellationToken.None));

        Assert.Equal("Table packets needs a partition key and a sort key, both strings.", refusal.Message);
    }

    private static IDestination Create(StubService stub) => DestinationUnderTest.Create(
        "arn:aws:dynamodb:us-west-2:123456789012:table/packets", new(), _ => new AwsConnection(TestEnvironment.Credentials, TestEnvironment.Region, stub.Url));

    private static bool IsWrite(ReceivedRequest request) => request.Headers["X-Amz-Target"] == "DynamoDB_20120810.BatchWriteItem";

    private static List<JsonObject> ItemsOf(ReceivedRequest request) =>
        [.. JsonNode.Parse(request.Body)!["RequestItems"]!["packets"]!.AsArray().Select(write => write!["PutRequest"]!["Item"]!.AsObject())];

    private static string Unprocessed(ReceivedRequest request, int[] indexes) => new JsonObject
    {
        ["UnprocessedItems"] = new JsonObject
        {
            ["packets"] = new JsonArray([.. indexes.Select(index => new JsonObject { ["PutRequest"] = new JsonObject { ["Item"] = ItemsOf(request)[index].DeepClone() } })]),
        },
    }.ToJsonString();
}
