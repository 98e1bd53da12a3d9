namespace UdpGateway.Cli.LocalLambda;

/// <summary>A Lambda function of the template, with every intrinsic already evaluated.</summary>
public sealed record LocalFunction
{
    /// <summary>The resource's name in the template; letters and digits, as CloudFormation demands.</summary>
    public required string LogicalId { get; init; }

    public required string FunctionName { get; init; }

    /// <summary>Lambda's identifier: <c>python3.*</c>, <c>nodejs*</c>, <c>dotnet*</c> or <c>provided.*</c>.</summary>
    public required string Runtime { get; init; }

    /// <summary><c>module.function</c> for Python and Node, <c>Assembly::Namespace.Type::Method</c> for .NET.</summary>
    public required string Handler { get; init; }

    /// <summary>The absolute folder with the function's sources; exactly one of this and <see cref="InlineCode"/>.</summary>
    public string? CodeDirectory { get; init; }

    /// <summary>The source text of a single Python or Node module.</summary>
    public string? InlineCode { get; init; }

    /// <summary>How long one invocation may take; Lambda's default is 3 s, its maximum 900 s.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>In MB. Reported to the function, not enforced.</summary>
    public int MemorySize { get; init; } = 128;

    /// <summary>How often a failed <c>Event</c> invocation is repeated; Lambda's default is its maximum.</summary>
    public int MaximumRetryAttempts { get; init; } = 2;

    /// <summary>The ARN that gets Lambda's record of an <c>Event</c> that failed for good.</summary>
    public string? OnFailure { get; init; }

    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>
    /// The environment holds something that is not known yet, such as the port of a listener that is about to be created:
    /// invocations wait until the function is updated.
    /// </summary>
    public bool AwaitsEnvironment { get; init; }

    /// <summary>Whether a process of the one may run as the other.</summary>
    public bool IsSameAs(LocalFunction other) =>
        this == other with { Environment = Environment } && Environment.Count == other.Environment.Count && !Environment.Except(other.Environment).Any();

    /// <summary>Whether both are started by the same command.</summary>
    public bool HasSameCodeAs(LocalFunction other) =>
        (LogicalId, Runtime, Handler, CodeDirectory, InlineCode) == (other.LogicalId, other.Runtime, other.Handler, other.CodeDirectory, other.InlineCode);
}
