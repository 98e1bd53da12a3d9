using System.Text.Json;
using System.Text.Json.Nodes;

namespace UdpGateway.Cli.Templates;

/// <summary>How evaluated values look in JSON.</summary>
internal static class CloudFormationJson
{
    /// <summary>
    /// What CloudFormation sends to a custom resource: every scalar is a string, lists and maps keep their shape, nulls vanish.
    /// </summary>
    public static JsonNode? ToResourceProperties(TemplateNode node)
    {
        switch (node)
        {
            case ScalarNode { Kind: ScalarKind.Null }:
                return null;
            case ScalarNode scalar:
                return JsonValue.Create(scalar.Text);
            case ListNode list:
                return new JsonArray([.. list.Items.Select(ToResourceProperties).Where(item => item is not null)]);
            case MapNode map:
                var result = new JsonObject();
                foreach (var entry in map.Entries)
                {
                    if (ToResourceProperties(entry.Value) is { } value)
                        result[entry.Key] = value;
                }

                return result;
            default:
                throw new InvalidOperationException("A value whose problem was reported must not be sent.");
        }
    }

    /// <summary>What <c>Fn::ToJsonString</c> gives: numbers and booleans keep their types.</summary>
    public static JsonNode? ToTypedJson(TemplateNode node) => node switch
    {
        ScalarNode { Kind: ScalarKind.Null } => null,
        ScalarNode { Kind: ScalarKind.Boolean } scalar => JsonValue.Create(scalar.Text == "true"),
        ScalarNode { Kind: ScalarKind.Number } scalar => NumberOrText(scalar.Text),
        ScalarNode scalar => JsonValue.Create(scalar.Text),
        ListNode list => new JsonArray([.. list.Items.Select(ToTypedJson)]),
        MapNode map => new JsonObject(map.Entries.Select(entry => KeyValuePair.Create(entry.Key, ToTypedJson(entry.Value)))),
        _ => null,
    };

    /// <summary>A value that a custom resource gave back, for <c>Fn::GetAtt</c>: scalars become text.</summary>
    public static TemplateNode FromJson(JsonElement element, SourceLocation location) => element.ValueKind switch
    {
        JsonValueKind.Object => new MapNode(location, [.. element.EnumerateObject().Select(property => new MapEntry(property.Name, location, FromJson(property.Value, location)))]),
        JsonValueKind.Array => new ListNode(location, [.. element.EnumerateArray().Select(item => FromJson(item, location))]),
        JsonValueKind.String => new ScalarNode(location, element.GetString()!),
        JsonValueKind.Number => new ScalarNode(location, element.GetRawText(), ScalarKind.Number),
        JsonValueKind.True => new ScalarNode(location, "true", ScalarKind.Boolean),
        JsonValueKind.False => new ScalarNode(location, "false", ScalarKind.Boolean),
        _ => new ScalarNode(location, "", ScalarKind.Null),
    };

    private static JsonNode? NumberOrText(string text)
    {
        try
        {
            return JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            // YAML knows spellings of numbers that JSON does not, such as +1 and .5.
            return JsonValue.Create(text);
        }
    }
}
