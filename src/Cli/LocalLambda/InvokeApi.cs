using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace UdpGateway.Cli.LocalLambda;

/// <summary>
/// Lambda's Invoke and InvokeWithResponseStream (https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html). Signatures are not
/// checked: whoever reaches the loopback interface may call.
/// </summary>
internal sealed class InvokeApi(LocalLambdaOptions options, IReadOnlyDictionary<string, FunctionPool> functions, EventInvocations events)
{
    // Between the function and its caller: enough to keep both busy.
    private const int ChunksInFlight = 16;

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/2015-03-31/functions/{function}/invocations", InvokeAsync);
        routes.MapPost("/2021-11-15/functions/{function}/response-streaming-invocations", InvokeWithResponseStreamAsync);
    }

    private async Task InvokeAsync(HttpContext context)
    {
        var type = InvocationTypeOf(context.Request);
        if (type is not ("RequestResponse" or "Event" or "DryRun"))
        {
            await FailAsync(context, 400, "InvalidParameterValueException", $"X-Amz-Invocation-Type is '{type}'; RequestResponse, Event and DryRun exist.");
            return;
        }

        var limit = type == "Event" ? InvokeLimits.MaximumEventPayload : InvokeLimits.MaximumPayload;
        if (await AcceptAsync(context, limit, streaming: false) is not var (pool, invocation)) return;

        switch (type)
        {
            case "DryRun":
                context.Response.StatusCode = StatusCodes.Status204NoContent;
                break;
            case "Event" when events.TryAccept(pool, invocation):
                context.Response.StatusCode = StatusCodes.Status202Accepted;
                break;
            case "RequestResponse" when pool.TryInvoke(invocation):
                await AnswerAsync(context, await invocation.Completion);
                break;
            default:
                await ThrottleAsync(context);
                break;
        }
    }

    private async Task InvokeWithResponseStreamAsync(HttpContext context)
    {
        var type = InvocationTypeOf(context.Request);
        if (type is not ("RequestResponse" or "DryRun"))
        {
            await FailAsync(context, 400, "InvalidParameterValueException", $"X-Amz-Invocation-Type is '{type}'; RequestResponse and DryRun exist here.");
            return;
        }

        if (await AcceptAsync(context, InvokeLimits.MaximumPayload, streaming: true) is not var (pool, invocation)) return;
        if (type == "DryRun")
        {
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }

        if (!pool.TryInvoke(invocation))
        {
            await ThrottleAsync(context);
            return;
        }

        context.Response.ContentType = "application/vnd.amazon.eventstream";
        context.Response.Headers["X-Amz-Executed-Version"] = "$LATEST";
        await context.Response.StartAsync();
        await foreach (var chunk in invocation.Chunks!.Reader.ReadAllAsync(CancellationToken.None))
        {
            // A caller that has gone does not stop the function: the rest is read and dropped.
            if (context.RequestAborted.IsCancellationRequested) continue;
            await context.Response.BodyWriter.WriteAsync(EventStream.Encode("PayloadChunk", "application/octet-stream", chunk.Span));
        }

        var result = await invocation.Completion;
        if (context.RequestAborted.IsCancellationRequested) return;
        await context.Response.BodyWriter.WriteAsync(EventStream.Encode("InvokeComplete", "application/json", InvokeComplete(result)));
    }

    /// <summary>Finds the function and reads the payload; answers the request and returns null when either is not right.</summary>
    private async Task<(FunctionPool Pool, Invocation Invocation)?> AcceptAsync(HttpContext context, int limit, bool streaming)
    {
        var requestId = Guid.NewGuid().ToString();
        context.Response.Headers["x-amzn-RequestId"] = requestId;

        var named = (string)context.Request.RouteValues["function"]!;
        if (FunctionReference.Parse(named) is not { } reference)
        {
            await FailAsync(context, 400, "ValidationException", $"'{named}' is not the name or ARN of a function.");
            return null;
        }

        if ((reference.Region ?? options.Region) != options.Region || (reference.AccountId ?? options.AccountId) != options.AccountId
            || !functions.TryGetValue(reference.Name, out var pool))
        {
            var arn = $"arn:aws:lambda:{reference.Region ?? options.Region}:{reference.AccountId ?? options.AccountId}:function:{reference.Name}";
            await FailAsync(context, 404, "ResourceNotFoundException", $"Function not found: {arn}");
            return null;
        }

        if (await RequestBody.ReadAsync(context.Request, limit, context.RequestAborted) is not { } payload)
        {
            await FailAsync(context, 413, "RequestTooLargeException", $"Request must be smaller than {limit} bytes for the InvokeFunction operation");
            return null;
        }

        if (payload.Length == 0) payload = "{}"u8.ToArray();
        if (!IsJson(payload))
        {
            await FailAsync(context, 400, "InvalidRequestContentException", "Could not parse request body into json.");
            return null;
        }

        if (!TryReadClientContext(context.Request, out var clientContext))
        {
            await FailAsync(context, 400, "InvalidRequestContentException", "Client context must be a valid Base64-encoded JSON object.");
            return null;
        }

        var qualifier = reference.Qualifier ?? (context.Request.Query["Qualifier"].ToString() is { Length: > 0 } query ? query : null);
        return (pool, new Invocation(payload, requestId, qualifier is null ? pool.FunctionArn : $"{pool.FunctionArn}:{qualifier}")
        {
            TenantId = context.Request.Headers["X-Amz-Tenant-Id"].ToString() is { Length: > 0 } tenant ? tenant : null,
            ClientContext = clientContext,
            Chunks = streaming ? Channel.CreateBounded<ReadOnlyMemory<byte>>(new BoundedChannelOptions(ChunksInFlight) { SingleReader = true }) : null,
        });
    }

    private static string InvocationTypeOf(HttpRequest request) =>
        request.Headers["X-Amz-Invocation-Type"].ToString() is { Length: > 0 } type ? type : "RequestResponse";

    private static bool IsJson(ReadOnlySpan<byte> payload)
    {
        var reader = new Utf8JsonReader(payload, new JsonReaderOptions { MaxDepth = 1000 });
        try
        {
            while (reader.Read())
            {
                // Reading is the check.
            }

            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static bool TryReadClientContext(HttpRequest request, out string? clientContext)
    {
        clientContext = null;
        var header = request.Headers["X-Amz-Client-Context"].ToString();
        if (header.Length == 0) return true;
        var buffer = new byte[header.Length];
        if (!Convert.TryFromBase64String(header, buffer, out var length) || !IsJson(buffer.AsSpan(0, length))) return false;
        // It goes on as a header, where line ends cannot.
        clientContext = Encoding.UTF8.GetString(buffer, 0, length).ReplaceLineEndings(" ");
        return true;
    }

    private static async Task AnswerAsync(HttpContext context, InvocationResult result)
    {
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = result.Payload.Length;
        context.Response.Headers["X-Amz-Executed-Version"] = "$LATEST";
        if (result.IsError) context.Response.Headers["X-Amz-Function-Error"] = "Unhandled";
        await context.Response.BodyWriter.WriteAsync(result.Payload);
    }

    private static byte[] InvokeComplete(InvocationResult result) => result.IsError
        ? JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["ErrorCode"] = "Unhandled",
            ["ErrorDetails"] = Encoding.UTF8.GetString(result.Payload.Span),
        })
        : "{}"u8.ToArray();

    private static Task ThrottleAsync(HttpContext context)
    {
        context.Response.Headers.RetryAfter = "1";
        return FailAsync(context, 429, "TooManyRequestsException", """{"Reason":"ConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}"""u8.ToArray());
    }

    private static Task FailAsync(HttpContext context, int status, string type, string message) =>
        FailAsync(context, status, type, LambdaErrors.ServiceError("User", message));

    private static async Task FailAsync(HttpContext context, int status, string type, byte[] body)
    {
        context.Response.StatusCode = status;
        context.Response.Headers["X-Amzn-ErrorType"] = type;
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = body.Length;
        await context.Response.BodyWriter.WriteAsync(body);
    }
}
