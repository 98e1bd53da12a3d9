using System.Text.Json.Nodes;
using UdpGateway.Aws;
using UdpGateway.Aws.Tests;
using UdpGateway.Gateway.Destinations;

namespace UdpGateway.Gateway.Tests.Destinations;

public sealed class ExpressStepFunctionsDestinationTests : ReplyingContractTests
{
    protected override string Arn => "arn:aws:states:us-west-2:123456789012:stateMachine:replies";

    internal override string? InputOf(ReceivedRequest request) => request.Headers["X-Amz-Target"] == "AWSStepFunctions.StartSyncExecution"
        ? JsonNode.Parse(request.Body)!["input"]!.GetValue<string>()
        : null;

    internal override string Answer(ReceivedRequest request, string result) => InputOf(request) is null
        ? "{\"type\":\"EXPRESS\"}"
        : new JsonObject { ["status"] = "SUCCEEDED", ["output"] = result }.ToJsonString();

    [Theory]
    [InlineData("""{"status":"FAILED","error":"Broken","cause":"secret payload"}""", "the execution failed: Broken")]
    [InlineData("""{"status":"TIMED_OUT"}""", "the execution failed: States.Timeout")]
    public async Task Counts_a_failed_execution_without_its_cause(string answer, string problem)
    {
        await using var stub = await StartAsync((context, call) => StubService.AnswerAsync(context, 200, answer));

        var outcome = await DeliverAsync(stub, 1);

        Assert.Equal((DeliveryResult.FunctionError, problem), (outcome.Result, outcome.Problem));
    }

    [Fact]
    public async Task Asks_for_the_type_once()
    {
        await using var stub = await StartAsync();
        var destination = DestinationUnderTest.Create(Arn, new(), _ => new AwsConnection(TestEnvironment.Credentials, TestEnvironment.Region, stub.Url));

        await destination.DeliverAsync(DestinationUnderTest.Batch("a"), CancellationToken.None);
        await destination.DeliverAsync(DestinationUnderTest.Batch("b"), CancellationToken.None);

        Assert.Equal(
            ["DescribeStateMachine", "StartSyncExecution", "StartSyncExecution"],
            stub.Requests.Select(request => request.Headers["X-Amz-Target"]["AWSStepFunctions.".Length..]));
        Assert.All(stub.Requests, request => Assert.Equal(Arn, JsonNode.Parse(request.Body)!["stateMachineArn"]!.GetValue<string>()));
    }
}

public sealed class StandardStepFunctionsDestinationTests : WholeBatchContractTests
{
    protected override string Arn => "arn:aws:states:us-west-2:123456789012:stateMachine:archive";

    internal override IReadOnlyList<string>? PayloadsOf(ReceivedRequest request) => request.Headers["X-Amz-Target"] == "AWSStepFunctions.StartExecution"
        ? [.. JsonNode.Parse(JsonNode.Parse(request.Body)!["input"]!.GetValue<string>())!["Messages"]!.AsArray().Select(message => message!["Data"]!.GetValue<string>())]
        : null;

    internal override string Accept(ReceivedRequest request) => PayloadsOf(request) is null ? "{\"type\":\"STANDARD\"}" : "{\"executionArn\":\"x\"}";

    [Fact]
    public async Task Repeats_under_the_same_name_so_that_nothing_runs_twice()
    {
        var starts = 0;
        await using var stub = await StubService.StartAsync((context, _) =>
        {
            var request = StubService.RequestOf(context);
            if (PayloadsOf(request) is null)
                return StubService.AnswerAsync(context, 200, Accept(request));
            return ++starts == 1 ? StubService.AnswerAsync(context, 500) : StubService.AnswerAsync(context, 400, "{\"__type\":\"ExecutionAlreadyExists\"}");
        });
        var destination = DestinationUnderTest.Create(Arn, new(), _ => new AwsConnection(TestEnvironment.Credentials, TestEnvironment.Region, stub.Url));

        var outcome = await destination.DeliverAsync(DestinationUnderTest.Batch("a"), CancellationToken.None);

        Assert.Equal((DeliveryResult.Delivered, 1), (outcome.Result, outcome.Retried));
        Assert.Single(stub.Requests.Skip(1).Select(request => JsonNode.Parse(request.Body)!["name"]!.GetValue<string>()).Distinct(StringComparer.Ordinal));
    }
}
