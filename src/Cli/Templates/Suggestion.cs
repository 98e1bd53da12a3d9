namespace UdpGateway.Cli.Templates;

/// <summary>Finds what somebody who mistyped a name probably meant.</summary>
internal static class Suggestion
{
    /// <summary>Longer than any name; comparing texts of any length would cost their product.</summary>
    private const int MaxLength = 100;

    /// <summary><c> Did you mean 'X'?</c> with a leading space, or nothing.</summary>
    public static string For(string given, IEnumerable<string> known)
    {
        if (given.Length > MaxLength)
            return "";
        var best = known
            .Where(name => name.Length <= MaxLength)
            .Select(name => (Name: name, Distance: Distance(given, name)))
            .OrderBy(candidate => candidate.Distance)
            .FirstOrDefault();
        return best.Name is not null && best.Distance <= Math.Max(1, given.Length / 3) ? $" Did you mean '{best.Name}'?" : "";
    }

    /// <summary>Edits, where swapping two neighbours counts as one; ignores case.</summary>
    private static int Distance(string left, string right)
    {
        left = left.ToUpperInvariant();
        right = right.ToUpperInvariant();
        var distances = new int[left.Length + 1, right.Length + 1];
        for (var i = 0; i <= left.Length; i++)
            distances[i, 0] = i;
        for (var j = 0; j <= right.Length; j++)
            distances[0, j] = j;
        for (var i = 1; i <= left.Length; i++)
        {
            for (var j = 1; j <= right.Length; j++)
            {
                var cost = left[i - 1] == right[j - 1] ? 0 : 1;
                distances[i, j] = Math.Min(Math.Min(distances[i, j - 1], distances[i - 1, j]) + 1, distances[i - 1, j - 1] + cost);
                if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1])
                    distances[i, j] = Math.Min(distances[i, j], distances[i - 2, j - 2] + 1);
            }
        }

        return distances[left.Length, right.Length];
    }
}
