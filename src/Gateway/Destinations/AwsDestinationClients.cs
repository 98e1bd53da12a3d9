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
    private readonly ConcurrentDictionary<(string? Role, string StackId, string Listener, string Region), Lazy<LambdaClient>> _lambdas = new();

    public ILambda Lambda(ListenerRecord listener, DestinationDefinition destination, string arn)
    {
        if (!Arn.TryParse(arn, out var function))
            throw new ListenerNotServedException($"Destination {destination.Name}: \"{arn}\" is no ARN.");
        var key = (destination.RoleArn, listener.StackId, listener.PhysicalResourceId, function.Region);
        return _lambdas.GetOrAdd(key, _ => new Lazy<LambdaClient>(() => new LambdaClient(Credentials(listener, destination), function.Region))).Value;
    }

    public void Dispose()
    {
        foreach (var client in _lambdas.Values.Where(client => client.IsValueCreated))
            client.Value.Dispose();
        _roles.Dispose();
    }

    /// <summary>ExternalId is the declaring stack, so that a role can say which stack it trusts.</summary>
    private AWSCredentials Credentials(ListenerRecord listener, DestinationDefinition destination) =>
        destination.RoleArn is { } role ? _roles.For(role, listener.StackId, $"udpgw-{listener.PhysicalResourceId}") : own;
}
