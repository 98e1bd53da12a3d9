using System.Collections.Concurrent;
using Amazon.Runtime;
using UdpGateway.Aws;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;

namespace UdpGateway.Gateway.Destinations;

/// <summary>Clients with the credentials of each destination's role; without a role, with the gateway's own.</summary>
internal sealed class AwsDestinationClients(AWSCredentials own, string region) : IDestinationClients, IDisposable
{
    private readonly DestinationCredentials _roles = new(own, region);
    private readonly AwsConnection _own = new(own, region);
    private readonly ConcurrentDictionary<(string? Role, string StackId, string Listener, string Region), Lazy<AwsConnection>> _connections = new();

    public ISqs Queues => new SqsClient(_own);

    public ILambda Lambda(ListenerRecord listener, DestinationDefinition destination, string arn)
    {
        if (!Arn.TryParse(arn, out var function))
            throw new ListenerNotServedException($"Destination {destination.Name}: \"{arn}\" is no ARN.");
        return new LambdaClient(Connect(listener, destination, function));
    }

    public AwsConnection Connect(ListenerRecord listener, DestinationDefinition destination, Arn arn) =>
        Connect(listener, destination, arn.Region.Length > 0 ? arn.Region : region);

    public AwsConnection ConnectCloudWatch(ListenerRecord listener, DestinationDefinition destination) => Connect(listener, destination, region);

    public void Dispose()
    {
        foreach (var connection in _connections.Values.Where(connection => connection.IsValueCreated))
            connection.Value.Dispose();
        _own.Dispose();
        _roles.Dispose();
    }

    /// <summary>One connection for all that share it: a configuration that changes often must not open one each time.</summary>
    private AwsConnection Connect(ListenerRecord listener, DestinationDefinition destination, string serviceRegion) => _connections.GetOrAdd(
        (destination.RoleArn, listener.StackId, listener.PhysicalResourceId, serviceRegion),
        key => new Lazy<AwsConnection>(() => new AwsConnection(Credentials(listener, destination), key.Region))).Value;

    /// <summary>ExternalId is the declaring stack, so that a role can say which stack it trusts.</summary>
    private AWSCredentials Credentials(ListenerRecord listener, DestinationDefinition destination) =>
        destination.RoleArn is { } role ? _roles.For(role, listener.StackId, $"udpgw-{listener.PhysicalResourceId}") : own;
}
