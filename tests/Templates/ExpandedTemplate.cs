using System.Collections.Concurrent;
using System.Text.Json.Nodes;

namespace UdpGateway.Templates.Tests;

/// <summary>A template after the SAM transform.</summary>
internal sealed class ExpandedTemplate(JsonObject root)
{
    // By path; nobody changes them.
    private static readonly ConcurrentDictionary<string, Lazy<Task<ExpandedTemplate>>> Read = new(StringComparer.Ordinal);

    public JsonObject Resources => root[nameof(Resources)]!.AsObject();

    public JsonObject Parameters => root[nameof(Parameters)]!.AsObject();

    public static Task<ExpandedTemplate> ReadAsync(string path) => Read.GetOrAdd(path, static path => new Lazy<Task<ExpandedTemplate>>(() => ExpandAsync(path))).Value;

    private static async Task<ExpandedTemplate> ExpandAsync(string path)
    {
        var expansion = await Tool.PythonAsync("expand.py", path);
        Assert.True(expansion.ExitCode == 0, $"{path} does not expand: {expansion.Error}");
        return new ExpandedTemplate(JsonNode.Parse(expansion.Output)!.AsObject());
    }

    public JsonObject PropertiesOf(string resource) => Resources[resource]!["Properties"]!.AsObject();

    /// <summary>The statements of a role, whatever the conditions.</summary>
    public IReadOnlyList<PolicyStatement> StatementsOf(string role)
    {
        var inline = PropertiesOf(role)["Policies"]?.AsArray().Select(policy => policy!["PolicyDocument"]!) ?? [];
        var attached = Resources.Select(resource => resource.Value!)
            .Where(resource => resource["Type"]!.GetValue<string>() == "AWS::IAM::Policy" && resource["Properties"]!["Roles"]!.ToJsonString().Contains($"{{\"Ref\":\"{role}\"}}", StringComparison.Ordinal))
            .Select(resource => resource["Properties"]!["PolicyDocument"]!);
        return [.. inline.Concat(attached).SelectMany(document => Branches(document["Statement"]!)).Select(statement => new PolicyStatement(statement.AsObject()))];
    }

    /// <summary>What is made before a resource, and deleted after it, whatever the conditions.</summary>
    public IReadOnlySet<string> Before(string resource)
    {
        var found = new HashSet<string>(StringComparer.Ordinal);
        Follow(resource);
        return found;

        void Follow(string name)
        {
            foreach (var next in Named(Resources[name]!).Where(next => Resources.ContainsKey(next) && found.Add(next)))
                Follow(next);
        }

        static IEnumerable<string> Named(JsonNode? node) => node switch
        {
            JsonObject map => map.SelectMany(member => member.Key is "Ref" or "DependsOn" or "Fn::GetAtt" ? Texts(member.Value!) : Named(member.Value)),
            JsonArray list => list.SelectMany(Named),
            _ => [],
        };

        static IEnumerable<string> Texts(JsonNode value) => value is JsonArray list ? list.Select(item => item!.GetValue<string>()) : [value.GetValue<string>()];
    }

    private static IEnumerable<JsonNode> Branches(JsonNode node)
    {
        if (node is JsonArray items)
            return items.SelectMany(item => Branches(item!));
        if (node["Fn::If"] is JsonArray choice)
            return Branches(choice[1]!).Concat(Branches(choice[2]!));
        return node["Ref"] is null ? [node] : [];
    }
}

internal sealed class PolicyStatement(JsonObject statement)
{
    public bool Allows => statement["Effect"]!.GetValue<string>() == "Allow";

    public IReadOnlyList<string> Actions => statement["Action"] is JsonArray actions ? [.. actions.Select(action => action!.GetValue<string>())] : [statement["Action"]!.GetValue<string>()];

    public bool IsForEverything => statement["Resource"] is JsonValue resource && resource.GetValue<string>() == "*";
}
