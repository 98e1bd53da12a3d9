using System.Text;
using System.Text.Json.Nodes;
using UdpGateway.Aws;
using UdpGateway.Aws.Tests;
using UdpGateway.Gateway.Destinations;
using UdpGateway.Gateway.Packets;
using UdpGateway.Gateway.Replies;
using UdpGateway.Gateway.Tests.TestDoubles;
using UdpGateway.Listeners;

namespace UdpGateway.Gateway.Tests.Destinations;

public sealed class LambdaDestinationTests : ReplyingContractTests
{
    protected override string Arn => "arn:aws:lambda:us-west-2:123456789012:function:echo:live";

    internal override string InputOf(ReceivedRequest request) => Encoding.UTF8.GetString(request.Body);

    internal override string Answer(ReceivedRequest request, string result) => result;

    [Fact]
    public async Task Counts_a_failed_function_without_its_message()
    {
        await using var stub = await StartAsync((context, call) =>
            StubService.AnswerAsync(context, 200, """{"errorType":"KeyError","errorMessage":"secret payload"}""", ("X-Amz-Function-Error", "Unhandled")));

        var outcome = await DeliverAsync(stub, 1);

        Assert.Equal((DeliveryResult.FunctionError, "Unhandled KeyError"), (outcome.Result, outcome.Problem));
    }
}

public sealed class LambdaEventDestinationTests : WholeBatchContractTests
{
    protected override string Arn => "arn:aws:lambda:us-west-2:123456789012:function:archive";

    private protected override DestinationDefinition Change(DestinationDefinition definition) => definition with { UseAsyncInvoke = true };

    internal override IReadOnlyList<string> PayloadsOf(ReceivedRequest request) =>
        [.. JsonNode.Parse(request.Body)!["Messages"]!.AsArray().Select(message => message!["Data"]!.GetValue<string>())];

    internal override string Accept(ReceivedRequest request) => "";
}

/// <summary>What is the function's doing, with a function in process.</summary>
public sealed class LambdaFunctionTests
{
    private static readonly string[] Tags = [.. Enumerable.Range(0, 6).Select(Tag)];

    private readonly RecordingLambda _lambda = new();
    private readonly RecordedReplies _replies = new();

    [Fact]
    public async Task Hands_over_each_reply_before_the_function_has_ended()
    {
        using var seen = new SemaphoreSlim(0);
        _lambda.Stream = _ => Write(seen);

        var delivery = DeliverAsync(Streaming, "a", "b", "c");
        await Eventually.TrueAsync(() => _replies.Replies.Count == 1, "the first reply is there");
        Assert.False(delivery.IsCompleted);
        seen.Release();
        var outcome = await delivery;

        Assert.Equal([new Reply(0, "first"), new Reply(2, "second")], _replies.Replies);
        Assert.Equal((DeliveryResult.Delivered, true), (outcome.Result, outcome.Answer.IsEmpty));

        static async IAsyncEnumerable<InvokeStreamEvent> Write(SemaphoreSlim seen)
        {
            yield return Piece($$"""{"Replies":[{"Tag":"{{Tags[0]}}","Data":"first"},{"Tag":""");
            await seen.WaitAsync();
            yield return Piece($$"""
                "{{Tags[2]}}","Data":"second"}]}
                """);
            yield return new InvokeStreamEvent(default, IsComplete: true);
        }
    }

    [Fact]
    public async Task Counts_the_unanswered_packets_of_a_function_that_fails_while_it_writes()
    {
        _lambda.Stream = _ => Yield(
            Piece($$"""{"Tag":"{{Tags[1]}}","Data":"first"}{"Tag":"{{Tags[0]}}","Da"""),
            new InvokeStreamEvent(default, IsComplete: true, "Unhandled", """{"errorType":"RangeError","errorMessage":"secret payload"}"""));

        var outcome = await DeliverAsync(Streaming, "a", "b", "c");

        Assert.Equal((DeliveryResult.FunctionError, "Unhandled RangeError", 2), (outcome.Result, outcome.Problem, outcome.FailedPackets));
        Assert.Equal([0, 2], outcome.Failed!.Select(failed => failed.Packet));
        Assert.Equal([new Reply(1, "first")], _replies.Replies);
    }

    [Fact]
    public async Task Counts_the_unanswered_packets_of_a_response_that_breaks_off()
    {
        _lambda.Stream = _ => Break();

        var outcome = await DeliverAsync(Streaming, "a", "b");

        Assert.Equal((DeliveryResult.Failed, 1), (outcome.Result, outcome.FailedPackets));
        Assert.Equal(1, Assert.Single(outcome.Failed!).Packet);

        static async IAsyncEnumerable<InvokeStreamEvent> Break()
        {
            yield return Piece($$"""{"Tag":"{{Tags[0]}}","Data":"first"}""");
            await Task.Yield();
            throw new AwsServiceException(AwsFailure.ConnectionFailed, "the response ended before InvokeComplete", null, default, null, null);
        }
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public async Task Invokes_for_one_tenant_at_a_time(bool streams, bool isEvent)
    {
        var outcome = await DeliverAsync(
            definition => ForTenants(definition) with { UseResponseStreaming = streams, UseAsyncInvoke = isEvent }, "A1", "B2", "A3", "C4", "B5");

        Assert.Equal((DeliveryResult.Delivered, null, 0), (outcome.Result, outcome.Problem, outcome.FailedPackets));
        Assert.Equal(
            ["A: A1 A3", "B: B2 B5", "C: C4"],
            _lambda.Tenants.Zip(_lambda.Batches, (tenant, batch) => $"{tenant}: {string.Join(' ', batch.Select(packet => packet!["Data"]!.GetValue<string>()))}").Order(StringComparer.Ordinal));
        if (!isEvent)
            Assert.Equal(["0=A1", "1=B2", "2=A3", "3=C4", "4=B5"], _replies.Replies.Select(reply => $"{reply.PacketIndex}={reply.Data}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Invokes_for_the_declared_tenant()
    {
        await DeliverAsync(definition => definition with { Arguments = new DestinationArguments { Lambda = new LambdaArguments { TenantId = "tenant a" } } }, "a", "b");

        Assert.Equal(["tenant a"], _lambda.Tenants);
    }

    [Fact]
    public async Task Drops_packets_that_name_no_tenant_and_delivers_the_others()
    {
        var outcome = await DeliverAsync(ForTenants, "A1", "", "é", "A2");

        Assert.Equal((DeliveryResult.Failed, 2), (outcome.Result, outcome.FailedPackets));
        Assert.Equal([1, 2], outcome.Failed!.Select(failed => failed.Packet));
        Assert.Contains("TenantIdExpression yields nothing", outcome.Problem, StringComparison.Ordinal);
        Assert.Equal(["0=A1", "3=A2"], _replies.Replies.Select(reply => $"{reply.PacketIndex}={reply.Data}"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Lets_no_tenant_answer_the_packets_of_another(bool streams)
    {
        _lambda.Handler = messages => Task.FromResult(RecordingLambda.Reply(Tags.Take(2).Select(tag => (tag, messages[0]!["Data"]!.GetValue<string>()))));

        await DeliverAsync(definition => ForTenants(definition) with { UseResponseStreaming = streams }, "A1", "B2");

        Assert.Equal(["0=A1", "1=B2"], _replies.Replies.Select(reply => $"{reply.PacketIndex}={reply.Data}").Order(StringComparer.Ordinal));
        Assert.Equal(2, _replies.UnknownTags);
    }

    [Fact]
    public async Task Delivers_to_the_other_tenants_when_the_function_fails_for_one()
    {
        _lambda.Handler = messages => Task.FromResult(messages[0]!["Data"]!.GetValue<string>().StartsWith('A')
            ? new InvokeResponse(200, "Unhandled", "{}"u8.ToArray())
            : RecordingLambda.Echo(messages));

        var outcome = await DeliverAsync(ForTenants, "A1", "B2", "A3");

        Assert.Equal((DeliveryResult.FunctionError, 2), (outcome.Result, outcome.FailedPackets));
        Assert.Equal([0, 2], outcome.Failed!.Select(failed => failed.Packet));
        Assert.Equal([new Reply(1, "B2")], _replies.Replies);
    }

    private static DestinationDefinition Streaming(DestinationDefinition definition) => definition with { UseResponseStreaming = true };

    private static DestinationDefinition ForTenants(DestinationDefinition definition) => definition with
    {
        Arguments = new DestinationArguments { Lambda = new LambdaArguments { TenantIdExpression = new KeyExpression("[0]", PayloadFormatter.Utf8) } },
    };

    private Task<DeliveryOutcome> DeliverAsync(Func<DestinationDefinition, DestinationDefinition> change, params string[] payloads) => DestinationUnderTest
        .Create(
            "arn:aws:lambda:us-west-2:123456789012:function:echo",
            new DestinationArguments(),
            _ => throw new InvalidOperationException("The function is in process."),
            change: change,
            replies: _replies,
            lambda: _lambda)
        .DeliverAsync(DestinationUnderTest.Batch(payloads), CancellationToken.None);

    private static InvokeStreamEvent Piece(string text) => new(Encoding.UTF8.GetBytes(text));

    private static async IAsyncEnumerable<InvokeStreamEvent> Yield(params InvokeStreamEvent[] events)
    {
        foreach (var next in events)
        {
            await Task.Yield();
            yield return next;
        }
    }

    private static string Tag(int index)
    {
        Span<byte> tag = stackalloc byte[PacketTag.MaxLength];
        return Encoding.ASCII.GetString(PacketTag.Write(0xabc, index, tag));
    }
}
