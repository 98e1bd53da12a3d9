using System.Text.RegularExpressions;

namespace UdpGateway.Listeners;

/// <summary>How packets become records of a stream.</summary>
public sealed record KinesisArguments
{
    /// <summary>Records with the same key go to the same shard and keep their order. Null: a random key for each.</summary>
    public KeyExpression? PartitionKey { get; init; }
}

internal static partial class KinesisKind
{
    /// <remarks>Source: Kinesis API Reference, "CreateStream".</remarks>
    public static DestinationKind Kind { get; } = new("kinesis", "Kinesis Data Streams", "arn:aws:kinesis:REGION:ACCOUNT:stream/NAME")
    {
        Accepts = arn => arn.Region.Length > 0 && arn.Account.Length > 0 && StreamPattern().IsMatch(arn.Resource),
        BindArguments = static (arguments, _, bound) => bound with
        {
            Kinesis = new KinesisArguments
            {
                PartitionKey = KeyExpressionBinder.Bind(arguments, "PartitionKeyExpression", "PartitionKeyFormatter", "PartitionKeyExpressionFormatter"),
            },
        },
    };

    [GeneratedRegex(@"\Astream/[a-zA-Z0-9_.-]{1,128}\z", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex StreamPattern();
}
