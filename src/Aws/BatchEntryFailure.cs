namespace UdpGateway.Aws;

/// <summary>An entry of a batch operation that the service did not take, while it took others.</summary>
/// <param name="Index">Place in the request.</param>
/// <param name="Code">The service's code; its message may repeat the payload and is left out.</param>
/// <param name="IsTransient">Whether the same entry may be taken later.</param>
public readonly record struct BatchEntryFailure(int Index, string Code, bool IsTransient)
{
    /// <summary>By a code as services use them for entries: throttling and faults of their own pass.</summary>
    internal static BatchEntryFailure FromCode(int index, string code) => new(index, code, IsTransientCode(code));

    private static bool IsTransientCode(string code) =>
        code.Contains("Throttl", StringComparison.OrdinalIgnoreCase)
        || code.Contains("ThroughputExceeded", StringComparison.Ordinal)
        || code.Contains("Internal", StringComparison.Ordinal)
        || code.Contains("Unavailable", StringComparison.Ordinal)
        || code.Contains("Conflict", StringComparison.Ordinal);
}
