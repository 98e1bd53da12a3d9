namespace UdpGateway.Aws;

/// <summary>
/// The operations of Elastic Load Balancing that listeners need, named after the API's own. Every one may be repeated: what is there already,
/// or gone already, is no failure.
/// </summary>
public interface IElasticLoadBalancingV2
{
    /// <returns>Null if there is no such balancer.</returns>
    /// <exception cref="AwsServiceException">The call failed.</exception>
    Task<LoadBalancerDescription?> DescribeLoadBalancersAsync(string loadBalancerArn, CancellationToken cancellationToken);

    /// <returns>The group's ARN, also if it was there already.</returns>
    /// <exception cref="AwsServiceException">The call failed.</exception>
    Task<string> CreateTargetGroupAsync(TargetGroupInput group, CancellationToken cancellationToken);

    /// <exception cref="AwsServiceException">The call failed.</exception>
    Task ModifyTargetGroupAttributesAsync(string targetGroupArn, IReadOnlyDictionary<string, string> attributes, CancellationToken cancellationToken);

    /// <returns>Null if there is no group with this name.</returns>
    /// <exception cref="AwsServiceException">The call failed.</exception>
    Task<TargetGroupDescription?> DescribeTargetGroupsAsync(string name, CancellationToken cancellationToken);

    /// <returns>Every group that a listener of the balancer forwards to.</returns>
    /// <exception cref="AwsServiceException">The call failed.</exception>
    Task<IReadOnlyList<TargetGroupDescription>> DescribeTargetGroupsOfAsync(string loadBalancerArn, CancellationToken cancellationToken);

    /// <exception cref="AwsServiceException">The call failed, for example because a listener still forwards to the group.</exception>
    Task DeleteTargetGroupAsync(string targetGroupArn, CancellationToken cancellationToken);

    /// <summary>A UDP listener that forwards to the group.</summary>
    /// <exception cref="AwsServiceException">The call failed; <c>DuplicateListener</c> if the port has a listener.</exception>
    Task CreateListenerAsync(string loadBalancerArn, int port, string targetGroupArn, IReadOnlyDictionary<string, string> tags, CancellationToken cancellationToken);

    /// <returns>All listeners of the balancer; none if there is no such balancer.</returns>
    /// <exception cref="AwsServiceException">The call failed.</exception>
    Task<IReadOnlyList<BalancerListenerDescription>> DescribeListenersAsync(string loadBalancerArn, CancellationToken cancellationToken);

    /// <exception cref="AwsServiceException">The call failed.</exception>
    Task DeleteListenerAsync(string listenerArn, CancellationToken cancellationToken);

    /// <exception cref="AwsServiceException">The call failed; <c>TargetGroupNotFound</c> if the group is gone.</exception>
    Task RegisterTargetsAsync(string targetGroupArn, IReadOnlyList<TargetAddress> targets, CancellationToken cancellationToken);

    /// <exception cref="AwsServiceException">The call failed.</exception>
    Task DeregisterTargetsAsync(string targetGroupArn, IReadOnlyList<TargetAddress> targets, CancellationToken cancellationToken);

    /// <returns>All targets; none if the group is gone.</returns>
    /// <exception cref="AwsServiceException">The call failed.</exception>
    Task<IReadOnlyList<TargetHealth>> DescribeTargetHealthAsync(string targetGroupArn, CancellationToken cancellationToken);
}

/// <param name="SecurityGroups">None for a balancer that was made without; then it never has any.</param>
/// <param name="Type"><c>network</c> for the kind that takes UDP.</param>
public sealed record LoadBalancerDescription(string Arn, string DnsName, string VpcId, string Type, IReadOnlyList<string> SecurityGroups);

/// <summary>A UDP target group of addresses, whose health is asked over HTTP.</summary>
/// <param name="Name">At most 32 letters, digits and hyphens.</param>
/// <param name="Port">UDP port of the targets.</param>
public sealed record TargetGroupInput(string Name, string VpcId, int Port, int HealthCheckPort, string HealthCheckPath, IReadOnlyDictionary<string, string> Tags);

public sealed record TargetGroupDescription(string Arn, string Name);

/// <param name="TargetGroupArn">Where it forwards to; null for any other action.</param>
public sealed record BalancerListenerDescription(string Arn, int Port, string Protocol, string? TargetGroupArn);

public sealed record TargetAddress(string Address, int Port);

/// <param name="State"><c>initial</c>, <c>healthy</c>, <c>unhealthy</c>, <c>draining</c>, <c>unused</c> or <c>unavailable</c>.</param>
/// <param name="Reason">The service's code and sentence for a state that is not healthy; null otherwise.</param>
public sealed record TargetHealth(TargetAddress Target, string State, string? Reason);
