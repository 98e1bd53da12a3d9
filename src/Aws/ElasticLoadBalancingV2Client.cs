using System.Xml.Linq;

namespace UdpGateway.Aws;

/// <summary>Elastic Load Balancing (Network Load Balancers) over HTTPS, query protocol.</summary>
/// <remarks>Source: Elastic Load Balancing API Reference, version 2015-12-01.</remarks>
public sealed class ElasticLoadBalancingV2Client(AwsConnection connection) : IElasticLoadBalancingV2
{
    private static readonly AwsService Service = new("Elastic Load Balancing v2", SigningName: "elasticloadbalancing", EndpointPrefix: "elasticloadbalancing");
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(20);

    private readonly IAwsTransport _transport = connection.Open(Service, AwsRetries.ThrottlingOnly, Timeout);

    public async Task<LoadBalancerDescription?> DescribeLoadBalancersAsync(string loadBalancerArn, CancellationToken cancellationToken)
    {
        var answer = await TryCallAsync(new DescribeLoadBalancers(("LoadBalancerArns.member.1", loadBalancerArn)), "LoadBalancerNotFound", cancellationToken);
        return answer is null ? null : AwsQuery.Members(answer, "LoadBalancers").Select(balancer => new LoadBalancerDescription(
            AwsQuery.Text(balancer, "LoadBalancerArn") ?? loadBalancerArn,
            AwsQuery.Text(balancer, "DNSName") ?? "",
            AwsQuery.Text(balancer, "VpcId") ?? "",
            AwsQuery.Text(balancer, "Type") ?? "",
            [.. AwsQuery.Members(balancer, "SecurityGroups").Select(group => group.Value)])).FirstOrDefault();
    }

    public async Task<string> CreateTargetGroupAsync(TargetGroupInput group, CancellationToken cancellationToken)
    {
        try
        {
            var answer = await CallAsync(new CreateTargetGroup(
            [
                ("Name", group.Name), ("Protocol", "UDP"), ("Port", AwsQuery.Number(group.Port)), ("VpcId", group.VpcId), ("TargetType", "ip"),
                ("HealthCheckProtocol", "HTTP"), ("HealthCheckPort", AwsQuery.Number(group.HealthCheckPort)), ("HealthCheckPath", group.HealthCheckPath), ("Matcher.HttpCode", "200"),
                ("HealthCheckIntervalSeconds", "5"), ("HealthCheckTimeoutSeconds", "4"), ("HealthyThresholdCount", "2"), ("UnhealthyThresholdCount", "2"),
                .. Tags(group.Tags),
            ]), cancellationToken);
            return AwsQuery.Members(answer, "TargetGroups").Select(Describe).First().Arn;
        }
        catch (AwsServiceException failure) when (failure.ErrorCode is "DuplicateTargetGroupName")
        {
            if (await DescribeTargetGroupsAsync(group.Name, cancellationToken) is { } existing)
                return existing.Arn;
            throw;
        }
    }

    public Task ModifyTargetGroupAttributesAsync(string targetGroupArn, IReadOnlyDictionary<string, string> attributes, CancellationToken cancellationToken) =>
        CallAsync(new ModifyTargetGroupAttributes([("TargetGroupArn", targetGroupArn), .. Pairs("Attributes", attributes)]), cancellationToken);

    public async Task<TargetGroupDescription?> DescribeTargetGroupsAsync(string name, CancellationToken cancellationToken)
    {
        var answer = await TryCallAsync(new DescribeTargetGroups(("Names.member.1", name)), "TargetGroupNotFound", cancellationToken);
        return answer is null ? null : AwsQuery.Members(answer, "TargetGroups").Select(Describe).FirstOrDefault();
    }

    public async Task<IReadOnlyList<TargetGroupDescription>> DescribeTargetGroupsOfAsync(string loadBalancerArn, CancellationToken cancellationToken) =>
        [.. (await PagesAsync(marker => new DescribeTargetGroups(("LoadBalancerArn", loadBalancerArn), ("Marker", marker)), "TargetGroups", cancellationToken)).Select(Describe)];

    public Task DeleteTargetGroupAsync(string targetGroupArn, CancellationToken cancellationToken) =>
        TryCallAsync(new DeleteTargetGroup(("TargetGroupArn", targetGroupArn)), "TargetGroupNotFound", cancellationToken);

    public Task CreateListenerAsync(string loadBalancerArn, int port, string targetGroupArn, IReadOnlyDictionary<string, string> tags, CancellationToken cancellationToken) =>
        CallAsync(new CreateListener(
        [
            ("LoadBalancerArn", loadBalancerArn), ("Protocol", "UDP"), ("Port", AwsQuery.Number(port)),
            ("DefaultActions.member.1.Type", "forward"), ("DefaultActions.member.1.TargetGroupArn", targetGroupArn),
            .. Tags(tags),
        ]), cancellationToken);

    public async Task<IReadOnlyList<BalancerListenerDescription>> DescribeListenersAsync(string loadBalancerArn, CancellationToken cancellationToken) =>
        [.. (await PagesAsync(marker => new DescribeListeners(("LoadBalancerArn", loadBalancerArn), ("Marker", marker)), "Listeners", cancellationToken)).Select(listener => new BalancerListenerDescription(
            AwsQuery.Text(listener, "ListenerArn") ?? "",
            AwsQuery.ReadNumber(AwsQuery.Text(listener, "Port")),
            AwsQuery.Text(listener, "Protocol") ?? "",
            AwsQuery.Members(listener, "DefaultActions").Select(TargetOf).FirstOrDefault()))];

    public Task DeleteListenerAsync(string listenerArn, CancellationToken cancellationToken) =>
        TryCallAsync(new DeleteListener(("ListenerArn", listenerArn)), "ListenerNotFound", cancellationToken);

    public Task RegisterTargetsAsync(string targetGroupArn, IReadOnlyList<TargetAddress> targets, CancellationToken cancellationToken) =>
        CallAsync(new RegisterTargets([("TargetGroupArn", targetGroupArn), .. Targets(targets)]), cancellationToken);

    public Task DeregisterTargetsAsync(string targetGroupArn, IReadOnlyList<TargetAddress> targets, CancellationToken cancellationToken) =>
        TryCallAsync(new DeregisterTargets([("TargetGroupArn", targetGroupArn), .. Targets(targets)]), "TargetGroupNotFound", cancellationToken);

    public async Task<IReadOnlyList<TargetHealth>> DescribeTargetHealthAsync(string targetGroupArn, CancellationToken cancellationToken)
    {
        var answer = await TryCallAsync(new DescribeTargetHealth(("TargetGroupArn", targetGroupArn)), "TargetGroupNotFound", cancellationToken);
        return answer is null ? [] : [.. AwsQuery.Members(answer, "TargetHealthDescriptions").Select(ReadHealth)];
    }

    private static TargetHealth ReadHealth(XElement description)
    {
        var target = AwsQuery.Child(description, "Target");
        var health = AwsQuery.Child(description, "TargetHealth");
        var state = health is null ? null : AwsQuery.Text(health, "State");
        var reasons = health is null ? [] : new[] { AwsQuery.Text(health, "Reason"), AwsQuery.Text(health, "Description") }.OfType<string>();
        return new TargetHealth(
            new TargetAddress(target is null ? "" : AwsQuery.Text(target, "Id") ?? "", AwsQuery.ReadNumber(target is null ? null : AwsQuery.Text(target, "Port"))),
            state ?? "unavailable",
            string.Join(": ", reasons) is { Length: > 0 } reason ? reason : null);
    }

    private static TargetGroupDescription Describe(XElement group) => new(AwsQuery.Text(group, "TargetGroupArn") ?? "", AwsQuery.Text(group, "TargetGroupName") ?? "");

    // A single target group may come in either of two places.
    private static string? TargetOf(XElement action) => AwsQuery.Text(action, "TargetGroupArn")
        ?? AwsQuery.Members(action, "TargetGroups").Select(group => AwsQuery.Text(group, "TargetGroupArn")).FirstOrDefault();

    private static IEnumerable<(string, string?)> Tags(IReadOnlyDictionary<string, string> tags) => Pairs("Tags", tags);

    private static IEnumerable<(string, string?)> Pairs(string list, IReadOnlyDictionary<string, string> pairs) =>
        AwsQuery.List($"{list}.member", pairs, pair => [("Key", pair.Key), ("Value", pair.Value)]);

    private static IEnumerable<(string, string?)> Targets(IReadOnlyList<TargetAddress> targets) =>
        AwsQuery.List("Targets.member", targets, target => [("Id", target.Address), ("Port", AwsQuery.Number(target.Port))]);

    /// <summary>The members of a list on all its pages; none if there is no such balancer.</summary>
    private async Task<IReadOnlyList<XElement>> PagesAsync(Func<string?, Request> ask, string list, CancellationToken cancellationToken)
    {
        var all = new List<XElement>();
        string? marker = null;
        do
        {
            if (await TryCallAsync(ask(marker), "LoadBalancerNotFound", cancellationToken) is not { } answer)
                break;
            all.AddRange(AwsQuery.Members(answer, list));
            marker = answer.Descendants().FirstOrDefault(element => element.Name.LocalName == "NextMarker")?.Value;
        }
        while (!string.IsNullOrEmpty(marker));
        return all;
    }

    /// <summary>Null when the service says that there is no such thing.</summary>
    private async Task<XElement?> TryCallAsync(Request request, string goneCode, CancellationToken cancellationToken)
    {
        try
        {
            return await CallAsync(request, cancellationToken);
        }
        catch (AwsServiceException failure) when (failure.ErrorCode == goneCode)
        {
            return null;
        }
    }

    private async Task<XElement> CallAsync(Request request, CancellationToken cancellationToken) =>
        AwsQuery.Parse(await _transport.SendAsync(request, cancellationToken), $"ELBv2 {request.GetType().Name}");

    private abstract class Request(params (string Name, string? Value)[] parameters) : AwsQueryRequest("2015-12-01", parameters);

    private sealed class DescribeLoadBalancers(params (string Name, string? Value)[] parameters) : Request(parameters);

    private sealed class CreateTargetGroup(params (string Name, string? Value)[] parameters) : Request(parameters);

    private sealed class ModifyTargetGroupAttributes(params (string Name, string? Value)[] parameters) : Request(parameters);

    private sealed class DescribeTargetGroups(params (string Name, string? Value)[] parameters) : Request(parameters);

    private sealed class DeleteTargetGroup(params (string Name, string? Value)[] parameters) : Request(parameters);

    private sealed class CreateListener(params (string Name, string? Value)[] parameters) : Request(parameters);

    private sealed class DescribeListeners(params (string Name, string? Value)[] parameters) : Request(parameters);

    private sealed class DeleteListener(params (string Name, string? Value)[] parameters) : Request(parameters);

    private sealed class RegisterTargets(params (string Name, string? Value)[] parameters) : Request(parameters);

    private sealed class DeregisterTargets(params (string Name, string? Value)[] parameters) : Request(parameters);

    private sealed class DescribeTargetHealth(params (string Name, string? Value)[] parameters) : Request(parameters);
}
