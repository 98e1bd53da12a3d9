namespace UdpGateway.Provider.Tests.Emulation;

/// <summary>A function as its configuration describes it.</summary>
internal sealed class EmulatedFunction
{
    public required string Name { get; init; }

    public required string FileName { get; init; }

    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>Read whenever a process starts, so that a test can change what later processes meet.</summary>
    public Dictionary<string, string> Environment { get; init; } = [];

    public TimeSpan Timeout { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>Pauses before the further attempts of a failed event; none is MaximumRetryAttempts 0.</summary>
    public IReadOnlyList<TimeSpan> RetryDelays { get; init; } = [];

    /// <summary>Name of the function that gets the record of an event that failed for good.</summary>
    public string? OnFailure { get; init; }

    public int ReservedConcurrency { get; init; } = 8;

    public string Arn => $"arn:aws:lambda:us-west-2:123456789012:function:{Name}";
}

/// <param name="Error">Null when the function answered; else the document that Lambda makes of the failure.</param>
internal sealed record InvocationOutcome(string? Response, string? Error);
