namespace UdpGateway.Cli.Templates;

/// <summary>What the command line and the state of the stack say about reading a template.</summary>
internal sealed record TemplateSettings
{
    public string Region { get; init; } = "us-west-2";

    public string AccountId { get; init; } = "123456789012";

    public required string StackName { get; init; }

    /// <summary>ARN; pseudo parameter and seed of generated names, so it must stay over restarts.</summary>
    public required string StackId { get; init; }

    public IReadOnlyDictionary<string, string> ParameterOverrides { get; init; } = new Dictionary<string, string>();

    /// <summary>Local files by the Location of an <c>AWS::Include</c>.</summary>
    public IReadOnlyDictionary<string, string> Includes { get; init; } = new Dictionary<string, string>();

    /// <summary>Parameters without a value, unreadable includes and imports get typed placeholders instead of problems.</summary>
    public bool UsePlaceholders { get; init; }

    /// <summary>The provider's ARN, as the customer configuration document gives it.</summary>
    public string ServiceToken => $"arn:aws:lambda:{Region}:{AccountId}:function:udp-gateway-provider";

    /// <summary>The principal in trust policies.</summary>
    public string ServiceRole => $"arn:aws:iam::{AccountId}:role/udp-gateway-service";

    /// <summary>What other stacks export.</summary>
    public IReadOnlyDictionary<string, string> Exports { get; init; } = new Dictionary<string, string>();

    /// <summary>What the provider's stack exports, and keeps as SSM parameters under the same names with slashes; else what another stack does.</summary>
    public string? Exported(string name) => name switch
    {
        "udp-gateway-service-token" => ServiceToken,
        "udp-gateway-service-role" => ServiceRole,
        _ => Exports.GetValueOrDefault(name),
    };

    /// <summary>Null for what the parameter store of an account holds besides.</summary>
    public string? StoredParameter(string name) => name switch
    {
        "/udp-gateway/service-token" => ServiceToken,
        "/udp-gateway/service-role" => ServiceRole,
        "/udp-gateway/api-key" => ApiKey,
        _ => null,
    };

    /// <summary>Compared only by a provider that was deployed with one.</summary>
    public string ApiKey { get; init; } = "local";

    /// <summary>A StackId for reading without a stack; the same template file gives the same one.</summary>
    public static string PlaceholderStackId(string region, string accountId, string stackName) =>
        $"arn:aws:cloudformation:{region}:{accountId}:stack/{stackName}/00000000-0000-0000-0000-000000000000";

    /// <summary>
    /// A stack name from the file's name, or from its folder when the file is called <c>template</c>: letters, digits and
    /// hyphens, as CloudFormation wants it.
    /// </summary>
    public static string StackNameFor(string templateFile)
    {
        var name = Path.GetFileName(templateFile);
        name = name[..Math.Max(name.IndexOf('.', StringComparison.Ordinal), 0)];
        if (name is "" or "template")
            name = Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(templateFile))) ?? "";
        var cleaned = string.Concat(name.Select(character => char.IsAsciiLetterOrDigit(character) ? character : '-')).Trim('-');
        if (cleaned.Length == 0)
            return "stack";
        if (!char.IsAsciiLetter(cleaned[0]))
            cleaned = "stack-" + cleaned;
        return cleaned.Length > 64 ? cleaned[..64] : cleaned;
    }
}
