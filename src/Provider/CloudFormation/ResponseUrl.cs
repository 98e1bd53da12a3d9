using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;
using UdpGateway.Listeners;

namespace UdpGateway.Provider.CloudFormation;

/// <summary>
/// Decides where an answer may be sent: CloudFormation's presigned S3 URL in the event's region, or, in local mode, a
/// loopback address. A forged event must not make the provider a client of any other host. The URL itself is a credential.
/// </summary>
internal static partial class ResponseUrl
{
    public static bool TryParse(string text, string stackId, ProviderOptions options, [NotNullWhen(true)] out Uri? url)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out url) || url.UserInfo.Length > 0)
            return false;
        if (options.LocalMode)
            return url.IsLoopback && (url.Scheme == Uri.UriSchemeHttp || url.Scheme == Uri.UriSchemeHttps);

        var region = Arn.TryParse(stackId, out var stack) && stack.Region.Length > 0 ? stack.Region : options.Region;
        return url.Scheme == Uri.UriSchemeHttps && url.IsDefaultPort && IsS3Host(url.Host, region);
    }

    // Virtual-hosted and path style, with the region in any of S3's spellings. The global endpoint belongs to us-east-1,
    // except that CloudFormation's own buckets carry their region in the name.
    private static bool IsS3Host(string host, string region)
    {
        var match = S3HostPattern().Match(host);
        if (!match.Success)
            return false;
        if (match.Groups["region"].Success)
            return match.Groups["region"].Value == region;
        return region == "us-east-1"
            || match.Groups["bucket"].Value == $"cloudformation-custom-resource-response-{region.Replace("-", string.Empty, StringComparison.Ordinal)}";
    }

    [GeneratedRegex(@"\A((?<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\.)?s3([.-](dualstack\.)?(?<region>[a-z]{2,5}(-[a-z]{2,12}){1,2}-[0-9]{1,2}))?\.amazonaws\.com(\.cn)?\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex S3HostPattern();
}
