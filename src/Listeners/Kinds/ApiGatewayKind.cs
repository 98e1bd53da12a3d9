using System.Text.RegularExpressions;

namespace UdpGateway.Listeners;

internal static partial class ApiGatewayKind
{
    /// <remarks>Source: API Gateway Developer Guide, "ARN reference"; a body needs one of these methods.</remarks>
    public static DestinationKind Kind { get; } = new("execute-api", "API Gateway", "arn:aws:execute-api:REGION:ACCOUNT:API-ID/STAGE/METHOD[/PATH] with METHOD POST, PUT or PATCH")
    {
        Accepts = arn => arn.Region.Length > 0 && arn.Account.Length > 0 && ResourcePattern().IsMatch(arn.Resource)
            && !arn.Resource.Split('/').Any(segment => segment is "." or ".."),
    };

    [GeneratedRegex(@"\A[a-z0-9]{1,32}/(\$default|[a-zA-Z0-9_-]{1,128})/(POST|PUT|PATCH)(/[a-zA-Z0-9_.~-]+)*/?\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex ResourcePattern();
}
