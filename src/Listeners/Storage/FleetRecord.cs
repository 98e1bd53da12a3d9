namespace UdpGateway.Listeners.Storage;

/// <summary>An ECS service of gateway tasks behind one balancer; its id is its name.</summary>
public sealed record FleetRecord : ResourceRecord
{
    /// <summary>ARN of the Network Load Balancer.</summary>
    public required string LoadBalancerArn { get; init; }

    /// <summary>The full name that clients use.</summary>
    public required string DomainName { get; init; }

    /// <summary>ARN of the ECS service; null until it is made.</summary>
    public string? ServiceArn { get; init; }

    /// <summary>ARN of the task definition that the service runs.</summary>
    public string? TaskDefinitionArn { get; init; }
}
