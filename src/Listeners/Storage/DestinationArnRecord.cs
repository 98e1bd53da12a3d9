namespace UdpGateway.Listeners.Storage;

/// <summary>One ARN that is registered for one destination and ingress region; it goes before what the listener declares for them.</summary>
public sealed record DestinationArnRecord : ResourceRecord
{
    /// <summary>Name of the listener, whichever generation of it serves.</summary>
    public required string ListenerName { get; init; }

    public required string DestinationName { get; init; }

    /// <summary>An AWS region, or <c>*</c> for every region.</summary>
    public required string IngressRegionKey { get; init; }

    public required string Arn { get; init; }
}
