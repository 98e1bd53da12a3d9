namespace UdpGateway.Listeners;

/// <summary>One thing that is wrong, or without effect, in a declaration.</summary>
/// <param name="Path">Property path, such as <c>Destinations[1].Arguments.UseAsyncInvoke</c>.</param>
/// <param name="Given">What was declared, shortened; null where it may be a secret or would say nothing.</param>
/// <param name="Sentence">What would be right, as a predicate of the path: <c>must be …</c>.</param>
/// <param name="Code">Stable name of the rule.</param>
public sealed record PropertyProblem(string Path, string? Given, string Sentence, string Code)
{
    public override string ToString() => Given is null ? $"{Path} {Sentence}." : $"{Path} {Sentence}; {Given} was given.";
}
