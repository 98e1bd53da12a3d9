using Amazon.Runtime.Credentials;
using Microsoft.Extensions.Logging;
using UdpGateway.Aws;
using UdpGateway.Provider.Provisioning;

namespace UdpGateway.Provider;

/// <summary>What the provider works with on AWS; the one place that chooses.</summary>
internal static class AwsBacking
{
    private const string SessionName = "udp-gateway-provider";

    // ELB and ECS answer polls within quotas that all fleets of the account share.
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(3);

    // IAM Developer Guide, "Changes that I make are not always immediately visible": roles of the same stack are seconds old.
    private static readonly TimeSpan PermissionPatience = TimeSpan.FromSeconds(60);

    // SNS asks within seconds; while a source moves to another topic, gateways look into its queue too and may be the ones who see it.
    private static readonly TimeSpan ConfirmationPatience = TimeSpan.FromSeconds(120);

    // Everything made here lives as long as the process.
    public static ProviderBacking Compose(ProviderSettings settings, ILoggerFactory loggers)
    {
        AwsHttpClientFactory.Install();
        var own = DefaultAWSCredentialsIdentityResolver.GetCredentials();
        // What is the customers' is reached as the gateways reach it: through the one role that customers trust.
        var gateway = new DestinationCredentials(own, settings.Region).For(settings.ServiceRoleArn, settings.AccountId, SessionName);
        var connection = new AwsConnection(own, settings.Region);
        var store = new DynamoDbListenerStore(connection, settings.TableName);
        var fleetStore = new DynamoDbFleetStore(connection, settings.TableName);
        var (ecs, balancing, ec2) = (new EcsClient(connection), new ElasticLoadBalancingV2Client(connection), new Ec2Client(connection));
        var secrets = new ProviderSecrets(
            new SecretsManagerSecretStore(own, settings.Region, tags: ProvisioningTags.Of(settings.TableName)), new SecretsManagerSecretStore(gateway, settings.Region), settings.ApiKeySecret);
        var provisioner = new AwsProvisioner(store, fleetStore, ecs, balancing, ec2, new FleetServiceOptions(settings.Region, settings.TableName, TimeProvider.System), Pause);
        var tagged = new TaggedOrphans(new ResourceGroupsTaggingClient(connection), new SqsClient(connection), new SecretsManagerClient(connection), balancing, settings.TableName);
        return new ProviderBacking(settings.ToOptions(), store, secrets, provisioner)
        {
            PacketSources = new SqsPacketSourceProvisioner(
                connection, new DestinationCredentials(gateway, settings.Region), settings.AccountId, serviceUrl: null, PermissionPatience, ConfirmationPatience, settings.TableName, Pause, loggers.CreateLogger<SqsPacketSourceProvisioner>()),
            Sweep = new FleetSweep(store, fleetStore, ecs, balancing, ec2, tagged, FleetSweep.UsualOrphanAge, loggers.CreateLogger<FleetSweep>()),
        };
    }
}
