using UdpGateway.Aws;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;
using UdpGateway.Provider.Provisioning;
using Arn = UdpGateway.Listeners.Arn;

namespace UdpGateway.Provider;

/// <param name="Name">What it is noted and logged by.</param>
/// <param name="HasRecord">Asked again, of what is stored then, before it is removed: an event may have come that goes on with it.</param>
/// <param name="RemoveAsync">What is gone already is no failure.</param>
internal sealed record Orphan(string Name, Func<ConfigurationSnapshot, bool> HasRecord, Func<CancellationToken, Task> RemoveAsync);

/// <summary>
/// What this installation made that no fleet's balancer leads to: queues, secrets, and target groups without a listener. It is ours by its tag and its
/// name's beginning, both; what carries another installation's tag, or none, is nobody's business here.
/// </summary>
internal sealed class TaggedOrphans(IResourceGroupsTagging tagging, ISqs sqs, ISecretsManager secrets, IElasticLoadBalancingV2 balancing, string installation)
{
    private const string TargetGroupPart = "targetgroup/";
    private const string SecretPart = "secret:";

    // Secrets Manager ends the ARN of every secret with a hyphen and six characters of its own.
    private const int SecretSuffixLength = 7;

    private static readonly string[] Types = ["sqs", "secretsmanager:secret", "elasticloadbalancing:targetgroup"];

    /// <summary>Everything that any installation made here.</summary>
    public Task<IReadOnlyList<TaggedResource>> ReadAsync(CancellationToken cancellationToken) => tagging.GetResourcesAsync(ProvisioningTags.Installation, Types, cancellationToken);

    public bool AreForeign(IReadOnlyDictionary<string, string> tags) => tags.TryGetValue(ProvisioningTags.Installation, out var other) && other != installation;

    /// <param name="tagged">Read before <paramref name="configuration"/>: what is made belongs to a record that was written before, except for secrets.</param>
    /// <param name="seen">ARNs of what belongs to a fleet's balancer, and is looked after there.</param>
    public async Task<IReadOnlyList<Orphan>> FindAsync(IReadOnlyList<TaggedResource> tagged, ConfigurationSnapshot configuration, IReadOnlySet<string> seen, CancellationToken cancellationToken)
    {
        var orphans = new List<Orphan>();
        foreach (var resource in tagged.Where(resource => resource.Tags.GetValueOrDefault(ProvisioningTags.Installation) == installation && !seen.Contains(resource.Arn)))
        {
            if (Arn.TryParse(resource.Arn, out var arn) && Judge(arn, resource) is { } orphan && !orphan.HasRecord(configuration) && !await IsGoingAsync(arn, cancellationToken))
                orphans.Add(orphan);
        }

        return orphans;
    }

    private Orphan? Judge(Arn arn, TaggedResource resource) => (arn.Service, arn.Resource) switch
    {
        ("sqs", var queue) when queue.StartsWith(SqsPacketSourceProvisioner.QueueNamePrefix, StringComparison.Ordinal) => new Orphan(
            $"queue {queue}",
            configuration => configuration.PacketSources.Any(source => SqsPacketSourceProvisioner.QueueName(source) == queue),
            token => RemoveQueueAsync(queue, arn.Account, token)),
        ("secretsmanager", var secret) when secret.StartsWith(SecretPart + ListenerSecretNames.IdPrefix, StringComparison.Ordinal) && secret.Length > SecretPart.Length + SecretSuffixLength =>
            OfSecret(secret[SecretPart.Length..^SecretSuffixLength], resource.Arn),
        ("elasticloadbalancing", var group) when group.StartsWith(TargetGroupPart + FleetNames.TargetGroupPrefix, StringComparison.Ordinal) => new Orphan(
            $"target group {group[TargetGroupPart.Length..]}",
            configuration => configuration.Listeners.Any(listener =>
                listener.PhysicalResourceId == resource.Tags.GetValueOrDefault(ProvisioningTags.Listener) && listener.StackId == resource.Tags.GetValueOrDefault(ProvisioningTags.Stack)),
            token => balancing.DeleteTargetGroupAsync(resource.Arn, token)),
        _ => null,
    };

    private Orphan OfSecret(string name, string arn) => new(
        $"secret {name}",
        configuration => configuration.Listeners.Any(listener => listener.SecretId == name) || configuration.Fleets.Any(fleet => fleet.RelaySecretId == name),
        token => secrets.DeleteSecretAsync(arn, SecretsManagerSecretStore.RecoveryWindowInDays, token));

    /// <summary>Deleted secrets can be restored for days, and keep their tags so long.</summary>
    private async Task<bool> IsGoingAsync(Arn arn, CancellationToken cancellationToken)
    {
        if (arn.Service != "secretsmanager")
            return false;
        try
        {
            return (await secrets.DescribeSecretAsync(arn.ToString(), cancellationToken)).IsDeleted;
        }
        catch (AwsServiceException failure) when (failure.ErrorCode is "ResourceNotFoundException")
        {
            return true;
        }
    }

    private async Task RemoveQueueAsync(string name, string account, CancellationToken cancellationToken)
    {
        try
        {
            await sqs.DeleteQueueAsync(await sqs.GetQueueUrlAsync(name, account, cancellationToken), cancellationToken);
        }
        catch (AwsServiceException failure) when (SqsPacketSourceProvisioner.IsMissing(failure))
        {
            // The tagging service did not know yet.
        }
    }
}
