using System.Text.Json.Nodes;
using UdpGateway.EndToEnd.Tests.Harness;

namespace UdpGateway.EndToEnd.Tests.Samples;

/// <summary>What a destination that is no function would have got: a line for each API call.</summary>
internal static class DeliveredPayloads
{
    /// <summary>The calls of a destination once there are enough of them.</summary>
    public static async Task<JsonNode[]> DeliveredAsync(this Workspace workspace, string destination, Func<JsonNode[], bool> areEnough)
    {
        JsonNode[] calls = [];
        await Eventually.TrueAsync(() => areEnough(calls = Read(workspace, destination)), TimeSpan.FromSeconds(20));
        return calls;
    }

    public static JsonNode[] Read(Workspace workspace, string destination)
    {
        var file = Path.Combine(workspace.State, "destinations", $"{destination}.ndjson");
        if (!File.Exists(file))
            return [];
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(stream);
        // The last line may still be in the making.
        var text = reader.ReadToEnd();
        return [.. text[..(text.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!)];
    }
}
