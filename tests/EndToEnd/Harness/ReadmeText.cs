using System.Text.RegularExpressions;

namespace UdpGateway.EndToEnd.Tests.Harness;

/// <summary>README's blocks of code.</summary>
internal static partial class ReadmeText
{
    /// <summary>Between fences, with the fence; or set in by four spaces, without them.</summary>
    public static IReadOnlyList<string> Snippets { get; } =
    [
        .. Blocks().Matches(File.ReadAllText(Path.Combine(Repository.Root, "README.md")))
            .Select(match => match.Groups["fenced"].Success ? match.Groups["fenced"].Value : Dedent(match.Groups["indented"].Value)),
    ];

    /// <summary>The one that begins so.</summary>
    public static string Snippet(string start) => Snippets.Single(snippet => snippet.StartsWith(start, StringComparison.Ordinal));

    /// <summary>Of the configuration of a WireGuard client.</summary>
    public static string ClientSetting(string name) =>
        Snippet("[Interface]\n").Split('\n').Single(line => line.StartsWith($"{name} = ", StringComparison.Ordinal))[(name.Length + 3)..];

    private static string Dedent(string block)
    {
        var lines = block.TrimEnd().Split('\n');
        var depth = lines[0].Length - lines[0].TrimStart().Length;
        return string.Join('\n', lines.Select(line => line.Length < depth ? "" : line[depth..]));
    }

    [GeneratedRegex("""^ *(?<fenced>```\w*\n.*?)^ *```$|(?<=\n\n)(?<indented>(?:(?: {4}[^\n]*)?\n)*? {4}[^\n]*(?:\n(?: {4}[^\n]*)?)*)""", RegexOptions.ExplicitCapture | RegexOptions.Singleline | RegexOptions.Multiline, 5_000)]
    private static partial Regex Blocks();
}
