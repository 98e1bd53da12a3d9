using System.Text.Json;
using System.Text.RegularExpressions;

namespace UdpGateway.Cli.LocalLambda.Runtimes;

/// <summary>
/// What a function's folder says that it needs. On AWS a build step installs it; here it must be on the machine, and an import
/// that fails in the middle of an invocation would say so too late.
/// </summary>
internal static partial class DeclaredPackages
{
    /// <summary>The plain names in <c>requirements.txt</c>; options, addresses and lines with a marker are left to pip.</summary>
    public static IReadOnlyList<string> OfPython(string directory)
    {
        var file = Path.Combine(directory, "requirements.txt");
        if (!File.Exists(file)) return [];
        return
        [
            .. File.ReadLines(file)
                .Select(line => line.Split('#')[0].Trim())
                .Where(line => !line.Contains(';', StringComparison.Ordinal) && !line.Contains("://", StringComparison.Ordinal))
                .Select(line => Requirement().Match(line))
                .Where(match => match.Success)
                .Select(match => match.Groups["name"].Value),
        ];
    }

    /// <summary>The dependencies in <c>package.json</c> for which there is no folder in <c>node_modules</c>, here or above.</summary>
    public static IReadOnlyList<string> FindMissingOfNode(string directory)
    {
        var file = Path.Combine(directory, "package.json");
        if (!File.Exists(file)) return [];
        try
        {
            using var package = JsonDocument.Parse(File.ReadAllBytes(file), new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            return package.RootElement.ValueKind == JsonValueKind.Object
                && package.RootElement.TryGetProperty("dependencies", out var dependencies) && dependencies.ValueKind == JsonValueKind.Object
                ? [.. dependencies.EnumerateObject().Select(dependency => dependency.Name).Where(name => !IsInstalled(directory, name))]
                : [];
        }
        catch (JsonException)
        {
            // Node says more about it, when it starts.
            return [];
        }
    }

    private static bool IsInstalled(string directory, string name)
    {
        for (var folder = directory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (Directory.Exists(Path.Combine(folder, "node_modules", name))) return true;
        }

        return false;
    }

    // https://packaging.python.org/en/latest/specifications/dependency-specifiers/#names
    [GeneratedRegex(@"^(?<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[|[=<>!~]|$)", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Requirement();
}
