using System.Text.Json;
using System.Text.Json.Nodes;

namespace UdpGateway.Listeners.Tests.Binding;

/// <summary>Valid declarations to start from; a test changes the one thing that it is about.</summary>
internal static class Declarations
{
    public const string StackId = "arn:aws:cloudformation:us-west-2:123456789012:stack/fleet/5b1c2f50-0000-1111-2222-333344445555";
    public const string FunctionArn = "arn:aws:lambda:us-west-2:123456789012:function:handler";
    public const string RoleArn = "arn:aws:iam::123456789012:role/delivery";
    public const string PeerKey = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    public const string OtherPeerKey = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";
    public const string PresharedKey = "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=";
    public const string ZeroKey = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

    public static JsonObject Destination() => new() { ["DestinationArn"] = FunctionArn, ["Role"] = RoleArn };

    public static JsonObject Udp() => new()
    {
        ["ServiceToken"] = "arn:aws:lambda:us-west-2:123456789012:function:provider",
        ["ApiKey"] = "key",
        ["Name"] = "echo",
        ["Protocols"] = new JsonArray("udp"),
        ["Destinations"] = new JsonArray(Destination()),
    };

    public static JsonObject WireGuard()
    {
        var properties = Udp();
        properties["Protocols"] = new JsonArray("wg");
        properties["Peers"] = new JsonArray(Peer(PeerKey));
        return properties;
    }

    public static JsonObject Peer(string publicKey) => new() { ["PublicKey"] = publicKey };

    public static BindingResult Bind(JsonNode? properties, Func<string, bool>? mayOmitRole = null)
    {
        using var document = JsonDocument.Parse(properties?.ToJsonString() ?? "null");
        return ListenerProperties.Bind(document.RootElement.Clone(), new BindingContext
        {
            StackId = StackId,
            LogicalResourceId = "Listener",
            MayOmitRole = mayOmitRole ?? (_ => false),
        });
    }

    public static ListenerDefinition BindValid(JsonNode properties)
    {
        var bound = Bind(properties);
        Assert.Empty(bound.Problems);
        return bound.Definition!;
    }

    /// <summary>Sets a value at a path such as <c>Destinations[0].Batching.Count</c>, making objects on the way. JSON null removes.</summary>
    public static JsonObject With(this JsonObject properties, string path, string valueJson)
    {
        var steps = path.Replace("[", ".[", StringComparison.Ordinal).Split('.', StringSplitOptions.RemoveEmptyEntries);
        JsonNode node = properties;
        foreach (var step in steps[..^1])
        {
            if (step[0] == '[')
                node = node.AsArray()[int.Parse(step.Trim('[', ']'))]!;
            else
                node = node[step] ?? (node[step] = new JsonObject());
        }

        var value = JsonNode.Parse(valueJson);
        if (steps[^1][0] == '[')
            node.AsArray()[int.Parse(steps[^1].Trim('[', ']'))] = value;
        else if (value is null)
            node.AsObject().Remove(steps[^1]);
        else
            node[steps[^1]] = value;
        return properties;
    }
}
