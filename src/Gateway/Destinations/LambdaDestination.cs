using System.Net;
using System.Text;
using System.Text.Json;
using UdpGateway.Aws;
using UdpGateway.Gateway.Batching;
using UdpGateway.Gateway.Packets;
using UdpGateway.Gateway.Replies;

namespace UdpGateway.Gateway.Destinations;

/// <summary>
/// One Invoke per batch, and with tenants one for each of them. <c>RequestResponse</c>: what the function returns are the replies.
/// Streamed: each reply leaves as soon as the function has written it. <c>Event</c>: Lambda only confirms that it took the packets,
/// and there are no replies.
/// </summary>
internal sealed class LambdaDestination(DestinationContext context) : IDestination
{
    // https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
    private const long MaxSynchronousPayload = 6 * 1024 * 1024;
    private const long MaxAsynchronousPayload = 1024 * 1024;
    private const int MaxPackets = 10_000;

    private readonly ILambda _lambda = context.Clients.Lambda(context.Listener, context.Definition, context.Arn.ToString());
    private readonly string _function = context.Arn.ToString();
    private readonly RequestPacketWriter _writer = new(context.Facts);
    private readonly string? _tenant = context.Definition.Arguments.Lambda?.TenantId;
    private readonly LambdaTenants? _tenants = LambdaTenants.Create(context.Definition.Arguments.Lambda?.TenantIdExpression);
    private readonly int _parallel = context.Definition.Concurrency == 1 ? 1 : EntryLimits.DefaultParallel;

    public DestinationLimits Limits { get; } = new(context.Definition.UseAsyncInvoke ? MaxAsynchronousPayload : MaxSynchronousPayload, MaxPackets);

    public async Task<DeliveryOutcome> DeliverAsync(PacketBatch batch, CancellationToken cancellationToken)
    {
        if (_tenants is null)
            return await InvokeAsync(BatchPart.Whole(batch), _tenant, cancellationToken);

        var (tenants, withoutTenant) = _tenants.Divide(batch);
        var outcome = await WholeSender.EachAsync(
            [.. tenants.Select(tenant => tenant.Packets)], context.Replies, (place, token) => InvokeAsync(tenants[place].Packets, tenants[place].Tenant, token), _parallel, cancellationToken);
        return withoutTenant.Outcome(batch.Count).And(outcome);
    }

    private Task<DeliveryOutcome> InvokeAsync(BatchPart packets, string? tenant, CancellationToken cancellationToken) =>
        WholeSender.HalvingAsync(packets, context.Replies, (part, token) => CallAsync(part, tenant, token), RetryPolicy.IsTooLarge, cancellationToken);

    private async Task<DeliveryOutcome> CallAsync(BatchPart part, string? tenant, CancellationToken cancellationToken)
    {
        using var payload = new PooledBuffer(part.EncodedSize + RequestPacketWriter.EnvelopeSize);
        _writer.Write(payload, part);

        var request = new InvokeRequest(_function, context.Definition.UseAsyncInvoke ? InvocationType.Event : InvocationType.RequestResponse, payload.WrittenMemory, tenant);
        if (context.Definition.UseAsyncInvoke)
            return await WholeSender.SendAsync(context.Retries, part.Count, token => _lambda.InvokeAsync(request, token), cancellationToken);
        return context.Definition.UseResponseStreaming
            ? await StreamAsync(request, part, cancellationToken)
            : await AskAsync(request, cancellationToken);
    }

    private async Task<DeliveryOutcome> AskAsync(InvokeRequest request, CancellationToken cancellationToken)
    {
        var response = await _lambda.InvokeAsync(request, cancellationToken);

        if (response.FunctionError is { } error)
            return new DeliveryOutcome(DeliveryResult.FunctionError, Problem: $"{error} {ErrorType(response.Payload)}");
        if (response.StatusCode is < (int)HttpStatusCode.OK or >= (int)HttpStatusCode.Ambiguous)
            return new DeliveryOutcome(DeliveryResult.Failed, Problem: $"Invoke answered with status {response.StatusCode}");
        return new DeliveryOutcome(DeliveryResult.Delivered, response.Payload);
    }

    private async Task<DeliveryOutcome> StreamAsync(InvokeRequest request, BatchPart part, CancellationToken cancellationToken)
    {
        var batch = part.Batch;
        var answered = new HashSet<int>();
        var hasStarted = false;
        using var reader = new ReplyStreamReader(batch.Id, batch.Count);
        try
        {
            await foreach (var next in _lambda.InvokeWithResponseStreamAsync(request, cancellationToken))
            {
                hasStarted = true;
                // Whoever fails may leave a reply half written; that is no second problem.
                var document = reader.Read(next.Payload.Span, isFinal: next is { IsComplete: true, ErrorCode: null }).OnlyTo(part);
                answered.UnionWith(document.Replies.Select(reply => reply.PacketIndex));
                await context.Replies.RouteAsync(batch, document, cancellationToken);
                if (next.ErrorCode is { } error)
                    return FailUnanswered(DeliveryResult.FunctionError, $"{error} {ErrorType(Encoding.UTF8.GetBytes(next.ErrorDetails ?? ""))}");
            }
        }
        catch (AwsServiceException failure) when (hasStarted)
        {
            return FailUnanswered(DeliveryResult.Failed, failure.Message);
        }

        return new DeliveryOutcome(DeliveryResult.Delivered);

        DeliveryOutcome FailUnanswered(DeliveryResult result, string problem)
        {
            IReadOnlyList<FailedPacket> failed = [.. part.Fail(problem).Where(packet => !answered.Contains(packet.Packet))];
            return new DeliveryOutcome(result, Problem: problem, FailedPackets: failed.Count) { Failed = failed };
        }
    }

    /// <summary>The error's type; its message may quote the payload and is left out.</summary>
    private static string ErrorType(ReadOnlyMemory<byte> payload)
    {
        try
        {
            using var json = JsonDocument.Parse(payload);
            return json.RootElement.ValueKind == JsonValueKind.Object
                && json.RootElement.TryGetProperty("errorType", out var type)
                && type.ValueKind == JsonValueKind.String
                ? type.GetString()!
                : "";
        }
        catch (JsonException)
        {
            return "";
        }
    }
}
