namespace UdpGateway.Listeners;

/// <summary>
/// Properties that decide who may reach a listener. Ignoring a misspelled one would leave open what its author
/// closed, or the reverse, so a near miss is an error and not an unknown property.
/// </summary>
internal static class GatingProperties
{
    private const int MaxDistance = 2;

    private static readonly string[] Names =
        ["AllowUnknownPeers", "UnknownPeerPreSharedKey", "SharedSecret", "ClientRestrictions", "Networks", "Domains", "Peers", "AllowedIPs"];

    /// <summary>What WireGuard's own configuration files call a property, and what it is here.</summary>
    private static readonly (string Name, string Meant)[] WireGuardNames = [("PresharedKey", "SharedSecret")];

    /// <summary>The gating property within edit distance 2 of the name, ignoring case; null when there is none.</summary>
    public static string? Nearest(string name) => Names.Select(candidate => (Name: candidate, Meant: candidate)).Concat(WireGuardNames)
        .Select(candidate => (candidate.Meant, Distance: Distance(name, candidate.Name)))
        .Where(pair => pair.Distance <= MaxDistance)
        .OrderBy(pair => pair.Distance)
        .Select(pair => pair.Meant)
        .FirstOrDefault();

    // Levenshtein distance by the two-row method; names that differ more in length than the limit are not measured.
    private static int Distance(string left, string right)
    {
        if (Math.Abs(left.Length - right.Length) > MaxDistance)
            return int.MaxValue;
        var previous = Enumerable.Range(0, right.Length + 1).ToArray();
        var current = new int[right.Length + 1];
        for (var row = 1; row <= left.Length; row++)
        {
            current[0] = row;
            for (var column = 1; column <= right.Length; column++)
            {
                var cost = char.ToUpperInvariant(left[row - 1]) == char.ToUpperInvariant(right[column - 1]) ? 0 : 1;
                current[column] = Math.Min(Math.Min(current[column - 1], previous[column]) + 1, previous[column - 1] + cost);
            }

            (previous, current) = (current, previous);
        }

        return previous[right.Length];
    }
}
