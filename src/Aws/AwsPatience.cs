namespace UdpGateway.Aws;

/// <summary>How long the clients of a connection wait for a service.</summary>
/// <param name="LongestAttempt">Cuts each service's own limit for one attempt; null leaves it.</param>
/// <param name="LongestPause">Between two attempts of one call.</param>
public sealed record AwsPatience(TimeSpan? LongestAttempt, TimeSpan LongestPause)
{
    /// <summary>As AWS's SDKs wait.</summary>
    public static AwsPatience Usual { get; } = new(null, TimeSpan.FromSeconds(20));

    internal TimeSpan Limit(TimeSpan attempt) => LongestAttempt is { } longest && longest < attempt ? longest : attempt;
}
