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
        Properties = Find(root, "ResourceProperties");
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

    /// <summary>As <see cref="PhysicalResourceId"/>; null on Create.</summary>
    public string? KnownId => PhysicalResourceId.Length > 0 ? PhysicalResourceId : null;

    /// <summary>Only Create and Update may look at them: a Delete may bring the shapes of years ago.</summary>
    public JsonElement Properties { get; }

    /// <summary>CloudFormation's own patience with the resource, where the event tells it; null where it does not.</summary>
    public TimeSpan? ServiceTimeout =>
        int.TryParse(PropertyText(nameof(ServiceTimeout)), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds is >= 1 and <= 3600 ? TimeSpan.FromSeconds(seconds) : null;

    /// <summary>A property that is a string or a number; empty if it is absent or anything else.</summary>
    public string PropertyText(string name) => Find(Properties, name) is { ValueKind: JsonValueKind.Number } number ? number.GetRawText() : Text(Properties, name);

    /// <summary>Whether the event's logical resource owns the record.</summary>
    public bool Owns(ResourceRecord record) => record.StackId == StackId && record.LogicalResourceId == LogicalResourceId;

    public bool TryGetRequestType(out CustomResourceRequestType type)
    {
        type = default;
        // The parser alone would also take numbers and lists.
        return Enum.TryParse(RequestTypeText, out type) && type.ToString() == RequestTypeText;
    }

    /// <summary>False when the bytes are no event at all, or no answer to it is possible, so that there is nobody to answer.</summary>
    public static bool TryParse(ReadOnlyMemory<byte> json, [NotNullWhen(true)] out CustomResourceEvent? customResourceEvent)
    {
        customResourceEvent = null;
        if (!TryParseObject(json, out var root))
            return false;
        if (TryUnwrap(root, out var message) && !TryParseObject(System.Text.Encoding.UTF8.GetBytes(message), out root))
            return false;
        customResourceEvent = new CustomResourceEvent(root);
        return customResourceEvent.ResponseUrl.Length > 0 && CustomResourceAnswer.IsPossible(customResourceEvent);
    }

    // SNS hands Lambda {"Records":[{"Sns":{"Message":"<the event>"}}]}; it never batches.
    private static bool TryUnwrap(JsonElement root, out string message)
    {
        message = string.Empty;
        if (Find(root, "Records") is { ValueKind: JsonValueKind.Array } records && records.GetArrayLength() == 1)
            message = Text(Find(records[0], "Sns"), "Message");
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

    private static string Text(JsonElement element, string name)
    {
        var value = Find(element, name);
        try
        {
            return value.ValueKind is JsonValueKind.String ? value.GetString() ?? string.Empty : string.Empty;
        }
        catch (InvalidOperationException)
        {
            // Half a surrogate pair, which is no text and no value that CloudFormation sends.
            return string.Empty;
        }
    }

    /// <summary>A member of what may be no object; undefined if there is none.</summary>
    private static JsonElement Find(JsonElement element, string name)
    {
        if (element.ValueKind is not JsonValueKind.Object)
            return default;
        try
        {
            return element.TryGetProperty(name, out var value) ? value : default;
        }
        catch (InvalidOperationException)
        {
            // The same in the name of another member.
            return element.EnumerateObject().LastOrDefault(member => IsNamed(member, name)).Value;
        }
    }

    private static bool IsNamed(JsonProperty member, string name)
    {
        try
        {
            return member.NameEquals(name);
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }
}
