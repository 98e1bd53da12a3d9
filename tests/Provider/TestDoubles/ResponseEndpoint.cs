using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace UdpGateway.Provider.Tests.TestDoubles;

/// <summary>
/// A real HTTP server that takes answers as S3's presigned URLs do: PUT only, no Content-Type (else 403), a Content-Length
/// (else 411). It can refuse or stall a number of times first.
/// </summary>
internal sealed class ResponseEndpoint : IAsyncDisposable
{
    private readonly WebApplication _application;
    private readonly ConcurrentQueue<(string Path, byte[] Body)> _taken = new();
    private int _refusals;
    private int _refused;

    private ResponseEndpoint(WebApplication application) => _application = application;

    /// <summary>Bodies that were accepted, in order, with the path that they were sent to.</summary>
    public IReadOnlyList<(string Path, byte[] Body)> Taken => [.. _taken];

    public int Refused => _refused;

    /// <summary>How many of the next requests are answered with <see cref="RefusalStatus"/>.</summary>
    public int Refusals
    {
        set => _refusals = value;
    }

    public int RefusalStatus { get; set; } = StatusCodes.Status503ServiceUnavailable;

    public TimeSpan Delay { get; set; }

    private Uri Address => new(_application.Urls.Single());

    public static async Task<ResponseEndpoint> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var endpoint = new ResponseEndpoint(builder.Build());
        endpoint._application.Run(endpoint.HandleAsync);
        await endpoint._application.StartAsync();
        return endpoint;
    }

    public string Url(string token = "answer") => new Uri(Address, $"/{token}?X-Amz-Signature=not-to-be-logged").ToString();

    public async ValueTask DisposeAsync() => await _application.DisposeAsync();

    private async Task HandleAsync(HttpContext context)
    {
        if (Interlocked.Decrement(ref _refusals) >= 0)
        {
            Interlocked.Increment(ref _refused);
            context.Response.StatusCode = RefusalStatus;
            if (RefusalStatus is StatusCodes.Status307TemporaryRedirect)
                context.Response.Headers.Location = Url("redirected");
            return;
        }

        var request = context.Request;
        if (!HttpMethods.IsPut(request.Method))
            context.Response.StatusCode = StatusCodes.Status405MethodNotAllowed;
        else if (request.Headers.ContentType.Count > 0)
            context.Response.StatusCode = StatusCodes.Status403Forbidden;
        else if (request.ContentLength is null)
            context.Response.StatusCode = StatusCodes.Status411LengthRequired;
        else
        {
            await Task.Delay(Delay, context.RequestAborted);
            using var body = new MemoryStream();
            await request.Body.CopyToAsync(body, context.RequestAborted);
            _taken.Enqueue((request.Path.Value!.TrimStart('/'), body.ToArray()));
        }
    }
}
