using System.Net;
using System.Text.Json;
using UdpGateway.Aws;
using UdpGateway.Gateway.Batching;
using UdpGateway.Gateway.Packets;
using UdpGateway.Gateway.Replies;

namespace UdpGateway.Gateway.Destinations;

/// <summary>One request per batch; the body of the answer has the replies, whatever its status.</summary>
internal sealed class ApiGatewayDestination : IDestination
{
    // https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
    private const long MaxPayload = 10 * 1024 * 1024;
    private const int MaxPackets = 10_000;

    // The stage of HTTP APIs that is no part of the path.
    private const string DefaultStage = "$default";

    private readonly HttpMethod _method;
    private readonly string _path;
    private readonly RequestPacketWriter _writer;
    private readonly ExecuteApiClient _api;
    private readonly IReplySink _replies;

    public ApiGatewayDestination(DestinationContext context)
    {
        // API-ID/STAGE/METHOD[/PATH]
        var parts = context.Arn.Resource.Split('/', 4);
        var path = parts.Length == 4 ? "/" + parts[3] : "/";
        _method = new HttpMethod(parts[2]);
        _path = parts[1] == DefaultStage ? path : $"/{parts[1]}{path}";
        _writer = new RequestPacketWriter(context.Facts);
        _replies = context.Replies;
        _api = new ExecuteApiClient(context.Connection, parts[0]);
    }

    public DestinationLimits Limits => new(MaxPayload, MaxPackets);

    public Task<DeliveryOutcome> DeliverAsync(PacketBatch batch, CancellationToken cancellationToken) =>
        WholeSender.HalvingAsync(BatchPart.Whole(batch), _replies, CallAsync, IsTooLarge, cancellationToken);

    private async Task<DeliveryOutcome> CallAsync(BatchPart part, CancellationToken cancellationToken)
    {
        using var body = new PooledBuffer(part.EncodedSize + RequestPacketWriter.EnvelopeSize);
        _writer.Write(body, part);

        try
        {
            return new DeliveryOutcome(DeliveryResult.Delivered, await _api.InvokeAsync(_method, _path, body.WrittenMemory, cancellationToken));
        }
        catch (AwsServiceException failure) when (HasReplies(failure.Body))
        {
            // Answered, so there is nothing left to do for the packets.
            return new DeliveryOutcome(DeliveryResult.FunctionError, failure.Body, $"the API answered HTTP {(int)failure.StatusCode}, with replies") { Failed = [] };
        }
    }

    // Other answers may be the customer's own: their code has run.
    private static bool IsTooLarge(AwsServiceException failure) => failure.StatusCode == HttpStatusCode.RequestEntityTooLarge;

    private static bool HasReplies(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var json = JsonDocument.Parse(body);
            return json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty("Replies", out _);
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
