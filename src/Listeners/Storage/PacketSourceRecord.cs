namespace UdpGateway.Listeners.Storage;

/// <summary>A topic whose messages leave through a listener's port.</summary>
public sealed record PacketSourceRecord : ResourceRecord
{
    /// <summary>Name of the listener, whichever generation of it serves.</summary>
    public required string ListenerName { get; init; }

    public required string TopicArn { get; init; }

    /// <summary>ARN of the customer's role that may subscribe to the topic.</summary>
    public string? RoleArn { get; init; }

    public string? Description { get; init; }

    /// <summary>Whether its messages are sent; a disabled source keeps its queue and subscription.</summary>
    public bool Enabled { get; init; } = true;

    /// <summary>URL of the source's own queue; null until it is made, and where messages come without one.</summary>
    public string? QueueUrl { get; init; }

    /// <summary>Null until the topic is subscribed.</summary>
    public string? SubscriptionArn { get; init; }

    /// <summary>What this topic took the place of, until that subscription is ended; otherwise null.</summary>
    public FormerTopic? Former { get; init; }
}

/// <param name="RoleArn">ARN of the role that may end the subscription.</param>
/// <param name="SubscriptionArn">Null where it never was known.</param>
public sealed record FormerTopic(string TopicArn, string? RoleArn, string? SubscriptionArn);
