using System.Net;
using System.Text;
using Amazon.Runtime;
using Microsoft.AspNetCore.Http;

namespace UdpGateway.Aws.Tests;

public sealed class LambdaClientTests
{
    private const string FunctionArn = "arn:aws:lambda:us-west-2:123456789012:function:echo:live";

    private static readonly byte[] Payload = "{\"Messages\":[]}"u8.ToArray();

    [Fact]
    public async Task Sends_an_invocation_as_the_api_reference_says()
    {
        await using var stub = await StubService.StartAsync((context, _) => StubService.AnswerAsync(context, 200, "{\"Replies\":[]}"));
        using var lambda = Client(stub);

        var response = await lambda.InvokeAsync(new InvokeRequest(FunctionArn, InvocationType.RequestResponse, Payload), CancellationToken.None);

        var request = Assert.Single(stub.Requests);
        Assert.Equal("POST", request.Method);
        Assert.Equal("/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-west-2%3A123456789012%3Afunction%3Aecho%3Alive/invocations", request.RawTarget);
        Assert.Equal("RequestResponse", request.Headers["X-Amz-Invocation-Type"]);
        Assert.Equal("application/json", request.Headers["Content-Type"]);
        Assert.Equal(Payload.Length.ToString(), request.Headers["Content-Length"]);
        Assert.Matches("^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/[0-9]{8}/us-west-2/lambda/aws4_request, ", request.Headers["Authorization"]);
        Assert.False(request.Headers.ContainsKey("X-Amz-Log-Type"));
        Assert.False(request.Headers.ContainsKey("X-Amz-Tenant-Id"));
        Assert.Equal(Payload, request.Body);
        Assert.Equal((200, null, "{\"Replies\":[]}"), (response.StatusCode, response.FunctionError, Encoding.UTF8.GetString(response.Payload.Span)));
    }

    [Fact]
    public async Task Signs_the_encoded_path_and_the_session_token()
    {
        await using var stub = await StubService.StartAsync((context, _) => StubService.AnswerAsync(context, 200, "1"));
        using var lambda = new LambdaClient(new SessionAWSCredentials("ASIAEXAMPLE", "secret/key+", "session/token=="), TestEnvironment.Region, stub.Url);

        await lambda.InvokeAsync(new InvokeRequest(FunctionArn, InvocationType.RequestResponse, Payload), CancellationToken.None);

        var request = Assert.Single(stub.Requests);
        Assert.Equal("session/token==", request.Headers["X-Amz-Security-Token"]);
        Assert.Contains("x-amz-security-token", request.Headers["Authorization"], StringComparison.Ordinal);
        Assert.Equal(SignatureVersion4.Authorization(request, "ASIAEXAMPLE", "secret/key+", TestEnvironment.Region, "lambda"), request.Headers["Authorization"]);
    }

    [Theory]
    [InlineData("echo", "echo")]
    [InlineData("echo:$LATEST", "echo%3A%24LATEST")]
    [InlineData("123456789012:function:echo:7", "123456789012%3Afunction%3Aecho%3A7")]
    [InlineData("arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:echo", "arn%3Aaws-us-gov%3Alambda%3Aus-gov-west-1%3A123456789012%3Afunction%3Aecho")]
    public async Task Encodes_every_form_of_a_function_name(string functionName, string segment)
    {
        await using var stub = await StubService.StartAsync((context, _) => StubService.AnswerAsync(context, 200, "null"));
        using var lambda = Client(stub);

        await lambda.InvokeAsync(new InvokeRequest(functionName, InvocationType.RequestResponse, Payload), CancellationToken.None);

        Assert.Equal($"/2015-03-31/functions/{segment}/invocations", Assert.Single(stub.Requests).RawTarget);
    }

    [Theory]
    [InlineData("")]
    [InlineData("..")]
    [InlineData("a/b")]
    [InlineData("echo?x=1")]
    [InlineData("arn:aws:sqs:us-west-2:123456789012:queue")]
    [InlineData("arn:aws:lambda:us-west-2:123456789012:function:..")]
    [InlineData("arn:aws:lambda:nowhere:123456789012:function:echo")]
    public async Task Refuses_what_is_no_function_before_anything_is_sent(string functionName)
    {
        await using var stub = await StubService.StartAsync((context, _) => StubService.AnswerAsync(context, 200, "null"));
        using var lambda = Client(stub);

        await Assert.ThrowsAsync<ArgumentException>(() =>
            lambda.InvokeAsync(new InvokeRequest(functionName, InvocationType.RequestResponse, Payload), CancellationToken.None));

        Assert.Empty(stub.Requests);
    }

    [Fact]
    public async Task Queues_an_event_for_a_tenant()
    {
        await using var stub = await StubService.StartAsync((context, _) => StubService.AnswerAsync(context, 202));
        using var lambda = Client(stub);

        var response = await lambda.InvokeAsync(new InvokeRequest(FunctionArn, InvocationType.Event, Payload, "tenant a+b/1"), CancellationToken.None);

        var request = Assert.Single(stub.Requests);
        Assert.Equal("Event", request.Headers["X-Amz-Invocation-Type"]);
        Assert.Equal("tenant a+b/1", request.Headers["X-Amz-Tenant-Id"]);
        Assert.Equal((202, null, 0), (response.StatusCode, response.FunctionError, response.Payload.Length));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a\r\nX-Injected: 1")]
    [InlineData("é")]
    public async Task Refuses_a_tenant_id_that_is_no_header_value(string tenantId)
    {
        await using var stub = await StubService.StartAsync((context, _) => StubService.AnswerAsync(context, 200, "null"));
        using var lambda = Client(stub);

        await Assert.ThrowsAsync<ArgumentException>(() =>
            lambda.InvokeAsync(new InvokeRequest(FunctionArn, InvocationType.Event, Payload, tenantId), CancellationToken.None));

        Assert.Empty(stub.Requests);
    }

    [Fact]
    public async Task Returns_the_error_of_a_function_that_failed()
    {
        const string Error = "{\"errorMessage\":\"boom\",\"errorType\":\"InvalidOperationException\"}";
        await using var stub = await StubService.StartAsync((context, _) =>
            StubService.AnswerAsync(context, 200, Error, ("X-Amz-Function-Error", "Unhandled")));
        using var lambda = Client(stub);

        var response = await lambda.InvokeAsync(new InvokeRequest("echo", InvocationType.RequestResponse, Payload), CancellationToken.None);

        Assert.Equal((200, "Unhandled", Error), (response.StatusCode, response.FunctionError, Encoding.UTF8.GetString(response.Payload.Span)));
    }

    [Fact]
    public async Task Sends_a_part_of_a_larger_buffer_and_returns_bytes_that_are_no_text()
    {
        var buffer = Enumerable.Range(0, 300_000).Select(i => (byte)(i * 7)).ToArray();
        await using var stub = await StubService.StartAsync(async (context, _) => await context.Response.Body.WriteAsync(buffer));
        using var lambda = Client(stub);

        var response = await lambda.InvokeAsync(
            new InvokeRequest("echo", InvocationType.RequestResponse, buffer.AsMemory(1000, 200_000)), CancellationToken.None);

        Assert.Equal(buffer[1000..201_000], Assert.Single(stub.Requests).Body);
        Assert.Equal(buffer, response.Payload.ToArray());
    }

    [Fact]
    public async Task Repeats_a_throttled_call_with_the_same_body()
    {
        await using var stub = await StubService.StartAsync((context, number) => number == 1
            ? StubService.AnswerAsync(context, 429, "{\"Reason\":\"ConcurrentInvocationLimitExceeded\"}", ("x-amzn-ErrorType", "TooManyRequestsException"))
            : StubService.AnswerAsync(context, 200, "1"));
        using var lambda = Client(stub);

        var response = await lambda.InvokeAsync(new InvokeRequest("echo", InvocationType.RequestResponse, Payload), CancellationToken.None);

        Assert.Equal(200, response.StatusCode);
        Assert.Equal(2, stub.Requests.Count);
        Assert.All(stub.Requests, request => Assert.Equal(Payload, request.Body));
    }

    [Fact]
    public async Task Gives_up_on_lasting_throttling_even_without_an_error_code()
    {
        await using var stub = await StubService.StartAsync((context, _) => StubService.AnswerAsync(context, 429));
        using var lambda = Client(stub);

        var failure = await FailAsync(lambda);

        Assert.Equal((AwsFailure.Throttled, HttpStatusCode.TooManyRequests, null), (failure.Failure, failure.StatusCode, failure.ErrorCode));
        Assert.Equal(3, stub.Requests.Count);
    }

    [Theory]
    [InlineData(400, "InvalidRequestContentException", AwsFailure.Refused)]
    [InlineData(403, "AccessDeniedException", AwsFailure.Refused)]
    [InlineData(404, "ResourceNotFoundException", AwsFailure.Refused)]
    [InlineData(413, "RequestTooLargeException", AwsFailure.Refused)]
    [InlineData(500, "ServiceException", AwsFailure.ServiceFault)]
    [InlineData(502, "EFSIOException", AwsFailure.ServiceFault)]
    public async Task Reports_code_and_message_of_an_error_after_one_attempt(int status, string code, AwsFailure expected)
    {
        await using var stub = await StubService.StartAsync((context, _) => StubService.AnswerAsync(
            context, status, "{\"Type\":\"x\",\"Message\":\"what went wrong\"}", ("x-amzn-ErrorType", code), ("x-amzn-RequestId", "request-1")));
        using var lambda = Client(stub);

        var failure = await FailAsync(lambda);

        Assert.Equal((expected, code, (HttpStatusCode)status, "request-1"), (failure.Failure, failure.ErrorCode, failure.StatusCode, failure.RequestId));
        Assert.Contains("what went wrong", failure.Message, StringComparison.Ordinal);
        Assert.Single(stub.Requests);
    }

    [Theory]
    [InlineData(301, "")]
    [InlineData(500, "not JSON")]
    [InlineData(502, "<html><body>Bad Gateway</body></html>")]
    [InlineData(503, "")]
    public async Task Reports_an_answer_that_is_none_of_the_service_after_one_attempt(int status, string body)
    {
        await using var stub = await StubService.StartAsync((context, _) =>
            StubService.AnswerAsync(context, status, body, ("Location", "http://127.0.0.1:1/")));
        using var lambda = Client(stub);

        var failure = await FailAsync(lambda);

        Assert.Equal((AwsFailure.ServiceFault, (HttpStatusCode)status), (failure.Failure, failure.StatusCode));
        Assert.Single(stub.Requests);
    }

    [Fact]
    public async Task Keeps_the_canonical_request_with_its_session_token_out_of_messages()
    {
        await using var stub = await StubService.StartAsync((context, _) => StubService.AnswerAsync(
            context, 403, "{\"message\":\"The Canonical String should have been x-amz-security-token:TOKEN\"}", ("x-amzn-ErrorType", "InvalidSignatureException")));
        using var lambda = Client(stub);

        var failure = await FailAsync(lambda);

        Assert.Equal("InvalidSignatureException", failure.ErrorCode);
        Assert.DoesNotContain("TOKEN", failure.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Never_repeats_a_call_whose_connection_broke(bool emptyPayload)
    {
        await using var stub = await StubService.StartAsync((context, number) =>
        {
            if (number == 1)
                return StubService.AnswerAsync(context, 200, "1");
            context.Abort();
            return Task.CompletedTask;
        });
        using var lambda = Client(stub);
        await lambda.InvokeAsync(new InvokeRequest("echo", InvocationType.RequestResponse, Payload), CancellationToken.None);

        var failure = await FailAsync(lambda, emptyPayload ? [] : Payload);

        Assert.Equal(AwsFailure.ConnectionFailed, failure.Failure);
        Assert.Equal(2, stub.Requests.Count);
        // Only a connection that was used before counts as stale, which is when clients are tempted to repeat.
        Assert.Equal(stub.Requests[0].ConnectionId, stub.Requests[1].ConnectionId);
    }

    [Fact]
    public async Task Never_repeats_a_call_whose_answer_was_cut()
    {
        await using var stub = await StubService.StartAsync(async (context, _) =>
        {
            context.Response.ContentLength = 100;
            await context.Response.WriteAsync("{\"Replies\":");
            await context.Response.Body.FlushAsync();
            context.Abort();
        });
        using var lambda = Client(stub);

        var failure = await FailAsync(lambda);

        Assert.Equal(AwsFailure.ConnectionFailed, failure.Failure);
        Assert.Single(stub.Requests);
    }

    [Fact]
    public async Task Fails_at_once_where_nothing_listens()
    {
        Uri unused;
        await using (var stub = await StubService.StartAsync((context, _) => StubService.AnswerAsync(context, 200)))
            unused = stub.Url;
        using var lambda = new LambdaClient(TestEnvironment.Credentials, TestEnvironment.Region, unused);

        var failure = await FailAsync(lambda);

        Assert.Equal(AwsFailure.ConnectionFailed, failure.Failure);
    }

    [Fact]
    public async Task Refuses_an_answer_larger_than_any_lambda_gives()
    {
        await using var stub = await StubService.StartAsync(async (context, _) =>
            await context.Response.Body.WriteAsync(new byte[AwsHttpClientFactory.MaxResponseBytes + 1], context.RequestAborted));
        using var lambda = Client(stub);

        var failure = await FailAsync(lambda);

        Assert.Equal(AwsFailure.ServiceFault, failure.Failure);
        Assert.Single(stub.Requests);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Applies_the_timeout_before_and_within_the_body(bool startsBody)
    {
        await using var stub = await StubService.StartAsync((context, _) => HangAsync(context, startsBody));
        using var lambda = Client(stub, TimeSpan.FromMilliseconds(300));

        var failure = await FailAsync(lambda);

        Assert.Equal(AwsFailure.TimedOut, failure.Failure);
        Assert.Single(stub.Requests);
    }

    [Fact]
    public async Task Serves_the_next_call_after_a_cancellation_within_the_body()
    {
        var started = new SemaphoreSlim(0);
        await using var stub = await StubService.StartAsync(async (context, number) =>
        {
            if (number % 2 == 0)
            {
                await StubService.AnswerAsync(context, 200, number.ToString());
                return;
            }

            await context.Response.WriteAsync("{\"Replies\":");
            await context.Response.Body.FlushAsync();
            started.Release();
            await WaitUntilGoneAsync(context);
        });
        using var lambda = Client(stub);

        for (var round = 1; round <= 5; round++)
        {
            using var cancellation = new CancellationTokenSource();
            var cancelled = lambda.InvokeAsync(new InvokeRequest("echo", InvocationType.RequestResponse, Payload), cancellation.Token);
            await started.WaitAsync(Deadline);
            await cancellation.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled.WaitAsync(Deadline));

            var response = await lambda.InvokeAsync(new InvokeRequest("echo", InvocationType.RequestResponse, Payload), CancellationToken.None).WaitAsync(Deadline);

            Assert.Equal((2 * round).ToString(), Encoding.UTF8.GetString(response.Payload.Span));
        }
    }

    [Fact]
    public async Task Leaves_the_connection_to_the_next_client_when_disposed()
    {
        await using var stub = await StubService.StartAsync((context, _) => StubService.AnswerAsync(context, 200, "1"));

        for (var i = 0; i < 2; i++)
        {
            using var lambda = Client(stub);
            await lambda.InvokeAsync(new InvokeRequest("echo", InvocationType.RequestResponse, Payload), CancellationToken.None);
        }

        Assert.Equal(stub.Requests[0].ConnectionId, stub.Requests[1].ConnectionId);
    }

    private static TimeSpan Deadline => TimeSpan.FromSeconds(30);

    private static LambdaClient Client(StubService stub, TimeSpan? timeout = null) =>
        new(TestEnvironment.Credentials, TestEnvironment.Region, stub.Url, timeout ?? Deadline);

    private static Task<AwsServiceException> FailAsync(LambdaClient lambda, byte[]? payload = null) => Assert.ThrowsAsync<AwsServiceException>(() =>
        lambda.InvokeAsync(new InvokeRequest("echo", InvocationType.RequestResponse, payload ?? Payload), CancellationToken.None).WaitAsync(Deadline));

    private static async Task HangAsync(HttpContext context, bool startsBody)
    {
        if (startsBody)
        {
            await context.Response.WriteAsync("{\"Replies\":");
            await context.Response.Body.FlushAsync();
        }

        await WaitUntilGoneAsync(context);
    }

    private static async Task WaitUntilGoneAsync(HttpContext context)
    {
        var gone = new TaskCompletionSource();
        await using var registration = context.RequestAborted.Register(gone.SetResult);
        await gone.Task;
    }
}
