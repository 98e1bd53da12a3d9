using System.Text.Json.Nodes;
using UdpGateway.Aws;
using UdpGateway.Aws.Tests;

namespace UdpGateway.Gateway.Tests.Destinations;

public sealed class EventBridgeDestinationTests : EntriesContractTests
{
    protected override string Arn => "arn:aws:events:us-west-2:123456789012:event-bus/default";

    protected override int MaxEntries => 10;

    internal override IReadOnlyList<string> PayloadsOf(ReceivedRequest request) =>
        [.. EntriesOf(request).Select(entry => JsonNode.Parse(entry!["Detail"]!.GetValue<string>())!["Data"]!.GetValue<string>())];

    internal override string AcceptBut(ReceivedRequest request, IReadOnlyList<int> failed, string code) =>
        EntryResults.Json("Entries", EntriesOf(request).Count, failed, code);

    [Fact]
    public async Task Puts_one_event_for_each_packet()
    {
        await using var stub = await StubService.StartAsync((context, _) => StubService.AnswerAsync(context, 200, "{}"));
        var destination = DestinationUnderTest.Create(Arn, Arguments, _ => new AwsConnection(TestEnvironment.Credentials, TestEnvironment.Region, stub.Url));

        await destination.DeliverAsync(DestinationUnderTest.Batch("a", "b"), CancellationToken.None);

        var request = Assert.Single(stub.Requests);
        Assert.Equal(("AWSEvents.PutEvents", "application/x-amz-json-1.1"), (request.Headers["X-Amz-Target"], request.Headers["Content-Type"]));
        var entry = EntriesOf(request)[0]!;
        Assert.Equal(
            (Arn, "proxylity", "udp-gateway-packet-ingress", 1776186202.123m),
            (entry["EventBusName"]!.GetValue<string>(), entry["Source"]!.GetValue<string>(), entry["DetailType"]!.GetValue<string>(), entry["Time"]!.GetValue<decimal>()));
        Assert.Contains("/us-west-2/events/aws4_request", request.Headers["Authorization"], StringComparison.Ordinal);
    }

    private static JsonArray EntriesOf(ReceivedRequest request) => JsonNode.Parse(request.Body)!["Entries"]!.AsArray();
}

/// <summary>Answers that have one result for each entry of the request.</summary>
internal static class EntryResults
{
    public static string Json(string name, int count, IReadOnlyList<int> failed, string code) => new JsonObject
    {
        [name] = new JsonArray([.. Enumerable.Range(0, count).Select(index => failed.Contains(index)
            ? new JsonObject { ["ErrorCode"] = code, ["ErrorMessage"] = "no" }
            : new JsonObject { ["EventId"] = "1", ["ErrorCode"] = null })]),
    }.ToJsonString();
}
