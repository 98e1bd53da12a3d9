using System.Collections.Concurrent;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace UdpGateway.Cli.LocalStack;

/// <summary>
/// Where custom resources PUT their answers: a loopback address that is as strict as a presigned S3 URL. The path cannot be
/// guessed, a Content-Type breaks the signature, chunked bodies are not taken, and each URL works once.
/// </summary>
internal sealed class ResponseEndpoint : IAsyncDisposable
{
    /// <summary>S3 itself would take more; it is CloudFormation that refuses a longer answer when it reads it.</summary>
    private const int MaxBodyBytes = 1_048_576;

    private readonly WebApplication _server;
    private readonly ConcurrentDictionary<string, TaskCompletionSource<byte[]>> _expected = new();
    private Uri _address = null!;

    private ResponseEndpoint()
    {
        _server = LoopbackServer.Build(limits => limits.MaxRequestBodySize = MaxBodyBytes);
        _server.Run(AnswerAsync);
    }

    public static async Task<ResponseEndpoint> StartAsync(CancellationToken cancellationToken)
    {
        var endpoint = new ResponseEndpoint();
        endpoint._address = await endpoint._server.StartAtAsync(cancellationToken);
        return endpoint;
    }

    /// <summary>A new URL, and the body of the one answer that is PUT there.</summary>
    public (Uri Url, Task<byte[]> Answer) Expect()
    {
        var path = "/" + RandomNumberGenerator.GetHexString(48, lowercase: true);
        var answer = new TaskCompletionSource<byte[]>(TaskCreationOptions.RunContinuationsAsynchronously);
        _expected[path] = answer;
        return (new Uri(_address, path), answer.Task);
    }

    public async ValueTask DisposeAsync()
    {
        await _server.StopAndDisposeAsync();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var request = context.Request;
        var path = request.Path.Value ?? "";
        if (!_expected.TryGetValue(path, out var answer))
        {
            await RefuseAsync(context, StatusCodes.Status403Forbidden, "AccessDenied");
        }
        else if (!HttpMethods.IsPut(request.Method) || !string.IsNullOrEmpty(request.ContentType))
        {
            // Method and Content-Type are part of what was signed.
            await RefuseAsync(context, StatusCodes.Status403Forbidden, "SignatureDoesNotMatch");
        }
        else if (request.ContentLength is null)
        {
            await RefuseAsync(context, StatusCodes.Status411LengthRequired, "MissingContentLength");
        }
        else
        {
            using var body = new MemoryStream();
            await request.Body.CopyToAsync(body, context.RequestAborted);
            if (_expected.TryRemove(path, out _))
                answer.TrySetResult(body.ToArray());
            else
                await RefuseAsync(context, StatusCodes.Status403Forbidden, "AccessDenied");
        }
    }

    private static Task RefuseAsync(HttpContext context, int status, string code)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/xml";
        return context.Response.WriteAsync($"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code></Error>", context.RequestAborted);
    }
}
