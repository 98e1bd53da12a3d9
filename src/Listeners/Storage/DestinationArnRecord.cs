namespace UdpGateway.Listeners.Storage;

/// <summary>One ARN that is registered for one destination and ingress region; it goes before what the listener declares for them.</summary>
public sealed record DestinationArnRecord : ResourceRecord
{
    /// <summary>Name of the listener when the ARN was registered.</summary>
    public required string ListenerName { get; init; }

    /// <summary>The owner of that listener: the registration holds for every generation of it, also for one with another name.</summary>
    public string ListenerStackId { get; init; } = string.Empty;

    public string ListenerLogicalResourceId { get; init; } = string.Empty;

    public required string DestinationName { get; init; }

    /// <summary>An AWS region, or <c>*</c> for every region.</summary>
    public required string IngressRegionKey { get; init; }

    public required string Arn { get; init; }
}
