using System.Text.Json;

namespace UdpGateway.Aws;

/// <summary>AWS IoT Core's message broker over HTTPS.</summary>
/// <remarks>Source: AWS IoT data plane API Reference, "Publish", version 2015-05-28.</remarks>
public sealed class IotDataClient(AwsConnection connection) : IIotData
{
    private static readonly AwsService IotData = new("IoT Data Plane", SigningName: "iotdata", EndpointPrefix: "data-ats.iot");
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    private readonly IAwsTransport _transport = connection.Open(IotData, AwsRetries.None, Timeout);

    public async Task PublishAsync(string topic, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
    {
        var request = new Publish
        {
            Method = HttpMethod.Post,
            Path = "/topics/{Topic}",
            PathParameters = [new("{Topic}", topic)],
            Headers = [new("Content-Type", "application/octet-stream")],
            Body = payload,
            // Raw bytes are no line: what is recorded is the input as SDKs and the command line take it.
            Recorded = connection.Records ? JsonSerializer.SerializeToUtf8Bytes(new { topic, payload = Convert.ToBase64String(payload.Span) }, AwsJson.Relaxed) : null,
        };

        await _transport.SendAsync(request, cancellationToken);
    }

    private sealed class Publish : AwsRequest;
}
