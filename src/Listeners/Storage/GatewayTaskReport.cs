namespace UdpGateway.Listeners.Storage;

/// <summary>What one gateway task of a fleet says about itself.</summary>
public sealed record GatewayTaskReport
{
    /// <summary>A task without a report younger than this counts as gone.</summary>
    public static readonly TimeSpan LivingAge = TimeSpan.FromSeconds(10);

    /// <summary>The ECS task's id; unique within the fleet.</summary>
    public required string TaskId { get; init; }

    public required string FleetName { get; init; }

    /// <summary>The address that the balancer's target groups know the task by.</summary>
    public required string Address { get; init; }

    /// <summary>The store's revision that the task serves.</summary>
    public required long ServedRevision { get; init; }

    /// <summary>Why listeners are not served, by physical resource id.</summary>
    public IReadOnlyDictionary<string, string> Failures { get; init; } = new Dictionary<string, string>();

    /// <summary>Whether the task is on its way out and waits only for the flows that it has.</summary>
    public bool IsDraining { get; init; }

    /// <summary>
    /// How long ago the report was written. Set by reading and ignored by writing: both moments are times of the store's own
    /// service, so that the clocks of tasks and control plane may differ.
    /// </summary>
    public TimeSpan Age { get; init; }

    /// <summary>Whether the task serves and is meant to go on: what an answer of SUCCESS waits for.</summary>
    public bool IsLiving => !IsDraining && Age <= LivingAge;
}
