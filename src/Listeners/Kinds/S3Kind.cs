using System.Text.RegularExpressions;

namespace UdpGateway.Listeners;

internal static partial class S3Kind
{
    /// <remarks>Source: S3 User Guide, "General purpose bucket naming rules" and "Naming Amazon S3 objects" (its safe characters).</remarks>
    public static DestinationKind Kind { get; } = new("s3", "S3", "arn:aws:s3:::BUCKET[/PREFIX]")
    {
        Accepts = arn => arn.Region.Length == 0 && arn.Account.Length == 0 && BucketPattern().IsMatch(arn.Resource)
            && !arn.Resource.Contains("..", StringComparison.Ordinal) && !arn.Resource.Contains("//", StringComparison.Ordinal) && !arn.Resource.Contains("/./", StringComparison.Ordinal),
    };

    [GeneratedRegex(@"\A[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[a-zA-Z0-9_.=/-]{0,512})?\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex BucketPattern();
}
