namespace UdpGateway.Aws;

/// <summary>The operations of the AWS IoT data plane that the gateway calls, named after the API's own.</summary>
public interface IIotData
{
    /// <summary>With quality of service 0. Not repeated on failure.</summary>
    /// <param name="topic">At most 256 bytes, without wildcards.</param>
    /// <param name="payload">At most 128 KiB; it must not change until the call ends.</param>
    /// <param name="cancellationToken">Gives up the call.</param>
    /// <exception cref="AwsServiceException">The call failed.</exception>
    Task PublishAsync(string topic, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken);
}
