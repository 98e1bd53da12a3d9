using System.Text.Json;
using UdpGateway.Aws;
using UdpGateway.Gateway.Batching;
using UdpGateway.Gateway.Packets;

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

    public ApiGatewayDestination(DestinationContext context)
    {
        // API-ID/STAGE/METHOD[/PATH]
        var parts = context.Arn.Resource.Split('/', 4);
        var path = parts.Length == 4 ? "/" + parts[3] : "/";
        _method = new HttpMethod(parts[2]);
        _path = parts[1] == DefaultStage ? path : $"/{parts[1]}{path}";
        _writer = new RequestPacketWriter(context.Facts);
        _api = new ExecuteApiClient(context.Connection, parts[0]);
    }

    public DestinationLimits Limits => new(MaxPayload, MaxPackets);

    public async Task<DeliveryOutcome> DeliverAsync(PacketBatch batch, CancellationToken cancellationToken)
    {
        using var body = new PooledBuffer((int)batch.EncodedSize + RequestPacketWriter.EnvelopeSize);
        _writer.Write(body, batch);

        try
        {
            return new DeliveryOutcome(DeliveryResult.Delivered, await _api.InvokeAsync(_method, _path, body.WrittenMemory, cancellationToken));
        }
        catch (AwsServiceException failure) when (HasReplies(failure.Body))
        {
            return new DeliveryOutcome(DeliveryResult.FunctionError, failure.Body, $"the API answered HTTP {(int)failure.StatusCode}, with replies");
        }
    }

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
