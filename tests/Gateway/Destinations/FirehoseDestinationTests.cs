using System.Text;
using System.Text.Json.Nodes;
using UdpGateway.Aws;
using UdpGateway.Aws.Tests;

namespace UdpGateway.Gateway.Tests.Destinations;

public sealed class FirehoseDestinationTests : EntriesContractTests
{
    protected override string Arn => "arn:aws:firehose:us-west-2:123456789012:deliverystream/archive";

    protected override int MaxEntries => 500;

    protected override string TransientCode => "ServiceUnavailableException";

    internal override IReadOnlyList<string> PayloadsOf(ReceivedRequest request) =>
        [.. RecordsOf(request).Select(record => JsonNode.Parse(TextOf(record))!["Data"]!.GetValue<string>())];

    internal override string AcceptBut(ReceivedRequest request, IReadOnlyList<int> failed, string code) =>
        EntryResults.Json("RequestResponses", RecordsOf(request).Count, failed, code);

    protected override bool IsIn(string payload, string line) =>
        JsonNode.Parse(line)!["Records"]!.AsArray().Any(record => JsonNode.Parse(TextOf(record))!["Data"]!.GetValue<string>() == payload);

    [Fact]
    public async Task Puts_one_line_for_each_packet()
    {
        await using var stub = await StubService.StartAsync((context, _) => StubService.AnswerAsync(context, 200, "{}"));
        var destination = DestinationUnderTest.Create(Arn, Arguments, _ => new AwsConnection(TestEnvironment.Credentials, TestEnvironment.Region, stub.Url));

        await destination.DeliverAsync(DestinationUnderTest.Batch("a", "b"), CancellationToken.None);

        var request = Assert.Single(stub.Requests);
        Assert.Equal(("Firehose_20150804.PutRecordBatch", "application/x-amz-json-1.1"), (request.Headers["X-Amz-Target"], request.Headers["Content-Type"]));
        Assert.Equal("archive", JsonNode.Parse(request.Body)!["DeliveryStreamName"]!.GetValue<string>());
        Assert.All(RecordsOf(request), record => Assert.EndsWith("}\n", TextOf(record), StringComparison.Ordinal));
        Assert.Equal(2, RecordsOf(request).Count);
    }

    private static JsonArray RecordsOf(ReceivedRequest request) => JsonNode.Parse(request.Body)!["Records"]!.AsArray();

    private static string TextOf(JsonNode? record) => Encoding.UTF8.GetString(Convert.FromBase64String(record!["Data"]!.GetValue<string>()));
}
