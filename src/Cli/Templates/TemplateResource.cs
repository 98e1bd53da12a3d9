namespace UdpGateway.Cli.Templates;

/// <summary>One resource as declared, with SAM's Globals merged in; its properties are not yet evaluated.</summary>
internal sealed record TemplateResource(string LogicalId, string Type, SourceLocation Location, MapNode Properties)
{
    /// <summary>Name of the condition that decides whether the resource exists.</summary>
    public string? Condition { get; init; }

    public IReadOnlyList<ScalarNode> DependsOn { get; init; } = [];

    /// <summary>Whether our provider serves it.</summary>
    public bool IsUdpGatewayResource =>
        Type.StartsWith("Custom::ProxylityUdpGateway", StringComparison.Ordinal) || Type.StartsWith("Custom::UdpGateway", StringComparison.Ordinal);

    public bool IsListener => Type is ListenerType or ListenerAlias;

    public bool IsDestinationArn => Type is "Custom::ProxylityUdpGatewayDestinationArn" or "Custom::UdpGatewayDestinationArn";

    public bool IsPacketSource => Type is "Custom::ProxylityUdpGatewayPacketSource" or "Custom::UdpGatewayPacketSource";

    /// <summary>Of the provider on AWS only.</summary>
    public bool IsFleet => Type is "Custom::ProxylityUdpGatewayFleet" or "Custom::UdpGatewayFleet";

    public bool IsFunction => Type is "AWS::Lambda::Function" or "AWS::Serverless::Function";

    public bool IsSecret => Type == "AWS::SecretsManager::Secret";

    internal const string ListenerType = "Custom::ProxylityUdpGatewayListener";
    internal const string ListenerAlias = "Custom::UdpGatewayListener";

    internal static IReadOnlyList<string> ServedTypes { get; } =
        [.. new[] { "Custom::ProxylityUdpGateway", "Custom::UdpGateway" }.SelectMany(prefix => new[] { $"{prefix}Listener", $"{prefix}DestinationArn", $"{prefix}PacketSource" }), "Custom::UdpGatewayFleet"];
}
