using System.Text.RegularExpressions;

namespace UdpGateway.Listeners;

internal static partial class FirehoseKind
{
    /// <remarks>Source: Amazon Data Firehose API Reference, "CreateDeliveryStream".</remarks>
    public static DestinationKind Kind { get; } = new("firehose", "Firehose", "arn:aws:firehose:REGION:ACCOUNT:deliverystream/NAME")
    {
        Accepts = arn => arn.Region.Length > 0 && arn.Account.Length > 0 && StreamPattern().IsMatch(arn.Resource),
    };

    [GeneratedRegex(@"\Adeliverystream/[a-zA-Z0-9_.-]{1,64}\z", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex StreamPattern();
}
