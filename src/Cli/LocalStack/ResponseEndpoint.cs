using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

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
        // The empty builder: neither the user's appsettings.json nor ASPNETCORE_ variables have a say here.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "udpgw" });
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = MaxBodyBytes;
            kestrel.Listen(IPAddress.Loopback, 0);
        });
        builder.Services.AddSingleton<IHostLifetime, OwnedLifetime>();
        _server = builder.Build();
        _server.Run(AnswerAsync);
    }

    public static async Task<ResponseEndpoint> StartAsync(CancellationToken cancellationToken)
    {
        var endpoint = new ResponseEndpoint();
        await endpoint._server.StartAsync(cancellationToken);
        endpoint._address = new Uri(endpoint._server.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
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
        using (var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(1)))
            await _server.StopAsync(deadline.Token);
        await _server.DisposeAsync();
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

    /// <summary>Signals belong to the verb that runs.</summary>
    private sealed class OwnedLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
