using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace UdpGateway.Listeners.Storage;

/// <summary>The JSON form of stored records; generated, so that the provider starts fast and may be trimmed.</summary>
[JsonSourceGenerationOptions(UseStringEnumConverter = true, WriteIndented = true, Converters = [typeof(NetworkConverter)], DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ResourceRecord))]
[JsonSerializable(typeof(ListenerRecord))]
[JsonSerializable(typeof(FleetRecord))]
[JsonSerializable(typeof(ListenerDefinition))]
public sealed partial class ListenerJson : JsonSerializerContext;

[JsonSourceGenerationOptions(UseStringEnumConverter = true, WriteIndented = true, Converters = [typeof(NetworkConverter)], DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ResourcesFile))]
[JsonSerializable(typeof(RequestsFile))]
internal sealed partial class EmbeddedStoreJson : JsonSerializerContext;

/// <param name="Revision">Also the source of record versions, so that a version never comes twice.</param>
internal sealed record ResourcesFile(long Revision, IReadOnlyList<ResourceRecord> Resources);

internal sealed record RequestsFile(long Sequence, IReadOnlyList<RequestEntry> Requests);

internal sealed record RequestEntry(string StackId, string LogicalResourceId, string RequestId, long Sequence, DateTimeOffset FirstSeen, byte[]? Answer)
{
    [JsonIgnore]
    public RequestKey Key => new(StackId, LogicalResourceId, RequestId);
}

/// <summary>CIDR notation.</summary>
internal sealed class NetworkConverter : JsonConverter<IPNetwork>
{
    public override IPNetwork Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        IPNetwork.TryParse(reader.GetString(), out var network) ? network : throw new JsonException("A network is not in CIDR notation.");

    public override void Write(Utf8JsonWriter writer, IPNetwork value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
}
