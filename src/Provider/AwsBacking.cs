using Amazon.Runtime.Credentials;
using Microsoft.Extensions.Logging;
using UdpGateway.Aws;

namespace UdpGateway.Provider;

/// <summary>What the provider works with on AWS; the one place that chooses.</summary>
internal static class AwsBacking
{
    // ELB and ECS answer polls within quotas that all fleets of the account share.
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(3);

    // Everything made here lives as long as the process.
    public static ProviderBacking Compose(ProviderSettings settings, ILoggerFactory loggers)
    {
        AwsHttpClientFactory.Install();
        var credentials = DefaultAWSCredentialsIdentityResolver.GetCredentials();
        var connection = new AwsConnection(credentials, settings.Region);
        var store = new DynamoDbListenerStore(connection, settings.TableName);
        var provisioner = new AwsProvisioner(
            store,
            new DynamoDbFleetStore(connection, settings.TableName),
            new EcsClient(connection),
            new ElasticLoadBalancingV2Client(connection),
            new Ec2Client(connection),
            new FleetServiceOptions(settings.Region, settings.TableName, TimeProvider.System),
            Pause);
        return new ProviderBacking(settings.ToOptions(), store, new SecretsManagerSecretStore(credentials, settings.Region), provisioner);
    }
}
