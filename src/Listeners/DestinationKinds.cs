using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;

namespace UdpGateway.Listeners;

/// <summary>A service that the data plane can deliver to.</summary>
/// <param name="Service">The service segment of its ARNs.</param>
/// <param name="ArnForm">The form that its ARNs must have, for people.</param>
public sealed record DestinationKind(string Service, string DisplayName, string ArnForm)
{
    /// <summary>Whether an ARN of this service has <see cref="ArnForm"/>.</summary>
    public required Func<Arn, bool> Accepts { get; init; }

    /// <summary>The argument that a destination of this kind cannot do without and does not have; null when it has all.</summary>
    public Func<DestinationArguments, string?> FindMissing { get; init; } = static _ => null;

    /// <summary>
    /// Reads the kind's own arguments, from <c>Arguments</c> or, where that is another accepted place, from the destination itself.
    /// </summary>
    internal Func<PropertyBinder, PropertyBinder, DestinationArguments, DestinationArguments>? BindArguments { get; init; }
}

/// <summary>
/// The kinds of destination that a template may name. The gateway has exactly one delivery for each,
/// so that what is accepted here can be delivered there.
/// </summary>
public static class DestinationKinds
{
    public static IReadOnlyList<DestinationKind> All { get; } =
    [
        LambdaKind.Kind,
        SqsKind.Kind,
        SnsKind.Kind,
        EventBridgeKind.Kind,
        KinesisKind.Kind,
        FirehoseKind.Kind,
        S3Kind.Kind,
        CloudWatchLogsKind.Kind,
        DynamoDbKind.Kind,
        StepFunctionsKind.Kind,
        ApiGatewayKind.Kind,
        IotKind.Kind,
        LocationKind.Kind,
    ];

    private static readonly FrozenDictionary<string, DestinationKind> ByService = All.ToFrozenDictionary(kind => kind.Service, StringComparer.Ordinal);

    public static bool TryFind(string service, [NotNullWhen(true)] out DestinationKind? kind) => ByService.TryGetValue(service, out kind);
}
