using System.Text;
using System.Text.Json.Nodes;
using System.Web;
using UdpGateway.Aws;
using UdpGateway.Aws.Tests;

namespace UdpGateway.Gateway.Tests.Destinations;

public sealed class SnsDestinationTests : EntriesContractTests
{
    protected override string Arn => "arn:aws:sns:us-west-2:123456789012:archive";

    protected override int MaxEntries => 10;

    internal override IReadOnlyList<string> PayloadsOf(ReceivedRequest request) =>
        [.. Values(request, "Message").Select(message => JsonNode.Parse(message)!["Data"]!.GetValue<string>())];

    internal override string Accept(ReceivedRequest request) =>
        """<PublishBatchResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishBatchResult><Failed/><Successful><member><Id>0</Id></member></Successful></PublishBatchResult></PublishBatchResponse>""";

    internal override string AcceptBut(ReceivedRequest request, IReadOnlyList<int> failed, string code) => $"""
        <PublishBatchResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishBatchResult><Failed>
        {string.Concat(failed.Select(index => $"<member><Id>{Values(request, "Id")[index]}</Id><Code>{code}</Code><SenderFault>{(code == PermanentCode ? "true" : "false")}</SenderFault></member>"))}
        </Failed></PublishBatchResult></PublishBatchResponse>
        """;

    [Fact]
    public async Task Publishes_packets_as_json_messages_of_the_topic()
    {
        await using var stub = await StubService.StartAsync((context, _) => StubService.AnswerAsync(context, 200, Accept(StubService.RequestOf(context))));
        var destination = DestinationUnderTest.Create(Arn, Arguments, _ => new AwsConnection(TestEnvironment.Credentials, TestEnvironment.Region, stub.Url));

        await destination.DeliverAsync(DestinationUnderTest.Batch("a=1&b é+\n"), CancellationToken.None);

        var request = Assert.Single(stub.Requests);
        var form = HttpUtility.ParseQueryString(Encoding.ASCII.GetString(request.Body));
        Assert.Equal(("PublishBatch", "2010-03-31", Arn), (form["Action"], form["Version"], form["TopicArn"]));
        Assert.Equal(5, form.Count);
        Assert.Equal("a=1&b ??+\n", JsonNode.Parse(form["PublishBatchRequestEntries.member.1.Message"]!)!["Data"]!.GetValue<string>());
        Assert.Contains("/us-west-2/sns/aws4_request", request.Headers["Authorization"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Groups_by_client_in_a_fifo_topic()
    {
        await using var stub = await StubService.StartAsync((context, _) => StubService.AnswerAsync(context, 200, Accept(StubService.RequestOf(context))));
        var destination = DestinationUnderTest.Create(Arn + ".fifo", Arguments, _ => new AwsConnection(TestEnvironment.Credentials, TestEnvironment.Region, stub.Url));

        await destination.DeliverAsync(DestinationUnderTest.Batch(DestinationUnderTest.Numbered(25)), CancellationToken.None);

        Assert.Equal(DestinationUnderTest.Numbered(25), stub.Requests.SelectMany(PayloadsOf));
        Assert.Equal(Enumerable.Range(40_000, 25).Select(port => $"198.51.100.7:{port}"), stub.Requests.SelectMany(request => Values(request, "MessageGroupId")));
        Assert.Equal(25, stub.Requests.SelectMany(request => Values(request, "MessageDeduplicationId")).Distinct(StringComparer.Ordinal).Count());
    }

    private static List<string> Values(ReceivedRequest request, string name)
    {
        var form = HttpUtility.ParseQueryString(Encoding.ASCII.GetString(request.Body));
        return [.. Enumerable.Range(1, 10).Select(member => form[$"PublishBatchRequestEntries.member.{member}.{name}"]).OfType<string>()];
    }
}
