namespace UdpGateway.Aws;

/// <summary>Carries the calls of one service: to the service, or to what stands in its place.</summary>
internal interface IAwsTransport : IDisposable
{
    /// <exception cref="AwsServiceException">Every failure but the caller's own cancellation.</exception>
    Task<AwsResponse> SendAsync(AwsRequest request, CancellationToken cancellationToken);
}
