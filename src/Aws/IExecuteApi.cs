namespace UdpGateway.Aws;

/// <summary>Calls of APIs that Amazon API Gateway serves, signed for <c>execute-api</c>.</summary>
public interface IExecuteApi
{
    /// <summary>Repeated only when throttled, which is before the integration runs.</summary>
    /// <param name="method">Such as POST.</param>
    /// <param name="path">With the stage, absolute.</param>
    /// <param name="body">JSON text as UTF-8, at most 10 MB; it must not change until the call ends.</param>
    /// <param name="cancellationToken">Gives up the call.</param>
    /// <returns>The answer's body.</returns>
    /// <exception cref="AwsServiceException">The status is outside 2xx, or there was no answer; <see cref="AwsServiceException.Body"/> is what came.</exception>
    Task<ReadOnlyMemory<byte>> InvokeAsync(HttpMethod method, string path, ReadOnlyMemory<byte> body, CancellationToken cancellationToken);
}
