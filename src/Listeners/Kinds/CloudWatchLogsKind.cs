using System.Text.RegularExpressions;

namespace UdpGateway.Listeners;

internal static partial class CloudWatchLogsKind
{
    /// <remarks>Source: CloudWatch Logs API Reference, "CreateLogGroup".</remarks>
    public static DestinationKind Kind { get; } = new("logs", "CloudWatch Logs", "arn:aws:logs:REGION:ACCOUNT:log-group:NAME[:*]")
    {
        Accepts = arn => arn.Region.Length > 0 && arn.Account.Length > 0 && LogGroupPattern().IsMatch(arn.Resource),
    };

    [GeneratedRegex(@"\Alog-group:[a-zA-Z0-9_./#-]{1,512}(:\*)?\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex LogGroupPattern();
}
