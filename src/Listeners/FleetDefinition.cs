namespace UdpGateway.Listeners;

/// <summary>What is declared with <c>Custom::UdpGatewayFleet</c>, bound and validated: gateway tasks on Fargate behind one Network Load Balancer.</summary>
public sealed record FleetDefinition
{
    /// <summary>The fleet of a listener that names none.</summary>
    public const string DefaultName = "default";
    public const int DefaultHealthPort = 9101;
    public const int DefaultRelayPort = 9102;

    /// <summary>Fargate's longest.</summary>
    public const int LongestStopTimeoutSeconds = 120;

    /// <summary>What listeners call it, and the name of the ECS service.</summary>
    public required string Name { get; init; }

    /// <summary>Name or ARN of the ECS cluster.</summary>
    public required string Cluster { get; init; }

    public required string LoadBalancerArn { get; init; }

    public required IReadOnlyList<string> Subnets { get; init; }

    /// <summary>Of the tasks. The first gets a rule for every port outside <see cref="PortRange"/>.</summary>
    public required IReadOnlyList<string> SecurityGroups { get; init; }

    public bool AssignPublicIp { get; init; } = true;

    /// <summary>Tasks while there is a listener; without one none runs.</summary>
    public int DesiredCount { get; init; } = 1;

    /// <summary>In units of which 1,024 are a vCPU.</summary>
    public int Cpu { get; init; } = 256;

    /// <summary>In MiB.</summary>
    public int Memory { get; init; } = 512;

    /// <summary><c>X86_64</c> or <c>ARM64</c>.</summary>
    public string Architecture { get; init; } = "X86_64";

    /// <summary>Empty until somebody publishes an image; then the fleet cannot be used.</summary>
    public string Image { get; init; } = string.Empty;

    public required string TaskRoleArn { get; init; }

    public required string ExecutionRoleArn { get; init; }

    public required string LogGroupName { get; init; }

    /// <summary>The UDP ports that the security groups admit anyway, and that listeners without a Port get.</summary>
    public required PortRange PortRange { get; init; }

    /// <summary>Who may send to a port outside the range.</summary>
    public string ClientCidr { get; init; } = "0.0.0.0/0";

    /// <summary>The full name that clients use; null for the balancer's own.</summary>
    public string? DomainName { get; init; }

    /// <summary>TCP port where the balancer asks the tasks for their health.</summary>
    public int HealthPort { get; init; } = DefaultHealthPort;

    /// <summary>TCP port where tasks hand packets of packet sources to each other; their security group must admit itself there.</summary>
    public int RelayPort { get; init; } = DefaultRelayPort;

    /// <summary>From a task's SIGTERM until ECS kills it; a task that drains for the usual time needs nearly all of it.</summary>
    public int StopTimeoutSeconds { get; init; } = LongestStopTimeoutSeconds;

    /// <summary>Further environment variables of the gateway.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();
}

/// <summary>UDP ports, both ends included.</summary>
public readonly record struct PortRange(int First, int Last)
{
    public bool Contains(int port) => port >= First && port <= Last;

    public override string ToString() => $"{First}-{Last}";
}
