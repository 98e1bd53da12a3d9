using System.Text;
using Amazon.Runtime.EventStreams;
using Microsoft.AspNetCore.Http;

namespace UdpGateway.Aws.Tests;

public sealed class LambdaStreamTests
{
    private const string FunctionArn = "arn:aws:lambda:us-west-2:123456789012:function:echo:live";

    private static readonly byte[] Payload = "{\"Messages\":[]}"u8.ToArray();

    private static TimeSpan Deadline => TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Yields_each_piece_before_the_next_is_written()
    {
        using var next = new SemaphoreSlim(0);
        await using var stub = await StartAsync(async context =>
        {
            await SendAsync(context, Message("PayloadChunk", "first"));
            await next.WaitAsync(Deadline);
            // Two messages in one piece of the network, and one in two.
            await SendAsync(context, [.. Message("PayloadChunk", "second"), .. Message("SomethingNew", "?"), .. Message("PayloadChunk", "third")[..20]]);
            await SendAsync(context, Message("PayloadChunk", "third")[20..]);
            await SendAsync(context, Message("InvokeComplete", "{}"));
        });
        using var lambda = Client(stub);
        var texts = new List<string>();

        await foreach (var piece in lambda.InvokeWithResponseStreamAsync(Request("tenant a"), CancellationToken.None))
        {
            if (texts.Count == 0)
                next.Release();
            texts.Add(piece.IsComplete ? "complete" : Encoding.UTF8.GetString(piece.Payload.Span));
            Assert.Null(piece.ErrorCode);
        }

        Assert.Equal(["first", "second", "third", "complete"], texts);
        var request = Assert.Single(stub.Requests);
        Assert.Equal(
            ("POST", "/2021-11-15/functions/arn%3Aaws%3Alambda%3Aus-west-2%3A123456789012%3Afunction%3Aecho%3Alive/response-streaming-invocations"),
            (request.Method, request.RawTarget));
        Assert.Equal(Payload, request.Body);
        Assert.Equal(("RequestResponse", "tenant a"), (request.Headers["X-Amz-Invocation-Type"], request.Headers["X-Amz-Tenant-Id"]));
        Assert.Equal(
            SignatureVersion4.Authorization(request, "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", TestEnvironment.Region, "lambda"),
            request.Headers["Authorization"]);
    }

    [Fact]
    public async Task Tells_at_the_end_why_the_function_failed()
    {
        await using var stub = await StartAsync(async context =>
        {
            await SendAsync(context, Message("PayloadChunk", "half"));
            await SendAsync(context, Message("InvokeComplete", """{"ErrorCode":"Unhandled","ErrorDetails":"{\"errorType\":\"RangeError\"}","LogResult":null}"""));
        });
        using var lambda = Client(stub);

        var pieces = await ReadAsync(lambda);

        Assert.Equal(("Unhandled", "{\"errorType\":\"RangeError\"}", true), (pieces[^1].ErrorCode, pieces[^1].ErrorDetails, pieces[^1].IsComplete));
        Assert.Equal(2, pieces.Count);
    }

    public static TheoryData<string, AwsFailure> BrokenEnds => new()
    {
        { "ends", AwsFailure.ConnectionFailed },
        { "ends within a message", AwsFailure.ConnectionFailed },
        { "is cut", AwsFailure.ConnectionFailed },
        { "has a wrong checksum", AwsFailure.ServiceFault },
        { "has a length beyond all limits", AwsFailure.ServiceFault },
        { "has a negative length", AwsFailure.ServiceFault },
        { "carries the service's own error", AwsFailure.ServiceFault },
        { "hangs", AwsFailure.TimedOut },
    };

    [Theory]
    [MemberData(nameof(BrokenEnds))]
    public async Task Fails_after_one_attempt_when_the_stream(string end, AwsFailure expected)
    {
        using var first = new SemaphoreSlim(0);
        await using var stub = await StartAsync(async context =>
        {
            await SendAsync(context, Message("PayloadChunk", "first"));
            await first.WaitAsync(Deadline);
            var next = Message("PayloadChunk", "second");
            switch (end)
            {
                case "ends within a message":
                    await SendAsync(context, next[..^3]);
                    break;
                case "is cut":
                    context.Abort();
                    break;
                case "has a wrong checksum":
                    next[^6] ^= 1;
                    await SendAsync(context, next);
                    break;
                case "has a length beyond all limits":
                    await SendAsync(context, [0x7F, 0, 0, 0, .. next[4..]]);
                    break;
                case "has a negative length":
                    await SendAsync(context, [0xFF, 0, 0, 0, .. next[4..]]);
                    break;
                case "carries the service's own error":
                    await SendAsync(context, Message("", "{\"Message\":\"no\"}", (":message-type", "exception"), (":exception-type", "ServiceException")));
                    break;
                case "hangs":
                    await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
                    break;
            }
        });
        using var lambda = Client(stub, end == "hangs" ? TimeSpan.FromSeconds(1) : null);
        var texts = new List<string>();

        var failure = await Assert.ThrowsAsync<AwsServiceException>(async () =>
        {
            await foreach (var piece in lambda.InvokeWithResponseStreamAsync(Request(), CancellationToken.None))
            {
                texts.Add(Encoding.UTF8.GetString(piece.Payload.Span));
                first.Release();
            }
        });

        Assert.Equal(expected, failure.Failure);
        Assert.Equal(["first"], texts);
        Assert.Single(stub.Requests);
    }

    [Fact]
    public async Task Repeats_only_what_was_throttled()
    {
        await using var stub = await StubService.StartAsync((context, number) => number == 1
            ? StubService.AnswerAsync(context, 429, "{}", ("x-amzn-ErrorType", "TooManyRequestsException"))
            : StubService.AnswerAsync(context, 403, "{\"Message\":\"no\"}", ("x-amzn-ErrorType", "AccessDeniedException")));
        using var lambda = Client(stub);

        var failure = await Assert.ThrowsAsync<AwsServiceException>(() => ReadAsync(lambda));

        Assert.Equal((AwsFailure.Refused, "AccessDeniedException"), (failure.Failure, failure.ErrorCode));
        Assert.Equal(2, stub.Requests.Count);
    }

    [Fact]
    public async Task Serves_the_next_call_after_a_cancellation_within_the_stream()
    {
        await using var stub = await StubService.StartAsync(async (context, number) =>
        {
            Begin(context);
            await SendAsync(context, Message("PayloadChunk", $"{number}"));
            if (number % 2 == 0)
                await SendAsync(context, Message("InvokeComplete", "{}"));
            else
                await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
        });
        using var lambda = Client(stub);

        for (var round = 1; round <= 5; round++)
        {
            using var cancellation = new CancellationTokenSource();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
            {
                await foreach (var _ in lambda.InvokeWithResponseStreamAsync(Request(), cancellation.Token))
                    await cancellation.CancelAsync();
            });

            Assert.Equal($"{2 * round}", Encoding.UTF8.GetString((await ReadAsync(lambda))[0].Payload.Span));
        }
    }

    [Fact]
    public async Task Records_the_payload_where_there_is_no_service()
    {
        var recorder = new Lines();
        using var lambda = new LambdaClient(new AwsConnection(recorder, TestEnvironment.Region));

        var end = Assert.Single(await ReadAsync(lambda));

        Assert.Equal((true, null), (end.IsComplete, end.ErrorCode));
        Assert.Equal(Payload, Assert.Single(recorder.Payloads));
    }

    [Fact]
    public async Task Refuses_to_stream_an_event()
    {
        await using var stub = await StartAsync(_ => Task.CompletedTask);
        using var lambda = Client(stub);

        await Assert.ThrowsAsync<ArgumentException>(async () =>
            await lambda.InvokeWithResponseStreamAsync(Request() with { InvocationType = InvocationType.Event }, CancellationToken.None).GetAsyncEnumerator().MoveNextAsync());

        Assert.Empty(stub.Requests);
    }

    private static InvokeRequest Request(string? tenant = null) => new(FunctionArn, InvocationType.RequestResponse, Payload, tenant);

    private static LambdaClient Client(StubService stub, TimeSpan? timeout = null) => new(TestEnvironment.Credentials, TestEnvironment.Region, stub.Url, timeout ?? Deadline);

    private static async Task<List<InvokeStreamEvent>> ReadAsync(LambdaClient lambda)
    {
        var pieces = new List<InvokeStreamEvent>();
        using var deadline = new CancellationTokenSource(Deadline);
        await foreach (var piece in lambda.InvokeWithResponseStreamAsync(Request(), deadline.Token))
            pieces.Add(piece);
        return pieces;
    }

    private static Task<StubService> StartAsync(Func<HttpContext, Task> write) => StubService.StartAsync((context, _) =>
    {
        Begin(context);
        return write(context);
    });

    private static void Begin(HttpContext context) => context.Response.ContentType = "application/vnd.amazon.eventstream";

    private static async Task SendAsync(HttpContext context, byte[] bytes)
    {
        await context.Response.Body.WriteAsync(bytes);
        await context.Response.Body.FlushAsync();
    }

    private static byte[] Message(string type, string payload, params (string Name, string Value)[] headers)
    {
        if (headers.Length == 0)
            headers = [(":message-type", "event"), (":event-type", type)];
        return new EventStreamMessage([.. headers.Select(Header)], Encoding.UTF8.GetBytes(payload)).ToByteArray();

        static IEventStreamHeader Header((string Name, string Value) header)
        {
            var made = new EventStreamHeader(header.Name);
            made.SetString(header.Value);
            return made;
        }
    }

    private sealed class Lines : IPayloadRecorder
    {
        public List<byte[]> Payloads { get; } = [];

        public void Record(ReadOnlySpan<byte> payload) => Payloads.Add(payload.ToArray());
    }
}
