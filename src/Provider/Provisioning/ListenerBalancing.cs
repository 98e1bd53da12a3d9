using UdpGateway.Aws;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;

namespace UdpGateway.Provider;

/// <summary>
/// What a listener has at the balancer: a target group, a UDP listener, and the security groups' admission for a port outside the fleet's
/// range. Both directions take what they find as it is, so that they can be repeated from any state.
/// </summary>
internal sealed class ListenerBalancing(IElasticLoadBalancingV2 balancing, IEc2 ec2, string installation)
{
    // A task that leaves says so itself and serves on for a while; flows end after that.
    private static readonly Dictionary<string, string> GroupAttributes = new()
    {
        ["deregistration_delay.timeout_seconds"] = "60",
        ["deregistration_delay.connection_termination.enabled"] = "true",
        ["stickiness.enabled"] = "true",
        ["stickiness.type"] = "source_ip",
        ["load_balancing.cross_zone.enabled"] = "true",
    };

    /// <returns>ARN of the target group.</returns>
    /// <exception cref="ProvisioningException">The port is somebody else's.</exception>
    public async Task<string> EnsureAsync(FleetRecord fleet, ListenerRecord listener, CancellationToken cancellationToken)
    {
        // Before all else: of what is needed, this is what a quota of the customer's own groups may refuse.
        if (Admissions(fleet, listener).Any())
            await AdmitAsync(fleet, [listener], cancellationToken);
        var name = FleetNames.TargetGroup(fleet.Definition.LoadBalancerArn, listener);
        // Finds the group that has the name already, too: an earlier attempt's or an earlier version's.
        var group = await balancing.CreateTargetGroupAsync(
            new TargetGroupInput(name, fleet.VpcId, TargetPortOf(listener), fleet.Definition.HealthPort, $"/readyz/{listener.PhysicalResourceId}", ProvisioningTags.Of(installation, fleet, listener)),
            cancellationToken);
        await balancing.ModifyTargetGroupAttributesAsync(group, GroupAttributes, cancellationToken);
        if (!await IsForwardedAsync(fleet, listener, group, cancellationToken))
            await ForwardAsync(fleet, listener, group, cancellationToken);
        return group;
    }

    /// <summary>Gives listeners of the fleet the rules that its own do not cover, and takes back those that are not needed any more or admit others than it names.</summary>
    public async Task AdmitAsync(FleetRecord fleet, IReadOnlyList<ListenerRecord> listeners, CancellationToken cancellationToken)
    {
        if (fleet.LoadBalancerSecurityGroup is not { } balancerGroup || listeners.Count == 0)
            return;
        foreach (var groupId in (string[])[balancerGroup, fleet.Definition.SecurityGroups[0]])
        {
            var present = await ec2.DescribeSecurityGroupRulesAsync(groupId, cancellationToken);
            foreach (var listener in listeners)
            {
                var stale = present.Where(rule => IsOf(listener, fleet, rule)).ToList();
                foreach (var (_, wanted) in Admissions(fleet, listener).Where(admission => admission.GroupId == groupId))
                {
                    if (stale.RemoveAll(rule => rule.FromPort == wanted.Port && rule.ToPort == wanted.Port && rule.Cidr == wanted.Cidr) == 0)
                        await AuthorizeAsync(fleet, groupId, wanted, cancellationToken);
                }

                if (stale.Count > 0)
                    await ec2.RevokeSecurityGroupIngressAsync(groupId, [.. stale.Select(rule => rule.RuleId)], cancellationToken);
            }
        }
    }

    /// <returns>Null when nothing is left; else one sentence that says what is.</returns>
    public async Task<string?> RemoveAsync(FleetRecord fleet, ListenerRecord listener, CancellationToken cancellationToken)
    {
        var name = FleetNames.TargetGroup(fleet.Definition.LoadBalancerArn, listener);
        if (await balancing.DescribeTargetGroupsAsync(name, cancellationToken) is { } group)
        {
            foreach (var forwarding in await balancing.DescribeListenersAsync(fleet.Definition.LoadBalancerArn, cancellationToken))
            {
                if (forwarding.TargetGroupArn == group.Arn)
                    await balancing.DeleteListenerAsync(forwarding.Arn, cancellationToken);
            }

            try
            {
                await balancing.DeleteTargetGroupAsync(group.Arn, cancellationToken);
            }
            catch (AwsServiceException failure) when (failure.ErrorCode is "ResourceInUse")
            {
                return $"The target group {name} is still in use.";
            }
        }

        foreach (var (groupId, _) in Admissions(fleet, listener))
        {
            var rules = (await ec2.DescribeSecurityGroupRulesAsync(groupId, cancellationToken)).Where(rule => IsOf(listener, fleet, rule)).Select(rule => rule.RuleId).ToArray();
            if (rules.Length > 0)
                await ec2.RevokeSecurityGroupIngressAsync(groupId, rules, cancellationToken);
        }

        return null;
    }

    private static int TargetPortOf(ListenerRecord listener) => listener.TargetPort ?? listener.Port;

    private static string DescriptionOf(ListenerRecord listener) => $"udp-gateway listener {listener.PhysicalResourceId}";

    private bool IsOf(ListenerRecord listener, FleetRecord fleet, IngressRuleDescription rule) => ProvisioningTags.AreOf(installation, fleet, listener, rule.Tags);

    /// <summary>The rules that the fleet's own do not cover: clients to the balancer, and the balancer to the tasks.</summary>
    private IEnumerable<(string GroupId, IngressRule Rule)> Admissions(FleetRecord fleet, ListenerRecord listener)
    {
        var definition = fleet.Definition;
        if (fleet.LoadBalancerSecurityGroup is not { } balancerGroup)
            yield break;
        if (!definition.PortRange.Contains(listener.Port))
            yield return (balancerGroup, new IngressRule(listener.Port, definition.ClientCidr, null, DescriptionOf(listener), ProvisioningTags.Of(installation, fleet, listener)));
        if (!definition.PortRange.Contains(TargetPortOf(listener)))
            yield return (definition.SecurityGroups[0], new IngressRule(TargetPortOf(listener), null, balancerGroup, DescriptionOf(listener), ProvisioningTags.Of(installation, fleet, listener)));
    }

    private async Task AuthorizeAsync(FleetRecord fleet, string groupId, IngressRule rule, CancellationToken cancellationToken)
    {
        try
        {
            await ec2.AuthorizeSecurityGroupIngressAsync(groupId, rule, cancellationToken);
        }
        catch (AwsServiceException failure) when (failure.ErrorCode is "RulesPerSecurityGroupLimitExceeded")
        {
            throw new ProvisioningException(
                $"The security group {groupId} has as many rules as its quota permits, and port {rule.Port} needs one more; declare a Port from {fleet.Definition.PortRange}, or none, or have the quota of inbound rules per security group raised.", failure);
        }
    }

    private async Task<bool> IsForwardedAsync(FleetRecord fleet, ListenerRecord listener, string group, CancellationToken cancellationToken)
    {
        var present = (await balancing.DescribeListenersAsync(fleet.Definition.LoadBalancerArn, cancellationToken)).FirstOrDefault(existing => existing.Port == listener.Port);
        return present is not null && (present.TargetGroupArn == group
            ? true
            : throw new ProvisioningException($"Port {listener.Port} of the fleet {fleet.PhysicalResourceId}'s balancer has another listener already; choose another Port."));
    }

    private async Task ForwardAsync(FleetRecord fleet, ListenerRecord listener, string group, CancellationToken cancellationToken)
    {
        try
        {
            await balancing.CreateListenerAsync(fleet.Definition.LoadBalancerArn, listener.Port, group, ProvisioningTags.Of(installation, fleet, listener), cancellationToken);
        }
        catch (AwsServiceException failure) when (failure.ErrorCode is "DuplicateListener")
        {
            // A parallel event, or an attempt whose answer was lost, made it.
            if (!await IsForwardedAsync(fleet, listener, group, cancellationToken))
                throw;
        }
    }
}
