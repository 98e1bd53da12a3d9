using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using UdpGateway.Aws;
using UdpGateway.Aws.Tests;

namespace UdpGateway.Gateway.Tests.Destinations;

public sealed partial class S3DestinationTests : OneWayContractTests
{
    protected override string Arn => "arn:aws:s3:::archive/fleet/packets";

    internal override IReadOnlyList<string> PayloadsOf(ReceivedRequest request) =>
        [.. Encoding.UTF8.GetString(request.Body).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!["Data"]!.GetValue<string>())];

    internal override string Accept(ReceivedRequest request) => "";

    [Theory]
    [InlineData("arn:aws:s3:::archive", "/archive/")]
    [InlineData("arn:aws:s3:::archive/", "/archive/")]
    [InlineData("arn:aws:s3:::archive/fleet=1/packets/", "/archive/fleet=1/packets/")]
    public async Task Names_objects_by_the_hour_of_their_first_packet(string arn, string start)
    {
        await using var stub = await StubService.StartAsync((context, _) => StubService.AnswerAsync(context, 200));
        var destination = DestinationUnderTest.Create(arn, Arguments, _ => new AwsConnection(TestEnvironment.Credentials, TestEnvironment.Region, stub.Url));

        await destination.DeliverAsync(DestinationUnderTest.Batch("a", "b"), CancellationToken.None);

        var request = Assert.Single(stub.Requests);
        Assert.Equal(("PUT", "application/x-ndjson"), (request.Method, request.Headers["Content-Type"]));
        var path = Uri.UnescapeDataString(request.RawTarget);
        Assert.StartsWith(start, path, StringComparison.Ordinal);
        Assert.Matches(KeyPattern(), path[start.Length..]);
        Assert.EndsWith("}\n", Encoding.UTF8.GetString(request.Body), StringComparison.Ordinal);
        Assert.Contains("/us-west-2/s3/aws4_request", request.Headers["Authorization"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Repeats_under_the_same_key_so_that_nothing_is_doubled()
    {
        await using var stub = await StubService.StartAsync((context, number) => StubService.AnswerAsync(context, number == 1 ? 500 : 200));
        var destination = DestinationUnderTest.Create(Arn, Arguments, _ => new AwsConnection(TestEnvironment.Credentials, TestEnvironment.Region, stub.Url));

        await destination.DeliverAsync(DestinationUnderTest.Batch("a"), CancellationToken.None);

        Assert.Equal(2, stub.Requests.Count);
        Assert.Equal(stub.Requests[0].RawTarget, stub.Requests[1].RawTarget);
    }

    [GeneratedRegex(@"\A2026/04/14/17/[0-9a-f]{32}\.ndjson\z", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex KeyPattern();
}
