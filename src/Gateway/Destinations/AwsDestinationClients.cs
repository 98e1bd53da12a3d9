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
    private readonly ConcurrentBag<AwsConnection> _connections = [];

    public ILambda Lambda(ListenerRecord listener, DestinationDefinition destination, string arn)
    {
        if (!Arn.TryParse(arn, out var function))
            throw new ListenerNotServedException($"Destination {destination.Name}: \"{arn}\" is no ARN.");
        return new LambdaClient(Connect(listener, destination, function));
    }

    public AwsConnection Connect(ListenerRecord listener, DestinationDefinition destination, Arn arn)
    {
        // ExternalId is the declaring stack, so that a role can say which stack it trusts.
        var credentials = destination.RoleArn is { } role ? _roles.For(role, listener.StackId, $"udpgw-{listener.PhysicalResourceId}") : own;
        var connection = new AwsConnection(credentials, arn.Region.Length > 0 ? arn.Region : region);
        _connections.Add(connection);
        return connection;
    }

    public void Dispose()
    {
        foreach (var connection in _connections)
            connection.Dispose();
        _roles.Dispose();
    }
}
