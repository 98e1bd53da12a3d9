using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using UdpGateway.Aws;
using UdpGateway.Aws.Tests;
using UdpGateway.Gateway.Destinations;

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

    [Theory]
    [InlineData(301)]
    [InlineData(307)]
    [InlineData(400)]
    public async Task Finds_out_once_where_the_bucket_is_and_goes_nowhere_else(int status)
    {
        await using var elsewhere = await StubService.StartAsync((context, _) => StubService.AnswerAsync(context, 200));
        await using var stub = await StubService.StartAsync((context, _) => IsSignedFor(StubService.RequestOf(context), "eu-west-1")
            ? StubService.AnswerAsync(context, 200)
            : StubService.AnswerAsync(context, status, "<Error><Code>PermanentRedirect</Code></Error>", ("x-amz-bucket-region", "eu-west-1"), ("Location", elsewhere.Url.AbsoluteUri)));
        var destination = DestinationUnderTest.Create(Arn, Arguments, _ => new AwsConnection(TestEnvironment.Credentials, TestEnvironment.Region, stub.Url));

        var first = await destination.DeliverAsync(DestinationUnderTest.Batch("a"), CancellationToken.None);
        var second = await destination.DeliverAsync(DestinationUnderTest.Batch("b"), CancellationToken.None);

        Assert.Equal((DeliveryResult.Delivered, DeliveryResult.Delivered, 0), (first.Result, second.Result, first.Retried));
        Assert.Equal([false, true, true], stub.Requests.Select(request => IsSignedFor(request, "eu-west-1")));
        Assert.Equal(stub.Requests[0].Body, stub.Requests[1].Body);
        Assert.Empty(elsewhere.Requests);
    }

    [Theory]
    [InlineData("us-west-2")]
    [InlineData("evil.example.com")]
    public async Task Does_not_follow_a_redirect_without_another_region(string region)
    {
        await using var elsewhere = await StubService.StartAsync((context, _) => StubService.AnswerAsync(context, 200));
        await using var stub = await StubService.StartAsync((context, _) => StubService.AnswerAsync(context, 307, "", ("x-amz-bucket-region", region), ("Location", elsewhere.Url.AbsoluteUri)));
        var destination = DestinationUnderTest.Create(
            Arn, Arguments, _ => new AwsConnection(TestEnvironment.Credentials, TestEnvironment.Region, stub.Url), retries: new RetryPolicy { MaxAttempts = 1 });

        var outcome = await destination.DeliverAsync(DestinationUnderTest.Batch("a"), CancellationToken.None);

        Assert.Equal(DeliveryResult.Failed, outcome.Result);
        Assert.Single(stub.Requests);
        Assert.Empty(elsewhere.Requests);
    }

    private static bool IsSignedFor(ReceivedRequest request, string region) => request.Headers["Authorization"].Contains($"/{region}/s3/aws4_request", StringComparison.Ordinal);

    [GeneratedRegex(@"\A2026/04/14/17/[0-9a-f]{32}\.ndjson\z", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex KeyPattern();
}
