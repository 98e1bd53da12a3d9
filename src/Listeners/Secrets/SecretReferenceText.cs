using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;

namespace UdpGateway.Listeners;

/// <summary>Reads CloudFormation's <c>{{resolve:secretsmanager:…}}</c>, which a custom resource receives as literal text.</summary>
/// <remarks>Source: CloudFormation User Guide, "Get a secret or secret value from Secrets Manager".</remarks>
public static partial class SecretReferenceText
{
    /// <summary>Whether the text is meant as a dynamic reference, of whatever service and however malformed.</summary>
    public static bool LooksLikeReference(string text) => text.Contains("{{", StringComparison.Ordinal);

    /// <param name="fault">What is wrong, as the rest of a sentence; names the form and never repeats the text.</param>
    public static bool TryParse(string text, [NotNullWhen(true)] out SecretReference? reference, [NotNullWhen(false)] out string? fault)
    {
        reference = null;
        fault = null;
        var match = text.Length <= Arn.MaxLength ? ReferencePattern().Match(text.Trim()) : Match.Empty;
        if (!match.Success)
        {
            fault = "must be exactly one reference of the form {{resolve:secretsmanager:name-or-arn:SecretString:json-key:version-stage:version-id}}, with nothing before or after it";
            return false;
        }

        var service = match.Groups["service"].Value;
        if (service is not "secretsmanager")
        {
            fault = service is "ssm" or "ssm-secure"
                ? $"cannot be read with {{{{resolve:{service}:…}}}}; only secretsmanager references are supported, so keep the key in Secrets Manager"
                : "must be a secretsmanager reference; no other kind of dynamic reference is supported";
            return false;
        }

        // An ARN brings six colons of its own: arn:aws:secretsmanager:region:account:secret:name.
        var parts = match.Groups["rest"].Value.Split(':');
        var idParts = parts[0] == "arn" ? 7 : 1;
        if (parts.Length < idParts || parts.Length > idParts + 4)
        {
            fault = "must have the form {{resolve:secretsmanager:name-or-arn:SecretString:json-key:version-stage:version-id}}";
            return false;
        }

        var secretId = string.Join(':', parts[..idParts]);
        if (!IsSecretId(secretId))
        {
            fault = "must name the secret by its name or by its full ARN (arn:aws:secretsmanager:region:account:secret:name)";
            return false;
        }

        var secretString = Part(0);
        if (secretString is not (null or "SecretString"))
        {
            fault = "must have SecretString after the secret's name; CloudFormation knows no other part of a secret";
            return false;
        }

        var (jsonKey, versionStage, versionId) = (Part(1), Part(2), Part(3));
        if (versionStage is not null && versionId is not null)
        {
            fault = "must give either a version stage or a version id, not both";
            return false;
        }

        reference = new SecretReference(secretId, jsonKey, versionStage, versionId);
        return true;

        string? Part(int index) => idParts + index < parts.Length && parts[idParts + index].Length > 0 ? parts[idParts + index] : null;
    }

    private static bool IsSecretId(string secretId) => secretId.StartsWith("arn:", StringComparison.Ordinal)
        ? Arn.TryParse(secretId, out var arn) && arn.Service == "secretsmanager" && arn.Region.Length > 0 && arn.Account.Length > 0
            && arn.Resource.StartsWith("secret:", StringComparison.Ordinal) && NamePattern().IsMatch(arn.Resource["secret:".Length..])
        : NamePattern().IsMatch(secretId);

    [GeneratedRegex(@"\A\{\{resolve:(?<service>[a-z-]+):(?<rest>[^{}]+)\}\}\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex ReferencePattern();

    // Secrets Manager, CreateSecret: letters, digits and /_+=.@- up to 512 characters.
    [GeneratedRegex(@"\A[A-Za-z0-9/_+=.@-]{1,512}\z", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex NamePattern();
}
