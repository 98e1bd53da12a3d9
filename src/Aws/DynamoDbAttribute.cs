using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace UdpGateway.Aws;

/// <summary>Attribute values in DynamoDB's JSON, <c>{"S":"…"}</c>, and what is read from them.</summary>
internal static class DynamoDbAttribute
{
    public static JsonObject Text(string value) => new() { ["S"] = value };

    public static JsonObject Number(long value) => new() { ["N"] = value.ToString(CultureInfo.InvariantCulture) };

    public static JsonObject Flag(bool value) => new() { ["BOOL"] = value };

    public static JsonObject Bytes(ReadOnlySpan<byte> value) => new() { ["B"] = Convert.ToBase64String(value) };

    public static JsonObject Map(IEnumerable<KeyValuePair<string, string>> entries) =>
        new() { ["M"] = new JsonObject(entries.Select(entry => KeyValuePair.Create(entry.Key, (JsonNode?)Text(entry.Value)))) };

    public static string TextOf(JsonObject item, string name) => Value<string>(item, name, "S") ?? throw Damaged(item, name);

    public static string? OptionalTextOf(JsonObject item, string name) => Value<string>(item, name, "S");

    public static long NumberOf(JsonObject item, string name) =>
        long.TryParse(Value<string>(item, name, "N"), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? value : throw Damaged(item, name);

    public static bool FlagOf(JsonObject item, string name) => item[name]?["BOOL"]?.GetValue<bool>() ?? throw Damaged(item, name);

    public static byte[]? OptionalBytesOf(JsonObject item, string name) => Value<string>(item, name, "B") is { } value ? Convert.FromBase64String(value) : null;

    public static Dictionary<string, string> MapOf(JsonObject item, string name) => item[name]?["M"] is JsonObject map
        ? map.ToDictionary(entry => entry.Key, entry => TextOf(map, entry.Key), StringComparer.Ordinal)
        : throw Damaged(item, name);

    /// <summary>Bytes that count towards an item's limit: of the names and of the values, which here are texts and numbers.</summary>
    public static int SizeOf(JsonObject item) =>
        item.Sum(attribute => Encoding.UTF8.GetByteCount(attribute.Key) + attribute.Value!.AsObject().Sum(value => Encoding.UTF8.GetByteCount(value.Value!.ToString())));

    private static T? Value<T>(JsonObject item, string name, string type)
        where T : class => item[name]?[type]?.GetValue<T>();

    private static InvalidDataException Damaged(JsonObject item, string name) =>
        new($"The item {item["PK"]?["S"]} / {item["SK"]?["S"]} of the table has no usable attribute {name}.");
}
