using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace UdpGateway.Aws;

/// <summary>What SNS sends to an endpoint of another account than the topic's before it sends anything else, also where messages are delivered raw.</summary>
/// <remarks>Source: Amazon SNS Developer Guide, "HTTP/HTTPS subscription confirmation JSON format".</remarks>
/// <param name="Token">What confirms the subscription.</param>
public sealed record SnsSubscriptionQuestion(string TopicArn, string Token)
{
    private const string Type = "SubscriptionConfirmation";

    public static bool TryRead(string message, [NotNullWhen(true)] out SnsSubscriptionQuestion? question)
    {
        question = null;
        // Every packet of a packet source is looked at, and none of them has it.
        if (!message.Contains(Type, StringComparison.Ordinal))
            return false;
        try
        {
            using var json = JsonDocument.Parse(message);
            if (json.RootElement.ValueKind == JsonValueKind.Object
                && AwsJson.Text(json.RootElement, "Type") == Type
                && AwsJson.Text(json.RootElement, "TopicArn") is { } topic
                && AwsJson.Text(json.RootElement, "Token") is { } token)
                question = new SnsSubscriptionQuestion(topic, token);
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            // No JSON, or half of a surrogate pair: whatever it is, it is no question.
            return false;
        }

        return question is not null;
    }

    /// <summary>Without the token.</summary>
    public override string ToString() => $"{Type} of {TopicArn}";
}
