using System.Text.RegularExpressions;

namespace UdpGateway.Listeners;

internal static partial class SnsKind
{
    /// <remarks>Source: SNS API Reference, "CreateTopic".</remarks>
    public static DestinationKind Kind { get; } = new("sns", "SNS", "arn:aws:sns:REGION:ACCOUNT:TOPIC")
    {
        Accepts = arn => arn.Region.Length > 0 && arn.Account.Length > 0 && TopicPattern().IsMatch(arn.Resource),
    };

    [GeneratedRegex(@"\A([a-zA-Z0-9_-]{1,256}|[a-zA-Z0-9_-]{1,251}\.fifo)\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex TopicPattern();
}
