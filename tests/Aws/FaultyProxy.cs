using System.Collections.Concurrent;
using System.Net;

namespace UdpGateway.Aws.Tests;

/// <summary>What a proxy does to a call instead of passing on its answer.</summary>
internal enum Fault
{
    Throttled,
    ServiceFault,

    /// <summary>The call takes effect, and then the connection breaks.</summary>
    AnswerLost,
}

/// <summary>Stands before a DynamoDB-like service, notes the operations, and makes calls fail.</summary>
internal sealed class FaultyProxy : IAsyncDisposable
{
    private readonly HttpClient _client = new(new SocketsHttpHandler { UseCookies = false });
    private readonly ConcurrentQueue<string> _operations = new();
    private readonly Uri _target;
    private StubService _stub = null!;
    private Fault? _fault;
    private int _calls;

    private FaultyProxy(Uri target) => _target = target;

    public Uri Url => _stub.Url;

    public IReadOnlyList<string> Operations => [.. _operations];

    public static async Task<FaultyProxy> StartAsync(Uri target)
    {
        var proxy = new FaultyProxy(target);
        proxy._stub = await StubService.StartAsync((context, _) => proxy.HandleAsync(context));
        return proxy;
    }

    /// <summary>The next call fails, the one after does not, and so on.</summary>
    public void FailEveryOther(Fault fault)
    {
        _calls = 0;
        _fault = fault;
    }

    public async ValueTask DisposeAsync()
    {
        await _stub.DisposeAsync();
        _client.Dispose();
    }

    private async Task HandleAsync(Microsoft.AspNetCore.Http.HttpContext context)
    {
        var received = StubService.RequestOf(context);
        _operations.Enqueue(received.Headers["X-Amz-Target"].Split('.')[1]);
        var fault = _fault is { } wanted && Interlocked.Increment(ref _calls) % 2 == 1 ? wanted : default(Fault?);
        if (fault == Fault.Throttled)
        {
            await StubService.AnswerAsync(context, (int)HttpStatusCode.BadRequest, """{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"slow down"}""");
            return;
        }

        if (fault == Fault.ServiceFault)
        {
            await StubService.AnswerAsync(context, (int)HttpStatusCode.InternalServerError, """{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"oh"}""");
            return;
        }

        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_target, received.RawTarget)) { Content = new ByteArrayContent(received.Body) };
        foreach (var (name, value) in received.Headers.Where(header => !header.Key.Equals("Content-Length", StringComparison.OrdinalIgnoreCase)))
        {
            if (!request.Headers.TryAddWithoutValidation(name, value))
                request.Content.Headers.TryAddWithoutValidation(name, value);
        }

        using var response = await _client.SendAsync(request);
        var body = await response.Content.ReadAsStringAsync();
        if (fault == Fault.AnswerLost)
        {
            context.Abort();
            return;
        }

        await StubService.AnswerAsync(context, (int)response.StatusCode, body);
    }
}
