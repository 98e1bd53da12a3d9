using System.Text.RegularExpressions;

namespace UdpGateway.Listeners;

/// <summary>How packets become messages of a queue.</summary>
public sealed record SqsArguments
{
    /// <summary>The body is only the formatted payload.</summary>
    public bool SendRaw { get; init; }

    /// <summary>Adds LocalDomain, LocalPort, RemoteAddress and RemotePort.</summary>
    public bool UseMessageAttributes { get; init; }

    /// <summary>FIFO: what is delivered in order. Standard: what shares the queue fairly. Null on FIFO: the client's address and port.</summary>
    public KeyExpression? MessageGroupId { get; init; }

    /// <summary>FIFO: what counts as the same message. Null: every message is another.</summary>
    public KeyExpression? MessageDeduplicationId { get; init; }
}

internal static partial class SqsKind
{
    /// <remarks>Source: SQS Developer Guide, "Amazon SQS message quotas" and "queue name".</remarks>
    public static DestinationKind Kind { get; } = new("sqs", "SQS", "arn:aws:sqs:REGION:ACCOUNT:NAME")
    {
        Accepts = arn => arn.Region.Length > 0 && arn.Account.Length > 0 && QueuePattern().IsMatch(arn.Resource),
        BindArguments = static (arguments, _, bound) => bound with
        {
            Sqs = new SqsArguments
            {
                SendRaw = arguments.Boolean("SendRaw") is true,
                UseMessageAttributes = arguments.Boolean("UseMessageAttributes") is true,
                MessageGroupId = KeyExpressionBinder.Bind(arguments, "MessageGroupIdExpression", "MessageGroupIdFormatter"),
                MessageDeduplicationId = KeyExpressionBinder.Bind(arguments, "MessageDeduplicationIdExpression", "MessageDeduplicationIdFormatter"),
            },
        },
    };

    [GeneratedRegex(@"\A([a-zA-Z0-9_-]{1,80}|[a-zA-Z0-9_-]{1,75}\.fifo)\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex QueuePattern();
}
