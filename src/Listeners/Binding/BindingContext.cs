namespace UdpGateway.Listeners;

/// <summary>What binding needs to know beside the properties.</summary>
public sealed record BindingContext
{
    /// <summary>ARN of the declaring stack; part of generated names.</summary>
    public required string StackId { get; init; }

    public required string LogicalResourceId { get; init; }

    /// <summary>Whether there is a fleet with this name; in local mode every name is as good as another.</summary>
    public Func<string, bool> HasFleet { get; init; } = static _ => true;

    /// <summary>Whether a destination with this ARN may do without a Role: functions of the template in local mode.</summary>
    public Func<string, bool> MayOmitRole { get; init; } = static _ => false;
}

/// <summary>Everything that binding found out.</summary>
/// <param name="Definition">Null when there is a problem.</param>
/// <param name="Keys">Literal keys by the <see cref="ListenerSecretField.Field"/> that the definition names.</param>
/// <param name="Problems">All problems at once, in the order of the declaration's properties.</param>
/// <param name="Warnings">What is accepted but has no effect.</param>
public sealed record BindingResult(
    ListenerDefinition? Definition,
    IReadOnlyDictionary<string, KeyText> Keys,
    IReadOnlyList<PropertyProblem> Problems,
    IReadOnlyList<PropertyProblem> Warnings);

/// <summary>What binding found out about a resource that holds no keys.</summary>
/// <param name="Definition">Null when there is a problem.</param>
/// <param name="Problems">All problems at once.</param>
/// <param name="Warnings">What is accepted but has no effect.</param>
public sealed record BindingResult<TDefinition>(TDefinition? Definition, IReadOnlyList<PropertyProblem> Problems, IReadOnlyList<PropertyProblem> Warnings)
    where TDefinition : class;
