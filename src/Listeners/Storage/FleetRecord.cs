namespace UdpGateway.Listeners.Storage;

/// <summary>An ECS service of gateway tasks behind one balancer; its id is its name.</summary>
public sealed record FleetRecord : ResourceRecord
{
    public required FleetDefinition Definition { get; init; }

    /// <summary>The full name that clients use: the declared one, or the balancer's.</summary>
    public required string DomainName { get; init; }

    /// <summary>Of the balancer; target groups belong to it.</summary>
    public required string VpcId { get; init; }

    /// <summary>The balancer's security group; null for a balancer that was made without one.</summary>
    public string? LoadBalancerSecurityGroup { get; init; }

    /// <summary>Name of the secret by which the fleet's tasks know each other; null for fleets made before there was one.</summary>
    public string? RelaySecretId { get; init; }

    /// <summary>ARN of the task definition that the service runs; null while there is no image, or while it is being made.</summary>
    public string? TaskDefinitionArn { get; init; }
}
