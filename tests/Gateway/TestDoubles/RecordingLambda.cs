using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using UdpGateway.Aws;

namespace UdpGateway.Gateway.Tests.TestDoubles;

/// <summary>A Lambda in process: records every invocation and answers as it is told. Echoes by default.</summary>
internal sealed class RecordingLambda : ILambda
{
    private readonly ConcurrentQueue<(InvokeRequest Request, JsonArray Messages)> _invocations = new();

    public Func<JsonArray, Task<InvokeResponse>> Handler { get; set; } = messages => Task.FromResult(Echo(messages));

    /// <summary>What a streamed invocation yields; the handler's answer in one piece by default.</summary>
    public Func<JsonArray, IAsyncEnumerable<InvokeStreamEvent>>? Stream { get; set; }

    /// <summary>Packets of each invocation, in the order of the invocations.</summary>
    public IReadOnlyList<JsonArray> Batches => [.. _invocations.Select(invocation => invocation.Messages)];

    public IReadOnlyList<InvocationType> InvocationTypes => [.. _invocations.Select(invocation => invocation.Request.InvocationType)];

    public IReadOnlyList<JsonObject> Packets => [.. Batches.SelectMany(batch => batch).Select(packet => packet!.AsObject())];

    public async Task<InvokeResponse> InvokeAsync(InvokeRequest request, CancellationToken cancellationToken)
    {
        var messages = JsonNode.Parse(request.Payload.Span)!["Messages"]!.AsArray();
        _invocations.Enqueue((request with { Payload = default }, messages));
        return request.InvocationType == InvocationType.Event ? new InvokeResponse(202, null, default) : await Handler(messages).WaitAsync(cancellationToken);
    }

    public async IAsyncEnumerable<InvokeStreamEvent> InvokeWithResponseStreamAsync(InvokeRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var messages = JsonNode.Parse(request.Payload.Span)!["Messages"]!.AsArray();
        _invocations.Enqueue((request with { Payload = default }, messages));
        if (Stream is not null)
        {
            await foreach (var next in Stream(messages).WithCancellation(cancellationToken))
                yield return next;
            yield break;
        }

        yield return new InvokeStreamEvent((await Handler(messages).WaitAsync(cancellationToken)).Payload);
        yield return new InvokeStreamEvent(default, IsComplete: true);
    }

    public IReadOnlyList<string?> Tenants => [.. _invocations.Select(invocation => invocation.Request.TenantId)];

    public Task WaitForPacketsAsync(int count) => Eventually.TrueAsync(() => Packets.Count >= count, $"{count} packets were delivered");

    public Task WaitForBatchesAsync(int count) => Eventually.TrueAsync(() => Batches.Count >= count, $"{count} batches were delivered");

    public static InvokeResponse Echo(JsonArray messages) => Reply(messages.Select(packet => (packet!["Tag"]!.GetValue<string>(), packet["Data"]!.GetValue<string>())));

    public static InvokeResponse Reply(IEnumerable<(string Tag, string Data)> replies) =>
        Answer(JsonSerializer.Serialize(new { Replies = replies.Select(reply => new { reply.Tag, reply.Data }) }));

    public static InvokeResponse Answer(string json) => new(200, null, System.Text.Encoding.UTF8.GetBytes(json));
}
