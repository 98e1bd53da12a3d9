using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using UdpGateway.Aws;
using UdpGateway.Aws.Tests;
using UdpGateway.Gateway.Destinations;
using UdpGateway.Gateway.Replies;

namespace UdpGateway.Gateway.Tests.Destinations;

/// <summary>What every destination with replies does besides Lambda: one call per batch, and its answer is the reply document.</summary>
public abstract class ReplyingContractTests
{
    internal const string Replies = """{"Replies":[{"Tag":"0000000000000abc0000","Data":"pong"}]}""";

    protected abstract string Arn { get; }

    /// <summary>The JSON that the customer's code gets; null for calls that do not run it.</summary>
    internal abstract string? InputOf(ReceivedRequest request);

    /// <summary>The service's answer when the customer's code returns that text.</summary>
    internal abstract string Answer(ReceivedRequest request, string result);

    [Fact]
    public async Task Hands_over_a_batch_in_one_call_and_returns_the_replies()
    {
        await using var stub = await StartAsync();

        var outcome = await DeliverAsync(stub, 3);

        Assert.Equal((DeliveryResult.Delivered, null, Replies), (outcome.Result, outcome.Problem, Encoding.UTF8.GetString(outcome.Answer.Span)));
        var messages = JsonNode.Parse(Assert.Single(InputsOf(stub)))!["Messages"]!.AsArray();
        Assert.Equal(DestinationUnderTest.Numbered(3), messages.Select(message => message!["Data"]!.GetValue<string>()));
    }

    [Fact]
    public async Task Repeats_what_was_throttled()
    {
        await using var stub = await StartAsync((context, call) => StubService.AnswerAsync(context, 429), until: 1);

        var outcome = await DeliverAsync(stub, 1);

        Assert.Equal(DeliveryResult.Delivered, outcome.Result);
        Assert.Equal(2, InputsOf(stub).Count);
    }

    [Theory]
    [InlineData(500)]
    [InlineData(403)]
    public async Task Runs_the_customers_code_once_at_most(int status)
    {
        await using var stub = await StartAsync((context, call) => StubService.AnswerAsync(context, status, "{}"));

        var failure = await Assert.ThrowsAsync<AwsServiceException>(() => DeliverAsync(stub, 1));

        Assert.Equal(status, (int)failure.StatusCode);
        Assert.Single(InputsOf(stub));
    }

    [Fact]
    public async Task Does_not_repeat_after_a_cut_connection()
    {
        await using var stub = await StartAsync((context, call) =>
        {
            context.Abort();
            return Task.CompletedTask;
        });

        var failure = await Assert.ThrowsAsync<AwsServiceException>(() => DeliverAsync(stub, 1));

        Assert.Equal(AwsFailure.ConnectionFailed, failure.Failure);
        Assert.Single(InputsOf(stub));
    }

    [Fact]
    public async Task Halves_a_batch_that_the_service_finds_too_large()
    {
        await using var stub = await StartAsync((context, call) =>
        {
            var request = StubService.RequestOf(context);
            var messages = JsonNode.Parse(InputOf(request)!)!["Messages"]!.AsArray();
            var replies = new JsonObject { ["Replies"] = new JsonArray([.. messages.Select(message => new JsonObject { ["Tag"] = message!["Tag"]!.GetValue<string>(), ["Data"] = message["Data"]!.GetValue<string>() })]) };
            return messages.Count > 2 ? StubService.AnswerAsync(context, 413) : StubService.AnswerAsync(context, 200, Answer(request, replies.ToJsonString()));
        });
        var replies = new RecordedReplies();

        var outcome = await DeliverAsync(stub, 7, replies: replies);

        Assert.Equal((DeliveryResult.Delivered, 0, true), (outcome.Result, outcome.FailedPackets, outcome.Answer.IsEmpty));
        Assert.Equal(DestinationUnderTest.Numbered(7), replies.Replies.Select(reply => reply.Data));
        Assert.Equal(Enumerable.Range(0, 7), replies.Replies.Select(reply => reply.PacketIndex));
    }

    private protected Task<DeliveryOutcome> DeliverAsync(StubService stub, int packets, string? arn = null, IReplySink? replies = null) => DestinationUnderTest
        .Create(arn ?? Arn, new(), _ => new AwsConnection(TestEnvironment.Credentials, TestEnvironment.Region, stub.Url), replies: replies)
        .DeliverAsync(DestinationUnderTest.Batch(DestinationUnderTest.Numbered(packets)), CancellationToken.None);

    private protected List<string> InputsOf(StubService stub) => [.. stub.Requests.Select(InputOf).OfType<string>()];

    /// <param name="interfere">Answers the customer's calls in place of the service.</param>
    /// <param name="until">The last call that it answers.</param>
    private protected Task<StubService> StartAsync(Func<HttpContext, int, Task>? interfere = null, int until = int.MaxValue)
    {
        var calls = 0;
        return StubService.StartAsync((context, _) =>
        {
            var request = StubService.RequestOf(context);
            if (InputOf(request) is not null && interfere is not null && Interlocked.Increment(ref calls) <= until)
                return interfere(context, calls);
            return StubService.AnswerAsync(context, 200, Answer(request, Replies));
        });
    }
}
