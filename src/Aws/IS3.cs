namespace UdpGateway.Aws;

/// <summary>The operations of Amazon S3 that the gateway calls, named after the API's own.</summary>
public interface IS3
{
    /// <summary>Not repeated on failure; the same key replaces the object.</summary>
    /// <param name="bucket">In any region; it is found out once for each bucket.</param>
    /// <param name="key">Letters, digits and <c>. _ = / -</c>.</param>
    /// <param name="contentType">Of the object.</param>
    /// <param name="body">It must not change until the call ends.</param>
    /// <param name="cancellationToken">Gives up the call.</param>
    /// <exception cref="AwsServiceException">The call failed.</exception>
    Task PutObjectAsync(string bucket, string key, string contentType, ReadOnlyMemory<byte> body, CancellationToken cancellationToken);
}
