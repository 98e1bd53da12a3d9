using System.Text.Json.Nodes;
using UdpGateway.Aws;
using UdpGateway.Aws.Tests;
using UdpGateway.Gateway.Destinations;
using UdpGateway.Listeners;

namespace UdpGateway.Gateway.Tests.Destinations;

public sealed class LocationDestinationTests : EntriesContractTests
{
    protected override string Arn => "arn:aws:geo:us-west-2:123456789012:tracker/fleet";

    protected override int MaxEntries => 10;

    protected override string TransientCode => "InternalServerError";

    protected override string PermanentCode => "ValidationError";

    // Every packet of the contract is a device on the same spot.
    protected override DestinationArguments Arguments => new() { Location = new LocationArguments { DeviceId = "utf8[0:11]", Latitude = "[7]", Longitude = "[7]" } };

    internal override IReadOnlyList<string> PayloadsOf(ReceivedRequest request) => [.. UpdatesOf(request).Select(update => update!["DeviceId"]!.GetValue<string>())];

    internal override string Accept(ReceivedRequest request) => "{\"Errors\":[]}";

    internal override string AcceptBut(ReceivedRequest request, IReadOnlyList<int> failed, string code) => new JsonObject
    {
        ["Errors"] = new JsonArray([.. failed.Select(index => new JsonObject
        {
            ["DeviceId"] = UpdatesOf(request)[index]!["DeviceId"]!.GetValue<string>(),
            ["SampleTime"] = UpdatesOf(request)[index]!["SampleTime"]!.GetValue<string>(),
            ["Error"] = new JsonObject { ["Code"] = code, ["Message"] = "no" },
        })]),
    }.ToJsonString();

    [Fact]
    public async Task Updates_positions_as_longitude_and_latitude_at_the_time_of_receipt()
    {
        await using var stub = await StubService.StartAsync((context, _) => StubService.AnswerAsync(context, 200, "{\"Errors\":[]}"));
        var arguments = new LocationArguments
        {
            DeviceId = "[0:2]",
            Latitude = "u16be[2]",
            Longitude = "0 - u16be[4]",
            ScaleFactor = 0.01,
            PositionProperties = new Dictionary<string, string> { ["name"] = "utf8[6:]" },
        };
        var payload = "\u0001B\u0010\u0000\u0020\u0001van";

        var outcome = await Create(stub, arguments).DeliverAsync(DestinationUnderTest.Batch(payload), CancellationToken.None);

        Assert.Equal((DeliveryResult.Delivered, null), (outcome.Result, outcome.Problem));
        var request = Assert.Single(stub.Requests);
        Assert.Equal(("POST", "/tracking/v0/trackers/fleet/positions"), (request.Method, request.RawTarget));
        Assert.Contains("/us-west-2/geo/aws4_request", request.Headers["Authorization"], StringComparison.Ordinal);
        var update = Assert.Single(UpdatesOf(request))!;
        Assert.Equal(("0142", "2026-04-14T17:03:22.123Z"), (update["DeviceId"]!.GetValue<string>(), update["SampleTime"]!.GetValue<string>()));
        Assert.Equal(-81.93, update["Position"]![0]!.GetValue<double>(), 9);
        Assert.Equal(40.96, update["Position"]![1]!.GetValue<double>(), 9);
        Assert.Equal("{\"name\":\"van\"}", update["PositionProperties"]!.ToJsonString());
    }

    [Fact]
    public async Task Counts_packets_without_a_position_on_Earth()
    {
        await using var stub = await StubService.StartAsync((context, _) => StubService.AnswerAsync(context, 200, "{\"Errors\":[]}"));
        var arguments = new LocationArguments { DeviceId = "utf8[0:1]", Latitude = "u8[1]", Longitude = "u8[2]" };

        var outcome = await Create(stub, arguments).DeliverAsync(DestinationUnderTest.Batch("a11", "b[1", "c1", "*11", ""), CancellationToken.None);

        Assert.Equal((DeliveryResult.Failed, 4), (outcome.Result, outcome.FailedPackets));
        Assert.Equal(["a"], PayloadsOf(Assert.Single(stub.Requests)));
    }

    private static IDestination Create(StubService stub, LocationArguments arguments) => DestinationUnderTest.Create(
        "arn:aws:geo:us-west-2:123456789012:tracker/fleet",
        new DestinationArguments { Location = arguments },
        _ => new AwsConnection(TestEnvironment.Credentials, TestEnvironment.Region, stub.Url));

    private static JsonArray UpdatesOf(ReceivedRequest request) => JsonNode.Parse(request.Body)!["Updates"]!.AsArray();
}
