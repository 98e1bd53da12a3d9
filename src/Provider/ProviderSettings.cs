using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using UdpGateway.Listeners;

namespace UdpGateway.Provider;

/// <summary>What the provider stack tells its function, by environment variables. Secrets are named here, never given.</summary>
internal sealed partial record ProviderSettings
{
    private static readonly TimeSpan LongestTimeLimit = TimeSpan.FromHours(1);

    public required string Region { get; init; }

    public required string AccountId { get; init; }

    /// <summary>The DynamoDB table with listeners and requests.</summary>
    public required string TableName { get; init; }

    /// <summary>The full name that clients use.</summary>
    public required string DomainName { get; init; }

    /// <summary>The gateways' own role, which customers' roles and secrets trust; assumed where the provider acts on what is theirs.</summary>
    public required string ServiceRoleArn { get; init; }

    public SecretReference? ApiKeySecret { get; init; }

    public TimeSpan TimeLimit { get; init; } = TimeSpan.FromSeconds(3300);

    /// <param name="variable">The value of an environment variable, or null.</param>
    /// <exception cref="ProviderSettingsException">All that is missing or wrong.</exception>
    public static ProviderSettings Read(Func<string, string?> variable)
    {
        var problems = new List<string>();
        var settings = new ProviderSettings
        {
            Region = Required("AWS_REGION", RegionPattern(), "a region's name, which Lambda sets itself"),
            AccountId = Required("UDPGW_ACCOUNT_ID", AccountPattern(), "the twelve digits of the account"),
            TableName = Required("UDPGW_TABLE", TablePattern(), "the name of the DynamoDB table, or its ARN"),
            DomainName = Required("UDPGW_DOMAIN", null, "the name that clients use, such as the load balancer's"),
            ServiceRoleArn = Required("UDPGW_SERVICE_ROLE", RolePattern(), "the ARN of the gateways' role"),
            ApiKeySecret = Optional("UDPGW_API_KEY_SECRET") is { } secretId ? new SecretReference(secretId) : null,
            TimeLimit = ReadTimeLimit(),
        };
        if (settings.DomainName.Length > 0 && Uri.CheckHostName(settings.DomainName) is UriHostNameType.Unknown && !IPAddress.TryParse(settings.DomainName, out _))
            problems.Add($"UDPGW_DOMAIN is \"{settings.DomainName}\" and must be a host name or an address.");
        return problems.Count == 0 ? settings : throw new ProviderSettingsException($"The provider cannot start. {string.Join(" ", problems)} The provider stack sets these variables; deploy it again.");

        string? Optional(string name) => variable(name) is { } value && !string.IsNullOrWhiteSpace(value) ? value.Trim() : null;

        string Required(string name, Regex? form, string meaning)
        {
            if (Optional(name) is not { } value)
            {
                problems.Add($"{name} is not set; it must be {meaning}.");
                return string.Empty;
            }

            if (form?.IsMatch(value) == false)
                problems.Add($"{name} is \"{value}\" and must be {meaning}.");
            return value;
        }

        TimeSpan ReadTimeLimit()
        {
            const string Name = "UDPGW_TIME_LIMIT_SECONDS";
            if (Optional(Name) is not { } text)
                return TimeSpan.FromSeconds(3300);
            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds >= 1 && seconds <= LongestTimeLimit.TotalSeconds)
                return TimeSpan.FromSeconds(seconds);
            problems.Add($"{Name} is \"{text}\" and must be a number of seconds from 1 to {LongestTimeLimit.TotalSeconds:0}.");
            return LongestTimeLimit;
        }
    }

    public ProviderOptions ToOptions() => new()
    {
        Region = Region,
        AccountId = AccountId,
        DomainName = DomainName,
        ApiKeySecret = ApiKeySecret,
        TimeLimit = TimeLimit,
    };

    [GeneratedRegex(@"\A[a-z]{2,5}(-[a-z]{2,12}){1,2}-[0-9]{1,2}\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex RegionPattern();

    [GeneratedRegex(@"\Aarn:[a-z-]+:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]{1,512}\z", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex RolePattern();

    [GeneratedRegex(@"\A[0-9]{12}\z", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex AccountPattern();

    [GeneratedRegex(@"\A(arn:[a-z-]+:dynamodb:[a-z0-9-]+:[0-9]{12}:table/)?[A-Za-z0-9_.-]{3,255}\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex TablePattern();
}

/// <summary>The provider cannot start as it was deployed; the message says everything that is missing or wrong, and goes to the caller.</summary>
internal sealed class ProviderSettingsException(string message) : Exception(message);
