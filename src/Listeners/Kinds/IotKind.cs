using System.Text.RegularExpressions;

namespace UdpGateway.Listeners;

/// <summary>To which topic packets go, and in which form.</summary>
public sealed record IotArguments
{
    /// <summary>The raw payload goes to the ARN's topic with a suffix, instead of the packet as JSON to the topic itself.</summary>
    public bool DynamicTopicSuffix { get; init; }

    /// <summary>Null: the suffix is the client's address and port.</summary>
    public KeyExpression? TopicSuffix { get; init; }
}

internal static partial class IotKind
{
    /// <remarks>Source: AWS IoT Core Developer Guide, "MQTT topics": no wildcards, at most 256 bytes.</remarks>
    public static DestinationKind Kind { get; } = new("iot", "IoT Core", "arn:aws:iot:REGION:ACCOUNT:topic/PATH")
    {
        Accepts = arn => arn.Region.Length > 0 && arn.Account.Length > 0 && TopicPattern().IsMatch(arn.Resource),
        // Both places are in use.
        BindArguments = static (arguments, destination, bound) => bound with
        {
            Iot = new IotArguments
            {
                DynamicTopicSuffix = arguments.Boolean("DynamicTopicSuffix") ?? destination.Boolean("DynamicTopicSuffix") ?? false,
                TopicSuffix = KeyExpressionBinder.Bind(arguments, "TopicSuffixExpression", "TopicSuffixFormatter")
                    ?? KeyExpressionBinder.Bind(destination, "TopicSuffixExpression", "TopicSuffixFormatter"),
            },
        },
    };

    [GeneratedRegex(@"\Atopic/[a-zA-Z0-9_.:@/-]{1,200}\z", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex TopicPattern();
}
