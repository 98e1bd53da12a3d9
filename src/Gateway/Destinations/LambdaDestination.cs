using System.Net;
using System.Text.Json;
using UdpGateway.Aws;
using UdpGateway.Gateway.Batching;
using UdpGateway.Gateway.Packets;

namespace UdpGateway.Gateway.Destinations;

/// <summary>
/// One Invoke per batch. <c>RequestResponse</c>: what the function returns are the replies. <c>Event</c>: Lambda only
/// confirms that it took the batch, and there are no replies.
/// </summary>
internal sealed class LambdaDestination(DestinationContext context) : IDestination
{
    // https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
    private const long MaxSynchronousPayload = 6 * 1024 * 1024;
    private const long MaxAsynchronousPayload = 1024 * 1024;
    private const int MaxPackets = 10_000;

    private readonly ILambda _lambda = context.Clients.Lambda(context.Listener, context.Definition, context.Arn.ToString());
    private readonly InvocationType _invocation = context.Definition.UseAsyncInvoke ? InvocationType.Event : InvocationType.RequestResponse;
    private readonly string _function = context.Arn.ToString();
    private readonly RequestPacketWriter _writer = new(context.Facts);

    public DestinationLimits Limits { get; } = new(context.Definition.UseAsyncInvoke ? MaxAsynchronousPayload : MaxSynchronousPayload, MaxPackets);

    public async Task<DeliveryOutcome> DeliverAsync(PacketBatch batch, CancellationToken cancellationToken)
    {
        using var payload = new PooledBuffer((int)batch.EncodedSize + RequestPacketWriter.EnvelopeSize);
        _writer.Write(payload, batch);

        var response = await _lambda.InvokeAsync(new InvokeRequest(_function, _invocation, payload.WrittenMemory), cancellationToken);

        if (response.FunctionError is { } error)
            return new DeliveryOutcome(DeliveryResult.FunctionError, Problem: $"{error} {ErrorType(response.Payload)}");
        if (response.StatusCode is < (int)HttpStatusCode.OK or >= (int)HttpStatusCode.Ambiguous)
            return new DeliveryOutcome(DeliveryResult.Failed, Problem: $"Invoke answered with status {response.StatusCode}");
        return new DeliveryOutcome(DeliveryResult.Delivered, _invocation == InvocationType.Event ? default : response.Payload);
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
