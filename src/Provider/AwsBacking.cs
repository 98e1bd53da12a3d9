using Amazon.Runtime;
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

    public static ProviderBacking Compose(ProviderSettings settings, ILoggerFactory loggers)
    {
        AwsHttpClientFactory.Install();
        return Compose(settings, loggers, DefaultAWSCredentialsIdentityResolver.GetCredentials(), serviceUrl: null, AwsPatience.Usual, Pause);
    }

    /// <summary>Everything made here lives as long as the process.</summary>
    /// <param name="own">Whom the provider calls AWS as.</param>
    /// <param name="serviceUrl">Of every service; null takes the SDK's configuration.</param>
    /// <param name="pause">Between two looks at what AWS and the tasks say.</param>
    internal static ProviderBacking Compose(ProviderSettings settings, ILoggerFactory loggers, AWSCredentials own, Uri? serviceUrl, AwsPatience patience, TimeSpan pause)
    {
        // What is the customers' is reached as the gateways reach it: through the one role that customers trust.
        var gateway = new DestinationCredentials(own, settings.Region, serviceUrl, patience: patience).For(settings.ServiceRoleArn, settings.AccountId, SessionName);
        var connection = new AwsConnection(own, settings.Region, serviceUrl, patience);
        var store = new DynamoDbListenerStore(connection, settings.TableName);
        var fleetStore = new DynamoDbFleetStore(connection, settings.TableName);
        var (ecs, balancing, ec2) = (new EcsClient(connection), new ElasticLoadBalancingV2Client(connection), new Ec2Client(connection));
        var secrets = new ProviderSecrets(
            new SecretsManagerSecretStore(own, settings.Region, serviceUrl: serviceUrl, tags: ProvisioningTags.Of(settings.TableName), patience: patience),
            new SecretsManagerSecretStore(gateway, settings.Region, serviceUrl: serviceUrl, patience: patience),
            settings.ApiKeySecret,
            TimeProvider.System,
            pause);
        var provisioner = new AwsProvisioner(store, fleetStore, ecs, balancing, ec2, new FleetServiceOptions(settings.Region, settings.TableName, TimeProvider.System), pause);
        var tagged = new TaggedOrphans(new ResourceGroupsTaggingClient(connection), new SqsClient(connection), new SecretsManagerClient(connection), balancing, settings.TableName);
        return new ProviderBacking(settings.ToOptions(), store, secrets, provisioner)
        {
            PacketSources = new SqsPacketSourceProvisioner(
                connection, new DestinationCredentials(gateway, settings.Region, serviceUrl, patience: patience), settings.AccountId, serviceUrl, PermissionPatience, ConfirmationPatience, settings.TableName, pause,
                loggers.CreateLogger<SqsPacketSourceProvisioner>()),
            Sweep = new FleetSweep(store, fleetStore, ecs, balancing, ec2, tagged, FleetSweep.UsualOrphanAge, loggers.CreateLogger<FleetSweep>()),
        };
    }
}
