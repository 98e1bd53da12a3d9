using System.Net;
using System.Text.Json;

namespace UdpGateway.Gateway.Fleets;

/// <summary>Who this task is, as ECS tells it.</summary>
/// <param name="TaskId">The last part of the task's ARN.</param>
/// <param name="Address">Of the task's network interface; what the balancer sends to.</param>
internal sealed record TaskIdentity(string TaskId, string Address)
{
    /// <summary>Where ECS says it; set for every Fargate task.</summary>
    public const string MetadataVariable = "ECS_CONTAINER_METADATA_URI_V4";

    /// <remarks>Source: Amazon ECS Developer Guide, "Amazon ECS task metadata endpoint version 4 for tasks on Fargate".</remarks>
    /// <exception cref="FormatException">The endpoint's answer names no task or no IPv4 address.</exception>
    /// <exception cref="HttpRequestException">There is no answer.</exception>
    public static async Task<TaskIdentity> ReadAsync(string metadataUri, HttpClient http, CancellationToken cancellationToken)
    {
        using var document = JsonDocument.Parse(await http.GetByteArrayAsync(new Uri($"{metadataUri.TrimEnd('/')}/task"), cancellationToken));
        var root = document.RootElement;
        var taskArn = root.ValueKind is JsonValueKind.Object && root.TryGetProperty("TaskARN", out var arn) ? arn.GetString() : null;
        var address = Elements(root, "Containers").SelectMany(container => Elements(container, "Networks").AsEnumerable()).SelectMany(network => Elements(network, "IPv4Addresses").AsEnumerable())
            .Select(element => element.GetString()).FirstOrDefault(text => IPAddress.TryParse(text, out _));
        return taskArn is { Length: > 0 } && address is not null
            ? new TaskIdentity(taskArn[(taskArn.LastIndexOf('/') + 1)..], address)
            : throw new FormatException("The task metadata endpoint names no task ARN or no IPv4 address.");
    }

    private static JsonElement.ArrayEnumerator Elements(JsonElement element, string name) =>
        element.ValueKind is JsonValueKind.Object && element.TryGetProperty(name, out var list) && list.ValueKind is JsonValueKind.Array ? list.EnumerateArray() : default;
}
