using System.Text;
using System.Text.RegularExpressions;

namespace UdpGateway.Listeners;

/// <summary>A host name, or <c>*.</c> before a domain for every name below it. Written in lower case without a final dot.</summary>
internal static partial class DomainText
{
    private const int MaxLength = 253;

    public static bool TryParse(string text, out string domain)
    {
        domain = (text.EndsWith('.') ? text[..^1] : text).ToLowerInvariant();
        return Ascii.IsValid(text) && domain.Length <= MaxLength && Pattern().IsMatch(domain);
    }

    // At least two labels, the last not all digits: an address is a network, and *.com would let in whoever owns a name.
    [GeneratedRegex(@"\A(\*\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.|)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*(?![0-9]+\z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Pattern();
}
