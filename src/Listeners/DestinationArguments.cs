namespace UdpGateway.Listeners;

/// <summary>
/// A destination's <c>Arguments</c>, typed, one member for each kind that has some. A destination whose kind is not known yet,
/// because no ARN is registered, may have those of several.
/// </summary>
public sealed record DestinationArguments
{
    public LambdaArguments? Lambda { get; init; }

    public SqsArguments? Sqs { get; init; }

    public KinesisArguments? Kinesis { get; init; }

    public IotArguments? Iot { get; init; }

    public LocationArguments? Location { get; init; }
}

/// <summary>An expression over the payload, and how bytes that it yields become text.</summary>
/// <param name="Expression">Validated; see <see cref="Expressions.Expression"/>.</param>
/// <param name="Formatter">One of the four text formatters.</param>
public sealed record KeyExpression(string Expression, PayloadFormatter Formatter);
