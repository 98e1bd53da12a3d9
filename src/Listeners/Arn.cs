using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;

namespace UdpGateway.Listeners;

/// <summary>
/// An Amazon Resource Name, <c>arn:partition:service:region:account:resource</c>, whose parts are checked strictly enough
/// that service and region may form a host name. It exists only through <see cref="TryParse"/>; <c>default</c> is no ARN.
/// </summary>
/// <remarks>Source: IAM User Guide, "Identify AWS resources with ARNs".</remarks>
public readonly partial record struct Arn
{
    /// <summary>Longest ARN that is accepted; AWS services take no longer ones.</summary>
    public const int MaxLength = 2048;

    private Arn(string partition, string service, string region, string account, string resource)
    {
        Partition = partition;
        Service = service;
        Region = region;
        Account = account;
        Resource = resource;
    }

    /// <summary><c>aws</c>, <c>aws-cn</c>, <c>aws-us-gov</c>, <c>aws-iso-b</c>.</summary>
    public string Partition { get; }

    /// <summary>The service's segment, such as <c>lambda</c>; not always its signing or host name.</summary>
    public string Service { get; }

    /// <summary>Such as <c>eu-central-1</c>; empty for services whose ARNs carry none (IAM, S3).</summary>
    public string Region { get; }

    /// <summary>Twelve digits; empty for services whose ARNs carry none (S3).</summary>
    public string Account { get; }

    /// <summary>
    /// Everything after the fifth colon, colons and slashes included. Only control characters are refused here:
    /// what else a resource may hold differs by service, so its user checks it before it becomes part of a path.
    /// </summary>
    public string Resource { get; }

    public static bool TryParse([NotNullWhen(true)] string? text, out Arn arn)
    {
        arn = default;
        if (text is null || text.Length > MaxLength)
            return false;

        var parts = text.Split(':', 6);
        if (parts is not ["arn", var partition, var service, var region, var account, var resource]
            || !PartitionPattern().IsMatch(partition)
            || !ServicePattern().IsMatch(service)
            || !(region.Length == 0 || IsRegion(region))
            || !(account.Length == 0 || AccountPattern().IsMatch(account))
            || resource.Length == 0
            || resource.Any(char.IsControl))
        {
            return false;
        }

        arn = new Arn(partition, service, region, account, resource);
        return true;
    }

    /// <summary>Whether <paramref name="text"/> has the form of a region's name, such as <c>us-gov-west-1</c>.</summary>
    public static bool IsRegion([NotNullWhen(true)] string? text) => text is not null && RegionPattern().IsMatch(text);

    public override string ToString() => $"arn:{Partition}:{Service}:{Region}:{Account}:{Resource}";

    // \z and not $: the latter also matches before a final line feed.
    [GeneratedRegex(@"\Aaws(-[a-z]{1,8}){0,2}\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex PartitionPattern();

    [GeneratedRegex(@"\A[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex ServicePattern();

    [GeneratedRegex(@"\A[a-z]{2,5}(-[a-z]{2,12}){1,2}-[0-9]{1,2}\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex RegionPattern();

    [GeneratedRegex(@"\A[0-9]{12}\z", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex AccountPattern();
}
