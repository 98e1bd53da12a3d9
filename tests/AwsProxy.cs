using System.Collections.Concurrent;
using System.Net;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace UdpGateway.Tests;

/// <summary>What a proxy does to a call.</summary>
internal enum ProxyFault
{
    /// <summary>Refused before it takes effect, as a service that has too much to do refuses.</summary>
    Throttled,

    /// <summary>HTTP 500 before it takes effect.</summary>
    ServiceFault,

    /// <summary>It takes effect, and then the connection breaks.</summary>
    AnswerLost,

    /// <summary>It takes effect, but the answer takes its time.</summary>
    Slow,

    /// <summary>It takes effect, and nobody answers for as long as the caller waits.</summary>
    AnswerWithheld,

    /// <summary>Nothing comes of it, and nobody answers for as long as the caller waits.</summary>
    Swallowed,
}

/// <summary>A call of an AWS service on its way.</summary>
/// <param name="Service">The signing name: <c>ecs</c>, <c>elasticloadbalancing</c>, <c>dynamodb</c>.</param>
/// <param name="Operation">As the API calls it; the method and path for services that have only those.</param>
internal sealed record ProxiedCall(string Service, string Operation, byte[] Body)
{
    public string Text => System.Text.Encoding.UTF8.GetString(Body);

    public override string ToString() => $"{Service} {Operation}";
}

internal sealed record ProxiedAnswer(int Status, string ContentType, byte[] Body)
{
    public string Text => System.Text.Encoding.UTF8.GetString(Body);

    public static ProxiedAnswer Json(string json) => new(200, "application/x-amz-json-1.1", System.Text.Encoding.UTF8.GetBytes(json));
}

/// <summary>
/// Stands before an AWS-like server: notes every call, lets a test answer in its place or change its answers, and makes chosen calls
/// fail. Signatures stay valid, since the Host header is passed on.
/// </summary>
internal sealed partial class AwsProxy : IAsyncDisposable
{
    private readonly HttpClient _client = new(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false });
    private readonly ConcurrentQueue<ProxiedCall> _calls = new();
    private readonly WebApplication _application;
    private readonly Uri _target;

    private AwsProxy(Uri target, WebApplication application)
    {
        _target = target;
        _application = application;
    }

    public Uri Url => new(_application.Urls.Single());

    public IReadOnlyList<ProxiedCall> Calls => [.. _calls];

    /// <summary>Which calls fail, and how; asked once for each call.</summary>
    public Func<ProxiedCall, ProxyFault?> Fault { get; set; } = static _ => null;

    /// <summary>What a slow answer takes.</summary>
    public TimeSpan Slowness { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>Answers in the server's place; null passes the call on.</summary>
    public Func<ProxiedCall, Task<ProxiedAnswer?>> Replace { get; set; } = static _ => Task.FromResult<ProxiedAnswer?>(null);

    /// <summary>Learns that a call took effect, before the caller does, and which fault it still meets.</summary>
    public Action<ProxiedCall, ProxyFault?> TookEffect { get; set; } = static (_, _) => { };

    /// <summary>Changes an answer of the server.</summary>
    public Func<ProxiedCall, ProxiedAnswer, Task<ProxiedAnswer>> Change { get; set; } = static (_, answer) => Task.FromResult(answer);

    public static async Task<AwsProxy> StartAsync(Uri target)
    {
        // Empty: others watch files of settings, of which a process may watch few, and a test may need many proxies.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var proxy = new AwsProxy(target, builder.Build());
        proxy._application.Run(proxy.HandleAsync);
        await proxy._application.StartAsync();
        return proxy;
    }

    public async ValueTask DisposeAsync()
    {
        // Calls that a test leaves hanging must not hold the stop back.
        using var now = new CancellationTokenSource(TimeSpan.Zero);
        await _application.StopAsync(now.Token);
        await _application.DisposeAsync();
        _client.Dispose();
    }

    private async Task HandleAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        var call = Recognize(context.Request, body.ToArray());
        _calls.Enqueue(call);
        var fault = Fault(call);
        if (fault is ProxyFault.Throttled or ProxyFault.ServiceFault)
        {
            await AnswerAsync(context, Refusal(call, fault.Value));
            return;
        }

        if (fault is ProxyFault.Swallowed)
        {
            await WithholdAsync(context);
            return;
        }

        var answer = await Replace(call) ?? await Change(call, await PassOnAsync(context, call));
        TookEffect(call, fault);
        if (fault is ProxyFault.AnswerWithheld)
        {
            await WithholdAsync(context);
            return;
        }

        if (fault is ProxyFault.AnswerLost)
        {
            context.Abort();
            return;
        }

        if (fault is ProxyFault.Slow)
            await Task.Delay(Slowness);
        await AnswerAsync(context, answer);
    }

    private static async Task WithholdAsync(HttpContext context)
    {
        var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var noticed = context.RequestAborted.Register(gone.SetResult);
        await gone.Task;
    }

    private async Task<ProxiedAnswer> PassOnAsync(HttpContext context, ProxiedCall call)
    {
        var rawTarget = context.Features.Get<IHttpRequestFeature>()!.RawTarget;
        using var request = new HttpRequestMessage(new HttpMethod(context.Request.Method), new Uri(_target, rawTarget));
        if (call.Body.Length > 0)
            request.Content = new ByteArrayContent(call.Body);
        foreach (var (name, value) in context.Request.Headers.Where(header => !header.Key.Equals("Content-Length", StringComparison.OrdinalIgnoreCase)))
        {
            if (!request.Headers.TryAddWithoutValidation(name, value.ToString()))
                request.Content?.Headers.TryAddWithoutValidation(name, value.ToString());
        }

        using var response = await _client.SendAsync(request);
        return new ProxiedAnswer((int)response.StatusCode, response.Content.Headers.ContentType?.ToString() ?? "", await response.Content.ReadAsByteArrayAsync());
    }

    private static ProxiedAnswer Refusal(ProxiedCall call, ProxyFault fault)
    {
        var (status, code) = fault is ProxyFault.Throttled ? (400, "ThrottlingException") : (500, "InternalFailure");
        return IsQuery(call)
            ? new ProxiedAnswer(status, "text/xml", System.Text.Encoding.UTF8.GetBytes($"<ErrorResponse><Error><Code>{code}</Code><Message>as the test wants</Message></Error></ErrorResponse>"))
            : new ProxiedAnswer(status, "application/x-amz-json-1.1", System.Text.Encoding.UTF8.GetBytes($$"""{"__type":"{{code}}","message":"as the test wants"}"""));
    }

    private static Task AnswerAsync(HttpContext context, ProxiedAnswer answer)
    {
        context.Response.StatusCode = answer.Status;
        context.Response.ContentType = answer.ContentType;
        context.Response.ContentLength = answer.Body.Length;
        return context.Response.Body.WriteAsync(answer.Body).AsTask();
    }

    private static bool IsQuery(ProxiedCall call) => call.Service is "elasticloadbalancing" or "ec2" or "sts" or "iam" or "sns";

    private static ProxiedCall Recognize(HttpRequest request, byte[] body)
    {
        var service = ServicePattern().Match(request.Headers.Authorization.ToString()) is { Success: true } scope ? scope.Groups["service"].Value : "";
        var operation = request.Headers["X-Amz-Target"].ToString() is { Length: > 0 } target ? target[(target.LastIndexOf('.') + 1)..]
            : ActionPattern().Match(System.Text.Encoding.UTF8.GetString(body)) is { Success: true } action ? action.Groups["action"].Value
            : $"{request.Method} {request.Path}";
        return new ProxiedCall(service, operation, body);
    }

    [GeneratedRegex("Credential=[^/]+/[0-9]+/[^/]+/(?<service>[^/]+)/", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex ServicePattern();

    [GeneratedRegex("(^|&)Action=(?<action>[A-Za-z]+)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex ActionPattern();
}
