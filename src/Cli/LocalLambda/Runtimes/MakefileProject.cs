namespace UdpGateway.Cli.LocalLambda.Runtimes;

/// <summary>
/// The .NET project that SAM's build method <c>makefile</c> publishes: a function whose folder holds several projects says in the
/// recipe of <c>build-LOGICALID</c> which one is its own. The recipe itself is not run; it publishes for Lambda's machines.
/// </summary>
internal static class MakefileProject
{
    private static readonly char[] Separators = [' ', '\t', ';', '&', '|', '(', ')', '"', '\''];

    /// <returns>Null when there is no such recipe, or it names no project.</returns>
    /// <exception cref="LocalLambdaException">It names several.</exception>
    public static string? Find(string directory, string logicalId)
    {
        var makefile = Directory.EnumerateFiles(directory).FirstOrDefault(file => Path.GetFileName(file).Equals("Makefile", StringComparison.OrdinalIgnoreCase));
        if (makefile is null)
            return null;

        var root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory)) + Path.DirectorySeparatorChar;
        var projects = Recipe(File.ReadLines(makefile), $"build-{logicalId}")
            .SelectMany(line => line.Split(Separators, StringSplitOptions.RemoveEmptyEntries))
            .Select(word => Path.GetFullPath(word, root))
            .Where(path => path.StartsWith(root, StringComparison.Ordinal))
            .Select(path => Directory.Exists(path) ? DotNetProjectBuilder.FindProject(path) : DotNetProjectBuilder.IsProject(path) ? path : null)
            .OfType<string>()
            .Distinct(StringComparer.Ordinal)
            .ToList();
        return projects.Count <= 1
            ? projects.FirstOrDefault()
            : throw new LocalLambdaException($"Function {logicalId}: the target build-{logicalId} of {makefile} names several projects ({string.Join(", ", projects)}); a function has one.");
    }

    private static IEnumerable<string> Recipe(IEnumerable<string> lines, string target) => lines
        .SkipWhile(line => !IsRule(line, target))
        .Skip(1)
        .TakeWhile(line => line.StartsWith('\t') || string.IsNullOrWhiteSpace(line));

    private static bool IsRule(string line, string target)
    {
        var colon = line.IndexOf(':', StringComparison.Ordinal);
        return colon > 0 && !line.StartsWith('\t') && line[..colon].Split(' ', StringSplitOptions.RemoveEmptyEntries).Contains(target, StringComparer.Ordinal);
    }
}
