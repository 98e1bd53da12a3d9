using System.Diagnostics;
using System.Threading.Channels;

namespace UdpGateway.Cli.LocalLambda;

/// <summary>What a function made of an invocation: its answer, or Lambda's error document.</summary>
internal sealed record InvocationResult(bool IsError, ReadOnlyMemory<byte> Payload);

/// <summary>One attempt to run a function with a payload.</summary>
internal sealed class Invocation(ReadOnlyMemory<byte> payload, string requestId, string invokedFunctionArn)
{
    private readonly TaskCompletionSource<InvocationResult> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ReadOnlyMemory<byte> Payload { get; } = payload;

    public string RequestId { get; } = requestId;

    public string InvokedFunctionArn { get; } = invokedFunctionArn;

    /// <summary>X-Ray's header form; the sampling decision is always no, because nobody collects traces here.</summary>
    public string TraceId { get; } = NewTraceId();

    public string? TenantId { get; init; }

    /// <summary>The client context as the JSON text that the caller sent in base64.</summary>
    public string? ClientContext { get; init; }

    /// <summary>Present when the caller wants the answer as it is written; bounded, so that a slow caller slows the function.</summary>
    public Channel<ReadOnlyMemory<byte>>? Chunks { get; init; }

    /// <summary>Set when a process takes the invocation.</summary>
    public DateTimeOffset Deadline { get; set; }

    /// <summary>When a process took the invocation, as <see cref="Stopwatch.GetTimestamp"/> counts.</summary>
    public long StartedAt { get; set; }

    public Task<InvocationResult> Completion => _completion.Task;

    /// <summary>The first result counts: a timeout and a late answer may race.</summary>
    public bool TryComplete(InvocationResult result)
    {
        if (!_completion.TrySetResult(result)) return false;
        Chunks?.Writer.TryComplete();
        return true;
    }

    private static string NewTraceId()
    {
        Span<byte> random = stackalloc byte[20];
        System.Security.Cryptography.RandomNumberGenerator.Fill(random);
        var seconds = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        return $"Root=1-{seconds:x8}-{Convert.ToHexStringLower(random[..12])};Parent={Convert.ToHexStringLower(random[12..])};Sampled=0";
    }
}
