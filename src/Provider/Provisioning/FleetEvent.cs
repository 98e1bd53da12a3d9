using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using UdpGateway.Listeners.Storage;

namespace UdpGateway.Provider;

/// <summary>
/// What EventBridge sends the provider's function beside CloudFormation's events: that a task of a service ended, or that it is time to
/// look at everything.
/// </summary>
/// <param name="StoppedTaskId">Null for the schedule.</param>
internal sealed record FleetEvent(string? ServiceName, string? ClusterName, string? StoppedTaskId)
{
    private const string ServiceGroup = "service:";

    /// <summary>Everything, whatever happened.</summary>
    public static FleetEvent Scheduled { get; } = new(null, null, null);

    public bool Concerns(FleetRecord fleet) =>
        StoppedTaskId is null || (FleetService.ServiceName(fleet) == ServiceName && LastPart(fleet.Definition.Cluster) == ClusterName);

    /// <remarks>Source: Amazon ECS Developer Guide, "Amazon ECS task state change events"; EventBridge User Guide, "Events from AWS services".</remarks>
    /// <returns>Whether it is an event of EventBridge; <paramref name="fleetEvent"/> is null for one that asks for nothing.</returns>
    public static bool TryParse(ReadOnlyMemory<byte> payload, out FleetEvent? fleetEvent)
    {
        fleetEvent = null;
        try
        {
            using var document = JsonDocument.Parse(payload);
            if (document.RootElement is not { ValueKind: JsonValueKind.Object } root || !TryGetText(root, "source", out var source) || !TryGetText(root, "detail-type", out var type))
                return false;
            fleetEvent = (source, type) switch
            {
                ("aws.events" or "aws.scheduler", "Scheduled Event") => Scheduled,
                ("aws.ecs", "ECS Task State Change") when root.TryGetProperty("detail", out var detail) && detail.ValueKind is JsonValueKind.Object => TaskStopped(detail),
                _ => null,
            };
            return true;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // No JSON, or half a surrogate pair in it: nothing of EventBridge's.
            return false;
        }
    }

    private static FleetEvent? TaskStopped(JsonElement detail) =>
        TryGetText(detail, "lastStatus", out var status) && status == "STOPPED"
        && TryGetText(detail, "group", out var group) && group.StartsWith(ServiceGroup, StringComparison.Ordinal)
        && TryGetText(detail, "clusterArn", out var cluster) && TryGetText(detail, "taskArn", out var task)
            ? new FleetEvent(group[ServiceGroup.Length..], LastPart(cluster), LastPart(task))
            : null;

    private static string LastPart(string arnOrName) => arnOrName[(arnOrName.LastIndexOf('/') + 1)..];

    private static bool TryGetText(JsonElement element, string name, [NotNullWhen(true)] out string? text)
    {
        text = element.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.String ? value.GetString() : null;
        return text is not null;
    }
}
