using System.Collections.Concurrent;
using System.Text;
using System.Text.Json.Nodes;
using UdpGateway.Tests;

namespace UdpGateway.EndToEnd.Tests.Destinations;

/// <summary>What a call of SendMessageBatch meets.</summary>
internal enum QueueFault
{
    None,

    /// <summary>HTTP 429, nothing is taken.</summary>
    Throttled,

    /// <summary>HTTP 500, nothing is taken.</summary>
    Failed,

    /// <summary>Every entry is taken, and then the connection breaks.</summary>
    Cut,

    /// <summary>Every other entry is taken, the others fail inside the service.</summary>
    Partial,

    /// <summary>Taken, but the answer takes its time.</summary>
    Slow,

    /// <summary>The connection is accepted, and nothing ever comes back, until <see cref="QueueService.Revive"/>.</summary>
    Silent,
}

/// <summary>Queues behind the tests' proxy, which does to each call what the test says, and keeps what was taken and what was asked.</summary>
internal sealed class QueueService : IAsyncDisposable
{
    private readonly ConcurrentDictionary<ProxiedCall, QueueFault> _faults = new(ReferenceEqualityComparer.Instance);
    private readonly ConcurrentDictionary<string, ConcurrentQueue<string>> _taken = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, int> _presented = new(StringComparer.Ordinal);
    private readonly TaskCompletionSource _revived = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Func<string, int, QueueFault> _faultOf;
    private readonly ConcurrentDictionary<string, int> _calls = new(StringComparer.Ordinal);
    private AwsProxy _proxy = null!;

    private QueueService(Func<string, int, QueueFault> faultOf) => _faultOf = faultOf;

    public Uri Url => _proxy.Url;

    /// <summary>Whether a queue refuses a body for good.</summary>
    public Func<string, string, bool> Refuses { get; set; } = static (_, _) => false;

    /// <summary>Whether a body fails at a queue each time, as if it could succeed later.</summary>
    public Func<string, string, bool> NeverTakes { get; set; } = static (_, _) => false;

    /// <param name="faultOf">By the queue's name and the number of its call, from 0.</param>
    public static async Task<QueueService> StartAsync(Func<string, int, QueueFault> faultOf)
    {
        var service = new QueueService(faultOf);
        // Every call is answered here, so that there is nobody to pass it on to.
        service._proxy = await AwsProxy.StartAsync(new Uri("http://127.0.0.1:1"));
        service._proxy.Fault = service.Fault;
        service._proxy.Replace = service.AnswerAsync;
        return service;
    }

    /// <summary>The bodies that the queue holds, some perhaps more than once.</summary>
    public IReadOnlyList<string> Taken(string queue) => _taken.TryGetValue(queue, out var bodies) ? [.. bodies] : [];

    /// <summary>Entries of all calls, also of those that failed.</summary>
    public int Presented(string queue) => _presented.GetValueOrDefault(queue);

    public void Revive() => _revived.TrySetResult();

    public async ValueTask DisposeAsync()
    {
        Revive();
        await _proxy.DisposeAsync();
    }

    private ProxyFault? Fault(ProxiedCall call)
    {
        if (call.Operation != "SendMessageBatch")
            return null;
        var queue = QueueOf(JsonNode.Parse(call.Body)!);
        var fault = _faultOf(queue, _calls.AddOrUpdate(queue, 1, (_, count) => count + 1) - 1);
        _faults[call] = fault;
        return fault switch
        {
            QueueFault.Cut => ProxyFault.AnswerLost,
            QueueFault.Slow => ProxyFault.Slow,
            _ => null,
        };
    }

    private async Task<ProxiedAnswer?> AnswerAsync(ProxiedCall call)
    {
        var request = JsonNode.Parse(call.Body)!;
        if (call.Operation == "GetQueueUrl")
            return ProxiedAnswer.Json(new JsonObject { ["QueueUrl"] = $"http://queues/{request["QueueName"]}" }.ToJsonString());
        var queue = QueueOf(request);
        var entries = request["Entries"]!.AsArray();
        _presented.AddOrUpdate(queue, entries.Count, (_, count) => count + entries.Count);
        _faults.TryRemove(call, out var fault);
        switch (fault)
        {
            case QueueFault.Throttled:
                return Error(429, "TooManyRequestsException");
            case QueueFault.Failed:
                return Error(500, "InternalFailure");
            case QueueFault.Silent:
                await _revived.Task;
                break;
        }

        return ProxiedAnswer.Json(Take(queue, entries, fault).ToJsonString());
    }

    private JsonObject Take(string queue, JsonArray entries, QueueFault fault)
    {
        var (successful, failed) = (new JsonArray(), new JsonArray());
        for (var place = 0; place < entries.Count; place++)
        {
            var id = (string)entries[place]!["Id"]!;
            var body = (string)entries[place]!["MessageBody"]!;
            if (Refuses(queue, body))
            {
                failed.Add(new JsonObject { ["Id"] = id, ["Code"] = "InvalidMessageContents", ["SenderFault"] = true });
            }
            else if (NeverTakes(queue, body) || (fault == QueueFault.Partial && place % 2 == 1))
            {
                failed.Add(new JsonObject { ["Id"] = id, ["Code"] = "InternalError", ["SenderFault"] = false });
            }
            else
            {
                _taken.GetOrAdd(queue, _ => new ConcurrentQueue<string>()).Enqueue(body);
                successful.Add(new JsonObject { ["Id"] = id, ["MessageId"] = Guid.NewGuid().ToString() });
            }
        }

        return new JsonObject { ["Successful"] = successful, ["Failed"] = failed };
    }

    private static ProxiedAnswer Error(int status, string code) =>
        new(status, "application/x-amz-json-1.0", Encoding.UTF8.GetBytes($$"""{"__type":"{{code}}","message":"as the test wants"}"""));

    private static string QueueOf(JsonNode request) => ((string)request["QueueUrl"]!).Split('/')[^1];
}
