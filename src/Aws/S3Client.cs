using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;

namespace UdpGateway.Aws;

/// <summary>
/// Amazon S3 over HTTPS, with the bucket in the path, which works for every name and endpoint. A bucket's ARN does not say where it
/// is: the connection's region is asked first, and one that answers with the bucket's region is believed, but where it points to is not.
/// </summary>
/// <remarks>Source: Amazon S3 API Reference, "PutObject" and "Error responses" (PermanentRedirect), version 2006-03-01.</remarks>
public sealed class S3Client(AwsConnection connection) : IS3
{
    private static readonly AwsService S3 = new("S3", SigningName: "s3", EndpointPrefix: "s3");
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(60);

    private readonly ConcurrentDictionary<string, string> _regionOfBucket = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Lazy<IAwsTransport>> _transports = new(StringComparer.Ordinal);

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

        var region = _regionOfBucket.GetValueOrDefault(bucket, connection.Region);
        try
        {
            await Transport(region).SendAsync(request, cancellationToken);
        }
        catch (AwsServiceException failure) when (IsElsewhere(failure) && failure.BucketRegion is { } actual && actual != region)
        {
            await Transport(actual).SendAsync(request, cancellationToken);
            _regionOfBucket[bucket] = actual;
        }
    }

    // 301 PermanentRedirect, 307 TemporaryRedirect while a bucket is new, 400 AuthorizationHeaderMalformed: nothing was written.
    private static bool IsElsewhere(AwsServiceException failure) => (int)failure.StatusCode is (>= 300 and < 400) or 400;

    private IAwsTransport Transport(string region) =>
        _transports.GetOrAdd(region, key => new Lazy<IAwsTransport>(() => connection.Open(S3, AwsRetries.None, Timeout, key))).Value;

    private sealed class PutObject : AwsRequest;
}
