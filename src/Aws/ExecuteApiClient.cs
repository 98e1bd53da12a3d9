namespace UdpGateway.Aws;

/// <summary>One API of Amazon API Gateway, REST or HTTP, over HTTPS.</summary>
/// <remarks>Source: API Gateway Developer Guide, "Invoke REST APIs" and "Control access with IAM permissions".</remarks>
public sealed class ExecuteApiClient(AwsConnection connection, string apiId) : IExecuteApi
{
    /// <summary>Above API Gateway's own limit of an integration, which can be raised by quota.</summary>
    private static readonly TimeSpan Timeout = TimeSpan.FromMinutes(2);

    private readonly IAwsTransport _transport = connection.Open(
        new AwsService("Execute API", SigningName: "execute-api", EndpointPrefix: $"{apiId}.execute-api"), AwsRetries.ThrottlingOnly, Timeout);

    public async Task<ReadOnlyMemory<byte>> InvokeAsync(HttpMethod method, string path, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        var request = new Invoke
        {
            Method = method,
            Path = path,
            Headers = [new("Content-Type", "application/json")],
            Body = body,
            Recorded = body,
            RecordedAnswer = "null"u8.ToArray(),
        };

        var response = await _transport.SendAsync(request, cancellationToken);

        return response.Body;
    }

    private sealed class Invoke : AwsRequest;
}
