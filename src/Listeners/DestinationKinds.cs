using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;

namespace UdpGateway.Listeners;

/// <summary>A service that the data plane can deliver to.</summary>
/// <param name="Service">The service segment of its ARNs.</param>
/// <param name="ArnForm">The form that its ARNs must have, for people.</param>
public sealed record DestinationKind(string Service, string DisplayName, string ArnForm)
{
    /// <summary>Whether an ARN of this service has <see cref="ArnForm"/>.</summary>
    public required Func<Arn, bool> Accepts { get; init; }

    /// <summary>
    /// Reads the kind's own arguments, from <c>Arguments</c> or, where that is another accepted place, from the destination itself.
    /// </summary>
    internal Func<PropertyBinder, PropertyBinder, DestinationArguments, DestinationArguments>? BindArguments { get; init; }
}

/// <summary>
/// The kinds of destination that a template may name. The gateway has exactly one delivery for each,
/// so that what is accepted here can be delivered there.
/// </summary>
public static partial class DestinationKinds
{
    /// <remarks>Source: Lambda Developer Guide, "FunctionName" of Invoke.</remarks>
    public static DestinationKind Lambda { get; } = new("lambda", "Lambda", "arn:aws:lambda:REGION:ACCOUNT:function:NAME[:QUALIFIER]")
    {
        Accepts = arn => arn.Region.Length > 0 && arn.Account.Length > 0 && LambdaResourcePattern().IsMatch(arn.Resource),
    };

    public static IReadOnlyList<DestinationKind> All { get; } =
    [
        Lambda,
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

    [GeneratedRegex(@"\Afunction:[a-zA-Z0-9_-]{1,64}(:(\$LATEST|[a-zA-Z0-9_-]{1,128}))?\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex LambdaResourcePattern();
}
