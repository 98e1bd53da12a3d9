using System.Text.RegularExpressions;

namespace UdpGateway.Listeners;

internal static partial class EventBridgeKind
{
    /// <remarks>Source: EventBridge API Reference, "CreateEventBus".</remarks>
    public static DestinationKind Kind { get; } = new("events", "EventBridge", "arn:aws:events:REGION:ACCOUNT:event-bus/NAME")
    {
        Accepts = arn => arn.Region.Length > 0 && arn.Account.Length > 0 && BusPattern().IsMatch(arn.Resource),
    };

    [GeneratedRegex(@"\Aevent-bus/[/.a-zA-Z0-9_-]{1,256}\z", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex BusPattern();
}
