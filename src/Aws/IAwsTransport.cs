namespace UdpGateway.Aws;

/// <summary>Carries the calls of one service: to the service, or to what stands in its place.</summary>
internal interface IAwsTransport : IDisposable
{
    /// <exception cref="AwsServiceException">Every failure but the caller's own cancellation.</exception>
    Task<AwsResponse> SendAsync(AwsRequest request, CancellationToken cancellationToken);

    /// <summary>
    /// The answer's body as it arrives, within the client's timeout from its first byte to its last. Reading throws
    /// <see cref="AwsServiceException"/> when the connection breaks or the time is over.
    /// </summary>
    /// <exception cref="AwsServiceException">Every failure but the caller's own cancellation.</exception>
    Task<Stream> OpenStreamAsync(AwsRequest request, CancellationToken cancellationToken);
}
