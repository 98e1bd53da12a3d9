using System.Text.Encodings.Web;
using System.Text.Json;

namespace UdpGateway.Aws;

/// <summary>What the services of AWS's JSON protocols have in common.</summary>
internal static class AwsJson
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <summary>Escapes only what JSON demands.</summary>
    public static JsonSerializerOptions Relaxed { get; } = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull,
    };

    public static Utf8JsonWriter Writer(PooledBuffer output) => new(output, Options);

    /// <param name="version"><c>1.0</c> or <c>1.1</c>, by service.</param>
    public static List<KeyValuePair<string, string>> Headers(string target, string version) =>
        [new("Content-Type", $"application/x-amz-json-{version}"), new("X-Amz-Target", target)];

    /// <exception cref="AwsServiceException">The service, or something before it, answered what is no JSON object.</exception>
    public static JsonDocument Parse(AwsResponse response, string operation)
    {
        try
        {
            var document = JsonDocument.Parse(response.Body);
            if (document.RootElement.ValueKind == JsonValueKind.Object)
                return document;
            document.Dispose();
        }
        catch (JsonException exception)
        {
            throw new AwsServiceException(AwsFailure.ServiceFault, $"{operation} answered what is no JSON", exception);
        }

        throw AwsServiceException.FromAnswer(operation, response.HttpStatusCode, null, isThrottlingCode: false, "what is no JSON object", null, null);
    }

    public static string? Text(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    /// <summary>Of an answer that has one result for each entry of the request, in order: those with an error code.</summary>
    public static IReadOnlyList<BatchEntryFailure> EntryFailures(JsonElement answer, string results, string codeName)
    {
        List<BatchEntryFailure>? failures = null;
        var index = 0;
        foreach (var result in Items(answer, results))
        {
            if (Text(result, codeName) is { } code)
                (failures ??= []).Add(BatchEntryFailure.FromCode(index, code));
            index++;
        }

        return failures is null ? [] : failures;
    }

    /// <summary>The elements of an array; none if it is absent or null.</summary>
    public static IEnumerable<JsonElement> Items(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Array ? value.EnumerateArray() : [];
}
