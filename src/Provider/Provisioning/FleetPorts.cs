using System.Security.Cryptography;
using System.Text;
using UdpGateway.Aws;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;

namespace UdpGateway.Provider;

/// <summary>
/// Which listener has which port of a fleet. A claim is on the port that tasks bind: that of a public port below 1,024 is another one.
/// What a balancer cannot take is refused here, before anything is made.
/// </summary>
internal sealed class FleetPorts(IFleetStore claims, IElasticLoadBalancingV2 balancing)
{
    // Elastic Load Balancing, "Quotas for your Network Load Balancers"; neither can be raised. With cross-zone balancing a target
    // counts once for every group that it is in.
    private const int MaxListeners = 50;
    private const int MaxTargets = 500;

    /// <summary>While a change is rolled out, new tasks run beside the old ones.</summary>
    private const int TasksDuringRollout = 2;

    /// <exception cref="ProvisioningException">There is no room; the message says for what.</exception>
    public Task RequireRoomAsync(FleetRecord fleet, string physicalResourceId, int? requestedPort, CancellationToken cancellationToken) =>
        FindFreeAsync(fleet, physicalResourceId, requestedPort, cancellationToken);

    /// <exception cref="ProvisioningException">There is no room; the message says for what.</exception>
    public async Task<ListenerPorts> AllocateAsync(FleetRecord fleet, string physicalResourceId, int? requestedPort, CancellationToken cancellationToken)
    {
        foreach (var port in await FindFreeAsync(fleet, physicalResourceId, requestedPort, cancellationToken))
        {
            var target = FleetNames.TargetPort(port);
            if (await claims.TryClaimPortAsync(fleet.PhysicalResourceId, target, physicalResourceId, cancellationToken))
                return new ListenerPorts(port, target == port ? null : target);
        }

        // Others were faster.
        throw requestedPort is { } requested ? Taken(fleet, requested, claimant: null) : NoneLeft(fleet);
    }

    /// <summary>Gives back every port of the generation.</summary>
    public async Task ReleaseAsync(string fleetName, string physicalResourceId, CancellationToken cancellationToken)
    {
        foreach (var (port, claimant) in await claims.ReadPortClaimsAsync(fleetName, cancellationToken))
        {
            if (claimant == physicalResourceId)
                await claims.ReleasePortAsync(fleetName, port, physicalResourceId, cancellationToken);
        }
    }

    /// <exception cref="ProvisioningException">So many listeners and tasks are more than the balancer takes.</exception>
    public static void RequireRoom(FleetDefinition fleet, int listeners)
    {
        if (listeners > MaxListeners)
            throw Full(fleet);
        if (listeners * fleet.DesiredCount * TasksDuringRollout > MaxTargets)
        {
            throw new ProvisioningException(
                $"The fleet {fleet.Name} has {fleet.DesiredCount} tasks, and {TasksDuringRollout} times as many while a change is rolled out; a balancer takes {MaxTargets} targets, which is enough for {MaxTargets / (fleet.DesiredCount * TasksDuringRollout)} listeners. Give the listener another Fleet, or the fleet a smaller DesiredCount.");
        }
    }

    private static ProvisioningException Full(FleetDefinition fleet) =>
        new($"The balancer of the fleet {fleet.Name} has the {MaxListeners} listeners that a Network Load Balancer takes; declare another Custom::UdpGatewayFleet and name it in the listener's Fleet.");

    private static ProvisioningException Taken(FleetRecord fleet, int port, string? claimant) =>
        new($"Port {port} of the fleet {fleet.PhysicalResourceId} is taken{(claimant is null ? "" : $" by the listener {claimant}")}; choose another Port or remove it.");

    private static ProvisioningException NoneLeft(FleetRecord fleet) => new(
        $"Every port from {fleet.Definition.PortRange.First} to {fleet.Definition.PortRange.Last} of the fleet {fleet.PhysicalResourceId} is taken; give the fleet a larger PortRange, or the listener another Fleet.");

    /// <summary>The public ports that may be claimed, in the order in which to try.</summary>
    private async Task<IReadOnlyList<int>> FindFreeAsync(FleetRecord fleet, string physicalResourceId, int? requestedPort, CancellationToken cancellationToken)
    {
        var taken = await claims.ReadPortClaimsAsync(fleet.PhysicalResourceId, cancellationToken);
        var others = taken.Count(claim => claim.Value != physicalResourceId);
        RequireRoom(fleet.Definition, others + 1);
        var foreign = (await balancing.DescribeListenersAsync(fleet.Definition.LoadBalancerArn, cancellationToken))
            .Where(listener => listener.TargetGroupArn?.Contains($"/{FleetNames.TargetGroupPrefix}", StringComparison.Ordinal) is not true).Select(listener => listener.Port).ToHashSet();
        if (others + foreign.Count >= MaxListeners)
            throw Full(fleet.Definition);

        if (requestedPort is { } port)
        {
            if (foreign.Contains(port))
                throw new ProvisioningException($"Port {port} of the fleet {fleet.PhysicalResourceId}'s balancer has a listener that is not this provider's; choose another Port.");
            return IsFree(port) ? [port] : throw Taken(fleet, port, taken[FleetNames.TargetPort(port)]);
        }

        // Everybody starts elsewhere, but a repetition starts where it did before and finds its own claim.
        var range = fleet.Definition.PortRange;
        var size = range.Last - range.First + 1;
        var start = (int)(BitConverter.ToUInt32(SHA256.HashData(Encoding.UTF8.GetBytes(physicalResourceId))) % (uint)size);
        var free = Enumerable.Range(0, size).Select(offset => range.First + ((start + offset) % size)).Where(candidate => !foreign.Contains(candidate) && IsFree(candidate)).ToArray();
        return free.Length > 0 ? free : throw NoneLeft(fleet);

        bool IsFree(int candidate) => !taken.TryGetValue(FleetNames.TargetPort(candidate), out var claimant) || claimant == physicalResourceId;
    }
}
