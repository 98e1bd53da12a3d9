using System.Text;
using System.Text.Json.Nodes;
using UdpGateway.Aws;
using UdpGateway.Aws.Tests;
using UdpGateway.Gateway.Destinations;
using UdpGateway.Listeners;

namespace UdpGateway.Gateway.Tests.Destinations;

public sealed class IotDestinationTests : OneWayContractTests
{
    protected override string Arn => "arn:aws:iot:us-west-2:123456789012:topic/fleet/packets";

    protected override int MaxEntries => 1;

    internal override IReadOnlyList<string> PayloadsOf(ReceivedRequest request) => [JsonNode.Parse(request.Body)!["Data"]!.GetValue<string>()];

    protected override bool IsIn(string payload, string line) =>
        JsonNode.Parse(Convert.FromBase64String(JsonNode.Parse(line)!["payload"]!.GetValue<string>()))!["Data"]!.GetValue<string>() == payload;

    [Fact]
    public async Task Publishes_json_to_the_topic_with_a_signature()
    {
        await using var stub = await StubService.StartAsync((context, _) => StubService.AnswerAsync(context, 200, "{}"));

        await Create(stub, null).DeliverAsync(DestinationUnderTest.Batch("a"), CancellationToken.None);

        var request = Assert.Single(stub.Requests);
        Assert.Equal(("POST", "/topics/fleet%2Fpackets"), (request.Method, request.RawTarget));
        Assert.Equal(
            SignatureVersion4.Authorization(request, "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", TestEnvironment.Region, "iotdata"),
            request.Headers["Authorization"]);
    }

    [Theory]
    [InlineData(null, "/topics/fleet/packets/198.51.100.7/40000")]
    [InlineData("[0:2]", "/topics/fleet/packets/6162")]
    [InlineData("utf8[0:2]", "/topics/fleet/packets/ab")]
    public async Task Publishes_bytes_to_a_topic_with_a_suffix(string? expression, string path)
    {
        await using var stub = await StubService.StartAsync((context, _) => StubService.AnswerAsync(context, 200, "{}"));
        var arguments = new IotArguments { DynamicTopicSuffix = true, TopicSuffix = expression is null ? null : new KeyExpression(expression, PayloadFormatter.Hex) };

        await Create(stub, arguments).DeliverAsync(DestinationUnderTest.Batch("abc"), CancellationToken.None);

        var request = Assert.Single(stub.Requests);
        Assert.Equal(path, Uri.UnescapeDataString(request.RawTarget));
        Assert.Equal("abc", Encoding.UTF8.GetString(request.Body));
    }

    [Fact]
    public async Task Counts_packets_that_yield_no_topic()
    {
        await using var stub = await StubService.StartAsync((context, _) => StubService.AnswerAsync(context, 200, "{}"));
        var arguments = new IotArguments { DynamicTopicSuffix = true, TopicSuffix = new KeyExpression("utf8[0:2]", PayloadFormatter.Hex) };

        var outcome = await Create(stub, arguments).DeliverAsync(DestinationUnderTest.Batch("ok", "#+", "", "../"), CancellationToken.None);

        Assert.Equal((DeliveryResult.Failed, 2), (outcome.Result, outcome.FailedPackets));
        Assert.Equal(2, stub.Requests.Count);
    }

    private static IDestination Create(StubService stub, IotArguments? arguments) => DestinationUnderTest.Create(
        "arn:aws:iot:us-west-2:123456789012:topic/fleet/packets",
        new DestinationArguments { Iot = arguments },
        _ => new AwsConnection(TestEnvironment.Credentials, TestEnvironment.Region, stub.Url));
}
