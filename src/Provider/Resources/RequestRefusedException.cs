using UdpGateway.Listeners;

namespace UdpGateway.Provider.Resources;

/// <summary>An event is not carried out, for a reason that its author can act on. The message becomes the Reason.</summary>
internal sealed class RequestRefusedException(string reason) : Exception(reason)
{
    public static RequestRefusedException Superseded() => new("A newer request for the same resource has arrived; this one was stopped.");

    /// <summary>All problems of a declaration. A misspelled name is often the cause of the problem beside it, so unknown properties are named too.</summary>
    public static RequestRefusedException Because(IReadOnlyList<PropertyProblem> problems, IReadOnlyList<PropertyProblem> warnings)
    {
        var findings = problems.Concat(warnings.Where(warning => warning.Code == "unknown_property")).ToArray();
        return new RequestRefusedException(findings.Length == 1 ? findings[0].ToString() : string.Join(" ", findings.Select((finding, index) => $"({index + 1}) {finding}")));
    }
}
