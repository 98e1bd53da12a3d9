using System.Text.RegularExpressions;

namespace UdpGateway.Listeners;

internal static partial class DynamoDbKind
{
    /// <remarks>Source: DynamoDB API Reference, "CreateTable".</remarks>
    public static DestinationKind Kind { get; } = new("dynamodb", "DynamoDB", "arn:aws:dynamodb:REGION:ACCOUNT:table/NAME")
    {
        Accepts = arn => arn.Region.Length > 0 && arn.Account.Length > 0 && TablePattern().IsMatch(arn.Resource),
    };

    [GeneratedRegex(@"\Atable/[a-zA-Z0-9_.-]{3,255}\z", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex TablePattern();
}
