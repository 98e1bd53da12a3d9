namespace UdpGateway.Listeners;

/// <summary>How payload bytes appear as the <c>Data</c> string of the packet JSON.</summary>
public enum PayloadFormatter
{
    Base64,
    Hex,
    Ascii,
    Utf8,

    /// <summary>A CoAP message (RFC 7252) as a string that holds a JSON object.</summary>
    Coap,
}

/// <summary>One destination of a listener. Every accepted packet goes to every destination.</summary>
public sealed record DestinationDefinition
{
    /// <summary>Declared or generated; unique within the listener.</summary>
    public required string Name { get; init; }

    public string? Description { get; init; }

    /// <summary>
    /// ARN by ingress region; the key <c>*</c> serves every region. A declared string becomes <c>{"*": arn}</c>.
    /// Empty: packets are dropped until a DestinationArn registers one.
    /// </summary>
    public IReadOnlyDictionary<string, string> Arns { get; init; } = new Dictionary<string, string>();

    /// <summary>ARN of the role that the gateway assumes; null only where local mode permits it.</summary>
    public string? RoleArn { get; init; }

    public BatchingDefinition Batching { get; init; } = BatchingDefinition.Default;

    public PayloadFormatter Formatter { get; init; } = PayloadFormatter.Base64;

    /// <summary>
    /// Text of the <see cref="Expressions.Expression"/> that must be true for a packet to go to this destination, on the
    /// delivered payload. Null: every packet does.
    /// </summary>
    public string? FilterExpression { get; init; }

    /// <summary>Lambda: invoke with <c>Event</c> and expect no replies.</summary>
    public bool UseAsyncInvoke { get; init; }

    /// <summary>Lambda: the function writes its replies one after the other, and each goes to its client as soon as it is complete.</summary>
    public bool UseResponseStreaming { get; init; }

    /// <summary>What else the kind of destination takes.</summary>
    public DestinationArguments Arguments { get; init; } = new();

    /// <summary>ARN of the SQS queue that gets what could not be delivered; our extension. Null: it is logged and counted.</summary>
    public string? DeadLetterArn { get; init; }

    /// <summary>At most this many deliveries at a time; our extension. 1 gives strict order.</summary>
    public int? Concurrency { get; init; }

    /// <summary>Whether the gateway writes what it delivers, in numbers, to CloudWatch with the destination's role.</summary>
    public bool MetricsEnabled { get; init; }

    /// <summary>The CloudWatch log group that hears of failed deliveries; null for none.</summary>
    public string? LogGroupName { get; init; }
}

/// <summary>A batch leaves when the first of the three limits is reached.</summary>
/// <param name="Count">Packets, 1 to 10,000.</param>
/// <param name="Timeout">Age of the batch's first packet, 0 to 300 s.</param>
/// <param name="SizeInBytes">Size of the encoded payload.</param>
public sealed record BatchingDefinition(int Count, TimeSpan Timeout, long SizeInBytes)
{
    public static BatchingDefinition Default { get; } = new(100, TimeSpan.FromMilliseconds(100), 1_000_000);
}
