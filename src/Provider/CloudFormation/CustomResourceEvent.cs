using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;
using UdpGateway.Listeners.Storage;

namespace UdpGateway.Provider.CloudFormation;

internal enum CustomResourceRequestType
{
    Create,
    Update,
    Delete,
}

/// <summary>
/// A custom-resource request, direct or in an SNS envelope. Fields that CloudFormation wants back verbatim are read
/// leniently, so that even an event that cannot be handled can be answered. Never log one: it holds keys and the ResponseURL.
/// </summary>
/// <remarks>Source: CloudFormation User Guide, "Custom resource request and response reference".</remarks>
internal sealed class CustomResourceEvent
{
    /// <summary>However deep properties nest, the event has somebody who waits for an answer. Nothing here recurses.</summary>
    public static readonly JsonDocumentOptions AnyDepth = new() { MaxDepth = int.MaxValue };

    private CustomResourceEvent(JsonElement root)
    {
        ResponseUrl = Text(root, "ResponseURL");
        RequestTypeText = Text(root, "RequestType");
        ResourceType = Text(root, "ResourceType");
        Key = new RequestKey(Text(root, "StackId"), Text(root, "LogicalResourceId"), Text(root, "RequestId"));
        PhysicalResourceId = Text(root, "PhysicalResourceId");
        Properties = root.TryGetProperty("ResourceProperties", out var properties) ? properties : default;
    }

    public string ResponseUrl { get; }

    /// <summary>The type as sent, for the one case that it is none that we know.</summary>
    public string RequestTypeText { get; }

    public string ResourceType { get; }

    public RequestKey Key { get; }

    public string StackId => Key.StackId;

    public string LogicalResourceId => Key.LogicalResourceId;

    /// <summary>Empty on Create.</summary>
    public string PhysicalResourceId { get; }

    /// <summary>Only Create and Update may look at them: a Delete may bring the shapes of years ago.</summary>
    public JsonElement Properties { get; }

    /// <summary>CloudFormation's own patience with the resource, where the event tells it; null where it does not.</summary>
    public TimeSpan? ServiceTimeout =>
        Properties.ValueKind is JsonValueKind.Object && Properties.TryGetProperty(nameof(ServiceTimeout), out var value)
        && int.TryParse(value.ValueKind is JsonValueKind.String ? Text(Properties, nameof(ServiceTimeout)) : value.GetRawText(), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
        && seconds is >= 1 and <= 3600
            ? TimeSpan.FromSeconds(seconds)
            : null;

    /// <summary>Whether the event's logical resource owns the record.</summary>
    public bool Owns(ResourceRecord record) => record.StackId == StackId && record.LogicalResourceId == LogicalResourceId;

    public bool TryGetRequestType(out CustomResourceRequestType type)
    {
        type = default;
        return RequestTypeText.Length > 0 && char.IsAsciiLetter(RequestTypeText[0]) && Enum.TryParse(RequestTypeText, out type);
    }

    /// <summary>False when the bytes are no event at all, so that there is nobody to answer.</summary>
    public static bool TryParse(ReadOnlyMemory<byte> json, [NotNullWhen(true)] out CustomResourceEvent? customResourceEvent)
    {
        customResourceEvent = null;
        if (!TryParseObject(json, out var root))
            return false;
        if (TryUnwrap(root, out var message) && !TryParseObject(System.Text.Encoding.UTF8.GetBytes(message), out root))
            return false;
        customResourceEvent = new CustomResourceEvent(root);
        return customResourceEvent.ResponseUrl.Length > 0;
    }

    // SNS hands Lambda {"Records":[{"Sns":{"Message":"<the event>"}}]}; it never batches.
    private static bool TryUnwrap(JsonElement root, out string message)
    {
        message = string.Empty;
        if (root.TryGetProperty("Records", out var records) && records.ValueKind is JsonValueKind.Array && records.GetArrayLength() == 1
            && records[0].ValueKind is JsonValueKind.Object && records[0].TryGetProperty("Sns", out var sns) && sns.ValueKind is JsonValueKind.Object)
        {
            message = Text(sns, "Message");
        }

        return message.Length > 0;
    }

    private static bool TryParseObject(ReadOnlyMemory<byte> json, out JsonElement root)
    {
        try
        {
            using var document = JsonDocument.Parse(json, AnyDepth);
            root = document.RootElement.Clone();
            return root.ValueKind is JsonValueKind.Object;
        }
        catch (JsonException)
        {
            // Its message could quote the event; the caller logs that there was one.
            root = default;
            return false;
        }
    }

    private static string Text(JsonElement root, string name)
    {
        if (!root.TryGetProperty(name, out var value) || value.ValueKind is not JsonValueKind.String)
            return string.Empty;
        try
        {
            return value.GetString() ?? string.Empty;
        }
        catch (InvalidOperationException)
        {
            // Half a surrogate pair, which is no text and no value that CloudFormation sends.
            return string.Empty;
        }
    }
}
