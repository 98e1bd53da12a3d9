using System.Security.Cryptography;
using System.Text;

namespace UdpGateway.Listeners;

/// <summary>Names for resources whose template gives none: equal input, equal name, so that repeated events converge.</summary>
public static class ResourceNames
{
    /// <summary>Longest accepted or generated listener name.</summary>
    public const int MaxLength = 128;

    /// <summary>Longest name that <see cref="GenerateDestination"/> makes of an accepted listener name.</summary>
    public const int MaxGeneratedDestinationLength = MaxLength + 11;

    /// <summary><c>&lt;stack&gt;-&lt;logicalId&gt;-&lt;8 hex&gt;</c>.</summary>
    public static string Generate(string stackId, string logicalResourceId)
    {
        var digest = SHA256.HashData(Encoding.UTF8.GetBytes($"{stackId}\n{logicalResourceId}"));
        return $"{Clean(StackName(stackId), 60, "stack")}-{Clean(logicalResourceId, 55, "listener")}-{Convert.ToHexStringLower(digest, 0, 4)}";
    }

    /// <summary>Name of the destination at this place of the template's list.</summary>
    public static string GenerateDestination(string listenerName, int index) => $"{listenerName}-{index}";

    // arn:aws:cloudformation:region:account:stack/name/guid
    private static string StackName(string stackId) =>
        Arn.TryParse(stackId, out var arn) && arn.Resource.Split('/') is ["stack", var name, ..] ? name : stackId;

    private static string Clean(string text, int maxLength, string fallback)
    {
        var clean = new string([.. text.Where(character => char.IsAsciiLetterOrDigit(character) || character == '-').Take(maxLength)]).Trim('-');
        return clean.Length > 0 ? clean : fallback;
    }
}
