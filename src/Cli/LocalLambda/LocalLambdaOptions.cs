namespace UdpGateway.Cli.LocalLambda;

/// <summary>What the local Lambda service needs to know besides the functions.</summary>
public sealed record LocalLambdaOptions
{
    /// <summary>Where inline code, build output and the functions' home and temporary folders go. Created when missing.</summary>
    public required string StateDirectory { get; init; }

    public required string Region { get; init; }

    public required string AccountId { get; init; }

    /// <summary>
    /// Gives the variables that replace the dummy credentials and the disabled instance metadata, for <c>--aws-profile</c>; called
    /// for every process, because credentials expire. Without it a function cannot reach an AWS account by accident.
    /// </summary>
    public Func<IReadOnlyDictionary<string, string>>? Credentials { get; init; }

    /// <summary>Variables that lead a function's SDK to services that are served on this machine; a function's own variables go before them.</summary>
    public IReadOnlyDictionary<string, string> ServiceEndpoints { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>How many processes one function may have; each handles one invocation at a time.</summary>
    public int MaximumConcurrency { get; init; } = 10;

    /// <summary>
    /// How many invocations of one function may wait for a process before more are refused with TooManyRequestsException. Lambda itself
    /// refuses at once; a laptop starts processes more slowly than Lambda does, so short bursts wait here instead.
    /// </summary>
    public int MaximumWaiting { get; init; } = 100;

    /// <summary>How many accepted <c>Event</c> invocations of one function may be unfinished, retries included.</summary>
    public int MaximumPendingEvents { get; init; } = 1000;

    /// <summary>
    /// The waits before the second and the third attempt of a failed <c>Event</c> invocation. Lambda waits 1 and 2 minutes; nobody
    /// wants to wait that long on a laptop, so these are seconds.
    /// </summary>
    public IReadOnlyList<TimeSpan> EventRetryDelays { get; init; } = [TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2)];

    /// <summary>How long a process may stay unused before it is stopped.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// How long a process may take until it asks for its first invocation, the function's timeout added: Lambda allows 10 s and then
    /// repeats the start within the first invocation.
    /// </summary>
    public TimeSpan InitTimeout { get; init; } = TimeSpan.FromSeconds(10);
}
