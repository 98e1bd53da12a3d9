using System.Text.Json.Nodes;
using UdpGateway.Aws;
using UdpGateway.Aws.Tests;
using UdpGateway.Gateway.Destinations;
using UdpGateway.Listeners;

namespace UdpGateway.Gateway.Tests.Destinations;

public sealed class CloudWatchLogsDestinationTests : OneWayContractTests
{
    protected override string Arn => "arn:aws:logs:us-west-2:123456789012:log-group:/fleet/syslog:*";

    internal override IReadOnlyList<string>? PayloadsOf(ReceivedRequest request) => request.Headers["X-Amz-Target"] == "Logs_20140328.PutLogEvents"
        ? [.. EventsOf(request).Select(item => item!["message"]!.GetValue<string>())]
        : null;

    [Fact]
    public async Task Makes_a_stream_once_and_writes_payloads_as_text()
    {
        await using var stub = await StubService.StartAsync((context, _) => StubService.AnswerAsync(context, 200, "{}"));
        var destination = Create(stub, PayloadFormatter.Base64);

        await destination.DeliverAsync(DestinationUnderTest.Batch("<34>su failed \"é\"\n"), CancellationToken.None);
        await destination.DeliverAsync(DestinationUnderTest.Batch("b"), CancellationToken.None);

        Assert.Equal(["CreateLogStream", "PutLogEvents", "PutLogEvents"], stub.Requests.Select(request => request.Headers["X-Amz-Target"]["Logs_20140328.".Length..]));
        var put = JsonNode.Parse(stub.Requests[1].Body)!;
        Assert.Equal("/fleet/syslog", put["logGroupName"]!.GetValue<string>());
        Assert.StartsWith("listener/Archive/", put["logStreamName"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal(
            (DestinationUnderTest.ReceivedAt.ToUnixTimeMilliseconds(), "<34>su failed \"é\"\n"),
            (put["logEvents"]![0]!["timestamp"]!.GetValue<long>(), put["logEvents"]![0]!["message"]!.GetValue<string>()));
    }

    [Fact]
    public async Task Makes_the_group_only_if_it_is_missing()
    {
        await using var stub = await StubService.StartAsync((context, number) => number == 1
            ? StubService.AnswerAsync(context, 400, "{\"__type\":\"ResourceNotFoundException\"}")
            : StubService.AnswerAsync(context, 200, "{}"));

        var outcome = await Create(stub).DeliverAsync(DestinationUnderTest.Batch("a"), CancellationToken.None);

        Assert.Equal(DeliveryResult.Delivered, outcome.Result);
        Assert.Equal(["CreateLogStream", "CreateLogGroup", "CreateLogStream", "PutLogEvents"], stub.Requests.Select(request => request.Headers["X-Amz-Target"]["Logs_20140328.".Length..]));
    }

    [Fact]
    public async Task Makes_the_stream_again_after_somebody_deleted_it()
    {
        await using var stub = await StubService.StartAsync((context, number) => number == 3
            ? StubService.AnswerAsync(context, 400, "{\"__type\":\"ResourceNotFoundException\"}")
            : StubService.AnswerAsync(context, 200, "{}"));
        var destination = Create(stub);

        await destination.DeliverAsync(DestinationUnderTest.Batch("a"), CancellationToken.None);
        var outcome = await destination.DeliverAsync(DestinationUnderTest.Batch("b"), CancellationToken.None);

        Assert.Equal(DeliveryResult.Delivered, outcome.Result);
        Assert.Equal(
            ["CreateLogStream", "PutLogEvents", "PutLogEvents", "CreateLogStream", "PutLogEvents"], stub.Requests.Select(request => request.Headers["X-Amz-Target"]["Logs_20140328.".Length..]));
    }

    [Fact]
    public async Task Counts_what_is_empty_too_old_or_too_new()
    {
        await using var stub = await StubService.StartAsync((context, _) => StubService.AnswerAsync(context, 200, """{"rejectedLogEventsInfo":{"tooOldLogEventEndIndex":2,"tooNewLogEventStartIndex":4}}"""));

        var outcome = await Create(stub).DeliverAsync(DestinationUnderTest.Batch("a", "b", "", "c", "d", "e"), CancellationToken.None);

        Assert.Equal((DeliveryResult.Failed, 4), (outcome.Result, outcome.FailedPackets));
    }

    private static IDestination Create(StubService stub, PayloadFormatter formatter = PayloadFormatter.Ascii) => DestinationUnderTest.Create(
        "arn:aws:logs:us-west-2:123456789012:log-group:/fleet/syslog:*",
        new DestinationArguments(),
        _ => new AwsConnection(TestEnvironment.Credentials, TestEnvironment.Region, stub.Url),
        formatter);

    private static JsonArray EventsOf(ReceivedRequest request) => JsonNode.Parse(request.Body)!["logEvents"]!.AsArray();
}
