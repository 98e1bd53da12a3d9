using System.Globalization;
using System.Text.Json;
using UdpGateway.Listeners.Validation;

namespace UdpGateway.Listeners;

/// <summary>The properties of a fleet as declared: typed, not yet judged.</summary>
internal sealed record FleetDeclaration
{
    public string? Name { get; init; }

    public string? Cluster { get; init; }

    public string? LoadBalancerArn { get; init; }

    public IReadOnlyList<(string Path, string Text)> Subnets { get; init; } = [];

    public IReadOnlyList<(string Path, string Text)> SecurityGroups { get; init; } = [];

    public bool? AssignPublicIp { get; init; }

    public int? DesiredCount { get; init; }

    public int? Cpu { get; init; }

    public int? Memory { get; init; }

    public string? Architecture { get; init; }

    public string? Image { get; init; }

    public string? TaskRoleArn { get; init; }

    public string? ExecutionRoleArn { get; init; }

    public string? LogGroupName { get; init; }

    public string? PortRange { get; init; }

    public string? ClientCidr { get; init; }

    public string? DomainName { get; init; }

    public int? HealthPort { get; init; }

    public int? RelayPort { get; init; }

    public int? StopTimeoutSeconds { get; init; }

    public IReadOnlyList<(string Path, string Key, string Text)> Environment { get; init; } = [];
}

/// <param name="Definition">Null when there is a problem.</param>
public sealed record FleetBinding(FleetDefinition? Definition, IReadOnlyList<PropertyProblem> Problems, IReadOnlyList<PropertyProblem> Warnings);

/// <summary>From CloudFormation's <c>ResourceProperties</c> to a fleet that can be made.</summary>
public static class FleetProperties
{
    /// <summary>Binds and validates in one step and reports all problems at once. Never throws on any JSON.</summary>
    public static FleetBinding Bind(JsonElement resourceProperties)
    {
        var found = new ProblemList();
        var declaration = Read(resourceProperties, found);
        found.Add(new FleetValidator().Validate(declaration));
        return new FleetBinding(found.Problems.Count == 0 ? Define(declaration) : null, found.Problems, found.Warnings);
    }

    internal static bool TryParseRange(string? text, out PortRange range)
    {
        range = default;
        if (text?.Split('-') is not [var first, var last]
            || !int.TryParse(first, NumberStyles.None, CultureInfo.InvariantCulture, out var from)
            || !int.TryParse(last, NumberStyles.None, CultureInfo.InvariantCulture, out var to))
        {
            return false;
        }

        range = new PortRange(from, to);
        // The last ports stand for those that only root may bind.
        return from >= FleetNames.FirstUnprivilegedPort && to >= from && to <= 65_535 - FleetNames.FirstUnprivilegedPort;
    }

    private static FleetDeclaration Read(JsonElement resourceProperties, ProblemList found)
    {
        var properties = new PropertyBinder(resourceProperties, string.Empty, found);
        properties.Accept("ServiceToken", "ServiceTimeout", "ApiKey");
        var declaration = new FleetDeclaration
        {
            Name = properties.Text("Name"),
            Cluster = properties.Text("Cluster"),
            LoadBalancerArn = properties.Text("LoadBalancerArn"),
            Subnets = properties.Texts("Subnets") ?? [],
            SecurityGroups = properties.Texts("SecurityGroups") ?? [],
            AssignPublicIp = properties.Boolean("AssignPublicIp"),
            DesiredCount = properties.Integer("DesiredCount"),
            Cpu = properties.Integer("Cpu"),
            Memory = properties.Integer("Memory"),
            Architecture = properties.Text("Architecture"),
            Image = properties.Text("Image"),
            TaskRoleArn = properties.Text("TaskRoleArn"),
            ExecutionRoleArn = properties.Text("ExecutionRoleArn"),
            LogGroupName = properties.Text("LogGroupName"),
            PortRange = properties.Text("PortRange"),
            ClientCidr = properties.Text("ClientCidr"),
            DomainName = properties.Text("DomainName"),
            HealthPort = properties.Integer("HealthPort"),
            RelayPort = properties.Integer("RelayPort"),
            StopTimeoutSeconds = properties.Integer("StopTimeoutSeconds"),
            Environment = ReadEnvironment(properties),
        };
        properties.ReportUnknown();
        return declaration;
    }

    /// <summary>A map; or a list of NAME=VALUE, which a stack's parameter can be.</summary>
    private static IReadOnlyList<(string Path, string Key, string Text)> ReadEnvironment(PropertyBinder properties)
    {
        const string Name = "Environment";
        if (properties.IsObject(Name))
            return properties.Map(Name, scalarKey: string.Empty);
        // A parameter with an empty default gives a list of one empty string.
        var entries = (properties.Texts(Name) ?? []).Where(entry => entry.Text.Length > 0);
        return [.. entries.Select(entry => entry.Text.Split('=', 2) is [var variable, var value] ? (entry.Path, variable.Trim(), value) : (entry.Path, string.Empty, string.Empty))];
    }

    private static FleetDefinition Define(FleetDeclaration declaration)
    {
        var definition = new FleetDefinition
        {
            Name = declaration.Name!,
            Cluster = declaration.Cluster!,
            LoadBalancerArn = declaration.LoadBalancerArn!,
            Subnets = [.. declaration.Subnets.Select(subnet => subnet.Text)],
            SecurityGroups = [.. declaration.SecurityGroups.Select(group => group.Text)],
            TaskRoleArn = declaration.TaskRoleArn!,
            ExecutionRoleArn = declaration.ExecutionRoleArn!,
            LogGroupName = declaration.LogGroupName!,
            PortRange = TryParseRange(declaration.PortRange, out var range) ? range : throw new InvalidOperationException("A port range reached its definition without validation."),
            Environment = declaration.Environment.ToDictionary(variable => variable.Key, variable => variable.Text, StringComparer.Ordinal),
            // A parameter with an empty default gives an empty string.
            DomainName = string.IsNullOrEmpty(declaration.DomainName) ? null : declaration.DomainName,
            Image = declaration.Image ?? string.Empty,
        };
        return definition with
        {
            AssignPublicIp = declaration.AssignPublicIp ?? definition.AssignPublicIp,
            DesiredCount = declaration.DesiredCount ?? definition.DesiredCount,
            Cpu = declaration.Cpu ?? definition.Cpu,
            Memory = declaration.Memory ?? definition.Memory,
            Architecture = declaration.Architecture ?? definition.Architecture,
            // As EC2 writes it: what it is told is compared with what it has.
            ClientCidr = declaration.ClientCidr is { } clients && NetworkText.TryParse(clients, out var network) ? network.ToString() : definition.ClientCidr,
            HealthPort = declaration.HealthPort ?? definition.HealthPort,
            RelayPort = declaration.RelayPort ?? definition.RelayPort,
            StopTimeoutSeconds = declaration.StopTimeoutSeconds ?? definition.StopTimeoutSeconds,
        };
    }
}
