using System.Buffers;
using System.Text;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace UdpGateway.Cli.LocalLambda;

/// <summary>
/// What the process of a function talks to, one path per process (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html).
/// </summary>
internal sealed class RuntimeApi(ExecutionEnvironments environments)
{
    private const string Root = "/{environment}/2018-06-01/runtime";

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet(Root + "/invocation/next", context => WithEnvironmentAsync(context, NextAsync));
        routes.MapPost(Root + "/invocation/{requestId}/response", context => WithEnvironmentAsync(context, ResponseAsync));
        routes.MapPost(Root + "/invocation/{requestId}/error", context => WithEnvironmentAsync(context, ErrorAsync));
        routes.MapPost(Root + "/init/error", context => WithEnvironmentAsync(context, InitErrorAsync));
    }

    private Task WithEnvironmentAsync(HttpContext context, Func<HttpContext, ExecutionEnvironment, Task> handle)
    {
        var token = (string)context.Request.RouteValues["environment"]!;
        return environments.TryFind(token, out var environment)
            ? handle(context, environment)
            : AnswerAsync(context, StatusCodes.Status403Forbidden, "InvalidEnvironment", "No such execution environment.");
    }

    private static async Task NextAsync(HttpContext context, ExecutionEnvironment environment)
    {
        Invocation? invocation;
        try
        {
            invocation = await environment.Pool.NextAsync(environment, context.RequestAborted);
        }
        catch (OperationCanceledException)
        {
            // The process is being stopped, or has closed the connection.
            context.Abort();
            return;
        }

        if (invocation is null)
        {
            await AnswerAsync(context, StatusCodes.Status403Forbidden, "InvalidStateTransition", "The last invocation has not been answered.");
            return;
        }

        var headers = context.Response.Headers;
        headers["Lambda-Runtime-Aws-Request-Id"] = invocation.RequestId;
        headers["Lambda-Runtime-Deadline-Ms"] = invocation.Deadline.ToUnixTimeMilliseconds().ToString();
        headers["Lambda-Runtime-Invoked-Function-Arn"] = invocation.InvokedFunctionArn;
        headers["Lambda-Runtime-Trace-Id"] = invocation.TraceId;
        if (invocation.TenantId is { } tenant) headers["Lambda-Runtime-Aws-Tenant-Id"] = tenant;
        if (invocation.ClientContext is { } clientContext) headers["Lambda-Runtime-Client-Context"] = clientContext;
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = invocation.Payload.Length;
        await context.Response.BodyWriter.WriteAsync(invocation.Payload, context.RequestAborted);
    }

    private static async Task ResponseAsync(HttpContext context, ExecutionEnvironment environment)
    {
        if (await FindInvocationAsync(context, environment) is not { } invocation) return;

        InvocationResult result;
        try
        {
            result = invocation.Chunks is { } chunks
                ? await StreamAsync(context, chunks.Writer)
                : await BufferAsync(context);
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException or BadHttpRequestException)
        {
            environment.Pool.Complete(environment, invocation, LambdaErrors.TruncatedResponse(invocation.RequestId));
            context.Abort();
            return;
        }

        environment.Pool.Complete(environment, invocation, result);
        await AcceptAsync(context);
    }

    private static async Task<InvocationResult> BufferAsync(HttpContext context)
    {
        var body = await RequestBody.ReadAsync(context.Request, InvokeLimits.MaximumPayload, context.RequestAborted);
        if (body is null) return LambdaErrors.ResponseTooLarge(InvokeLimits.MaximumPayload);
        return StreamedError(context.Request) ?? new InvocationResult(IsError: false, body);
    }

    private static async Task<InvocationResult> StreamAsync(HttpContext context, ChannelWriter<ReadOnlyMemory<byte>> chunks)
    {
        var reader = context.Request.BodyReader;
        long total = 0;
        while (true)
        {
            var read = await reader.ReadAsync(context.RequestAborted);
            if (!read.Buffer.IsEmpty)
            {
                total += read.Buffer.Length;
                if (total > InvokeLimits.MaximumStreamedResponse) return LambdaErrors.ResponseTooLarge(InvokeLimits.MaximumStreamedResponse);
                try
                {
                    await chunks.WriteAsync(read.Buffer.ToArray(), context.RequestAborted);
                }
                catch (ChannelClosedException)
                {
                    // The invocation ended otherwise, by its timeout for example: nobody reads any more.
                    return new InvocationResult(IsError: false, ReadOnlyMemory<byte>.Empty);
                }
            }

            reader.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted) return StreamedError(context.Request) ?? new InvocationResult(IsError: false, ReadOnlyMemory<byte>.Empty);
        }
    }

    // A function that fails after it began to answer says so in the trailers of the chunked body.
    private static InvocationResult? StreamedError(HttpRequest request)
    {
        if (!request.SupportsTrailers() || !request.CheckTrailersAvailable()) return null;
        var type = request.GetTrailer("Lambda-Runtime-Function-Error-Type").ToString();
        if (type.Length == 0) return null;
        var body = request.GetTrailer("Lambda-Runtime-Function-Error-Body").ToString();
        var buffer = new byte[body.Length];
        return new InvocationResult(IsError: true, Convert.TryFromBase64String(body, buffer, out var length)
            ? buffer.AsMemory(0, length)
            : Encoding.UTF8.GetBytes(body));
    }

    private static async Task ErrorAsync(HttpContext context, ExecutionEnvironment environment)
    {
        if (await FindInvocationAsync(context, environment) is not { } invocation) return;
        var body = await RequestBody.ReadAsync(context.Request, InvokeLimits.MaximumPayload, context.RequestAborted);
        environment.Pool.Complete(environment, invocation, body is null
            ? LambdaErrors.ResponseTooLarge(InvokeLimits.MaximumPayload)
            : new InvocationResult(IsError: true, body));
        await AcceptAsync(context);
    }

    private static async Task InitErrorAsync(HttpContext context, ExecutionEnvironment environment)
    {
        var body = await RequestBody.ReadAsync(context.Request, InvokeLimits.MaximumPayload, context.RequestAborted);
        environment.Pool.FailInit(environment, body ?? LambdaErrors.ResponseTooLarge(InvokeLimits.MaximumPayload).Payload);
        await AcceptAsync(context);
    }

    private static async Task<Invocation?> FindInvocationAsync(HttpContext context, ExecutionEnvironment environment)
    {
        var invocation = environment.Pool.Find(environment, (string)context.Request.RouteValues["requestId"]!);
        if (invocation is null)
            await AnswerAsync(context, StatusCodes.Status400BadRequest, "InvalidRequestID", "The process does not work on this invocation.");
        return invocation;
    }

    private static Task AcceptAsync(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status202Accepted;
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync("""{"status":"OK"}""");
    }

    private static Task AnswerAsync(HttpContext context, int status, string type, string message)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync($$"""{"errorType":"{{type}}","errorMessage":"{{message}}"}""");
    }
}
