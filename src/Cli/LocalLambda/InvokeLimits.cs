namespace UdpGateway.Cli.LocalLambda;

/// <summary>https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html, in bytes.</summary>
internal static class InvokeLimits
{
    /// <summary>Request and response of a synchronous invocation: 6 MB, with what Lambda needs for its own envelope.</summary>
    public const int MaximumPayload = 6_291_556;

    public const int MaximumEventPayload = 1_048_576;

    public const long MaximumStreamedResponse = 200L * 1024 * 1024;
}
