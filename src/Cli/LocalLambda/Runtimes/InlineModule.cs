using System.Text.RegularExpressions;

namespace UdpGateway.Cli.LocalLambda.Runtimes;

/// <summary>Inline JavaScript has no file name that would tell its module system.</summary>
internal static partial class InlineModule
{
    /// <summary>True when a statement at the start of a line exports or imports as ECMAScript modules do; otherwise it is CommonJS.</summary>
    public static bool IsEcmaScriptModule(string code) => Statement().IsMatch(code);

    [GeneratedRegex(
        """^(?:export\s+(?:const|let|var|async|function|class|default|\{|\*)|export\s*[{*]|import\s+["'{*]|import\s+[\w$]+\s*(?:,|from))""",
        RegexOptions.Multiline | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex Statement();
}
