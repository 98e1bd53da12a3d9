namespace UdpGateway.Listeners;

/// <summary>
/// The properties of a listener as declared: typed, not yet judged. Classes and not records,
/// because some members are secrets and generated printing would show them.
/// </summary>
internal sealed class ListenerDeclaration
{
    public string? Name { get; init; }

    public string? ListenerName { get; init; }

    public string? Description { get; init; }

    public required IReadOnlyList<(string Path, string Text)> Protocols { get; init; }

    public int? Port { get; init; }

    public string? Fleet { get; init; }

    public required ClientRestrictionsDeclaration ClientRestrictions { get; init; }

    public required IReadOnlyList<PeerDeclaration> Peers { get; init; }

    public bool? DecapsulatedDelivery { get; init; }

    public bool? AllowUnknownPeers { get; init; }

    public DeclaredKey? UnknownPeerPreSharedKey { get; init; }

    public DeclaredKey? PrivateKey { get; init; }

    public string? KeyRotationToken { get; init; }

    public required IReadOnlyList<DestinationDeclaration> Destinations { get; init; }
}

internal sealed class ClientRestrictionsDeclaration
{
    public required string Path { get; init; }

    public IReadOnlyList<(string Path, string Text)> Networks { get; init; } = [];

    public IReadOnlyList<(string Path, string Text)> Domains { get; init; } = [];
}

internal sealed class PeerDeclaration
{
    public required string Path { get; init; }

    public DeclaredKey? PublicKey { get; init; }

    public IReadOnlyList<(string Path, string Text)> AllowedIPs { get; init; } = [];

    public DeclaredKey? SharedSecret { get; init; }
}

internal sealed class DestinationDeclaration
{
    public required string Path { get; init; }

    public required string? Name { get; init; }

    public required string GeneratedName { get; init; }

    public string? Description { get; init; }

    public string? Role { get; init; }

    public required BatchingDeclaration Batching { get; init; }

    /// <summary>Path, region or <c>*</c>, and ARN.</summary>
    public required IReadOnlyList<(string Path, string Region, string Arn)> Arns { get; init; }

    public string? Formatter { get; init; }

    public string? FilterExpression { get; init; }

    public bool? UseAsyncInvoke { get; init; }

    public bool? UseResponseStreaming { get; init; }

    /// <summary>Judged already, since each kind reads its own.</summary>
    public required DestinationArguments Arguments { get; init; }

    public int? Concurrency { get; init; }

    public bool? MetricsEnabled { get; init; }

    public string? LogGroupName { get; init; }

    public bool? EnableLogging { get; init; }

    public string? DeadLetterArn { get; init; }

    public string EffectiveName => Name ?? GeneratedName;
}

internal sealed class BatchingDeclaration
{
    public required string Path { get; init; }

    public int? Count { get; init; }

    public double? TimeoutInSeconds { get; init; }

    public double? SizeInMB { get; init; }

    public double? SizeInMb { get; init; }
}

/// <summary>A key as declared, which may be secret and is never printed.</summary>
internal sealed class DeclaredKey(string text)
{
    public string Text { get; } = text;

    public override string ToString() => nameof(DeclaredKey);
}
