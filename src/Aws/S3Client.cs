using System.Text;
using System.Text.Json;

namespace UdpGateway.Aws;

/// <summary>Amazon S3 over HTTPS, with the bucket in the path, which works for every name and endpoint.</summary>
/// <remarks>Source: Amazon S3 API Reference, "PutObject", version 2006-03-01.</remarks>
public sealed class S3Client(AwsConnection connection) : IS3
{
    private static readonly AwsService S3 = new("S3", SigningName: "s3", EndpointPrefix: "s3");
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(60);

    private readonly IAwsTransport _transport = connection.Open(S3, AwsRetries.None, Timeout);

    public async Task PutObjectAsync(string bucket, string key, string contentType, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        var request = new PutObject
        {
            Method = HttpMethod.Put,
            Path = $"/{bucket}/{key}",
            Headers = [new("Content-Type", contentType)],
            Body = body,
            // An object of lines is no line itself.
            Recorded = connection.Records ? JsonSerializer.SerializeToUtf8Bytes(new { Bucket = bucket, Key = key, Body = Encoding.UTF8.GetString(body.Span) }, AwsJson.Relaxed) : null,
        };

        await _transport.SendAsync(request, cancellationToken);
    }

    private sealed class PutObject : AwsRequest;
}
