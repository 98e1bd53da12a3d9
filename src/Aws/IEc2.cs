namespace UdpGateway.Aws;

/// <summary>
/// The operations of Amazon EC2 that a listener's port needs, named after the API's own. Every one may be repeated: what is there already,
/// or gone already, is no failure.
/// </summary>
public interface IEc2
{
    /// <exception cref="AwsServiceException">The call failed.</exception>
    Task AuthorizeSecurityGroupIngressAsync(string groupId, IngressRule rule, CancellationToken cancellationToken);

    /// <exception cref="AwsServiceException">The call failed.</exception>
    Task RevokeSecurityGroupIngressAsync(string groupId, IReadOnlyList<string> ruleIds, CancellationToken cancellationToken);

    /// <returns>The ingress rules for UDP; none if the group is gone.</returns>
    /// <exception cref="AwsServiceException">The call failed.</exception>
    Task<IReadOnlyList<IngressRuleDescription>> DescribeSecurityGroupRulesAsync(string groupId, CancellationToken cancellationToken);
}

/// <summary>Admits UDP to one port, either from a network or from another security group.</summary>
/// <param name="Cidr">IPv4 network; null if <paramref name="SourceGroupId"/> is given.</param>
/// <param name="Description">At most 255 characters of those that EC2 takes.</param>
public sealed record IngressRule(int Port, string? Cidr, string? SourceGroupId, string Description, IReadOnlyDictionary<string, string> Tags);

/// <param name="Cidr">IPv4 network; null if another security group is admitted.</param>
public sealed record IngressRuleDescription(string RuleId, int FromPort, int ToPort, string? Cidr, IReadOnlyDictionary<string, string> Tags);
