using System.Xml.Linq;

namespace UdpGateway.Aws;

/// <summary>Amazon EC2 (security groups) over HTTPS, EC2's form of the query protocol.</summary>
/// <remarks>Source: Amazon EC2 API Reference, version 2016-11-15.</remarks>
public sealed class Ec2Client(AwsConnection connection) : IEc2
{
    private static readonly AwsService Service = new("EC2", SigningName: "ec2", EndpointPrefix: "ec2");
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(20);

    private readonly IAwsTransport _transport = connection.Open(Service, AwsRetries.ThrottlingOnly, Timeout);

    public Task AuthorizeSecurityGroupIngressAsync(string groupId, IngressRule rule, CancellationToken cancellationToken)
    {
        var permission = new List<(string, string?)>
        {
            ("GroupId", groupId),
            ("IpPermissions.1.IpProtocol", "udp"),
            ("IpPermissions.1.FromPort", AwsQuery.Number(rule.Port)),
            ("IpPermissions.1.ToPort", AwsQuery.Number(rule.Port)),
        };
        permission.AddRange(rule.SourceGroupId is { } source
            ? [("IpPermissions.1.Groups.1.GroupId", source), ("IpPermissions.1.Groups.1.Description", rule.Description)]
            : [("IpPermissions.1.IpRanges.1.CidrIp", rule.Cidr), ("IpPermissions.1.IpRanges.1.Description", rule.Description)]);
        permission.Add(("TagSpecification.1.ResourceType", "security-group-rule"));
        permission.AddRange(AwsQuery.List("TagSpecification.1.Tag", rule.Tags, tag => [("Key", tag.Key), ("Value", tag.Value)]));
        return TryCallAsync(new AuthorizeSecurityGroupIngress([.. permission]), cancellationToken, "InvalidPermission.Duplicate");
    }

    public Task RevokeSecurityGroupIngressAsync(string groupId, IReadOnlyList<string> ruleIds, CancellationToken cancellationToken) =>
        TryCallAsync(
            new RevokeSecurityGroupIngress([("GroupId", groupId), .. ruleIds.Select((id, index) => ($"SecurityGroupRuleId.{index + 1}", (string?)id))]),
            cancellationToken,
            "InvalidGroup.NotFound", "InvalidPermission.NotFound", "InvalidSecurityGroupRuleId.NotFound");

    public async Task<IReadOnlyList<IngressRuleDescription>> DescribeSecurityGroupRulesAsync(string groupId, CancellationToken cancellationToken)
    {
        var rules = new List<IngressRuleDescription>();
        string? token = null;
        do
        {
            var request = new DescribeSecurityGroupRules(("Filter.1.Name", "group-id"), ("Filter.1.Value.1", groupId), ("NextToken", token));
            if (await TryCallAsync(request, cancellationToken, "InvalidGroup.NotFound") is not { } answer)
                break;
            rules.AddRange(AwsQuery.Members(answer, "securityGroupRuleSet")
                .Where(rule => AwsQuery.Text(rule, "isEgress") != "true" && AwsQuery.Text(rule, "ipProtocol") == "udp")
                .Select(Describe));
            token = AwsQuery.Text(answer, "nextToken");
        }
        while (token is not null);
        return rules;
    }

    private static IngressRuleDescription Describe(XElement rule) => new(
        AwsQuery.Text(rule, "securityGroupRuleId") ?? "",
        AwsQuery.ReadNumber(AwsQuery.Text(rule, "fromPort")),
        AwsQuery.ReadNumber(AwsQuery.Text(rule, "toPort")),
        AwsQuery.Text(rule, "cidrIpv4"),
        AwsQuery.Members(rule, "tagSet").ToDictionary(tag => AwsQuery.Text(tag, "key") ?? "", tag => AwsQuery.Text(tag, "value") ?? "", StringComparer.Ordinal));

    /// <summary>Null when the service refuses with one of the codes.</summary>
    private async Task<XElement?> TryCallAsync(Request request, CancellationToken cancellationToken, params string[] expectedCodes)
    {
        try
        {
            return AwsQuery.Parse(await _transport.SendAsync(request, cancellationToken), $"EC2 {request.GetType().Name}");
        }
        catch (AwsServiceException failure) when (failure.ErrorCode is { } code && expectedCodes.Contains(code))
        {
            return null;
        }
    }

    private abstract class Request(params (string Name, string? Value)[] parameters) : AwsQueryRequest("2016-11-15", parameters);

    private sealed class AuthorizeSecurityGroupIngress(params (string Name, string? Value)[] parameters) : Request(parameters);

    private sealed class RevokeSecurityGroupIngress(params (string Name, string? Value)[] parameters) : Request(parameters);

    private sealed class DescribeSecurityGroupRules(params (string Name, string? Value)[] parameters) : Request(parameters);
}
