using UdpGateway.Aws;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;

namespace UdpGateway.Gateway;

/// <summary>
/// Clients of the services that destinations and packet sources name, with the credentials of the destination's role. A client is asked
/// for once per destination and lives as long as the destination stays as it is.
/// </summary>
public interface IDestinationClients
{
    /// <param name="listener">The listener; its StackId is the external id of AssumeRole.</param>
    /// <param name="destination">The declaration, with the role.</param>
    /// <param name="arn">The ARN that was chosen for this region.</param>
    ILambda Lambda(ListenerRecord listener, DestinationDefinition destination, string arn);

    /// <summary>How the service of that ARN is reached, for a client that the destination makes itself.</summary>
    /// <param name="listener">The listener; its StackId is the external id of AssumeRole.</param>
    /// <param name="destination">The declaration, with the role.</param>
    /// <param name="arn">The ARN that was chosen for this region; where it names no region, the service is called in this one.</param>
    AwsConnection Connect(ListenerRecord listener, DestinationDefinition destination, Arn arn);

    /// <summary>How CloudWatch and CloudWatch Logs of the gateway's region are reached, for MetricsEnabled and LogGroupName.</summary>
    /// <param name="listener">The listener; its StackId is the external id of AssumeRole.</param>
    /// <param name="destination">The declaration, with the role.</param>
    AwsConnection ConnectCloudWatch(ListenerRecord listener, DestinationDefinition destination);

    /// <summary>The queues of packet sources, which are the gateway's own; null where messages come without queues.</summary>
    ISqs? Queues => null;
}
