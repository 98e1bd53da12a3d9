using System.Net;
using UdpGateway.Aws;

namespace UdpGateway.Gateway.Destinations;

/// <summary>
/// How a one-way destination repeats what may succeed later. Bounded in attempts and in time, since the batch stays in memory meanwhile.
/// </summary>
internal sealed record RetryPolicy
{
    public static RetryPolicy OneWay { get; } = new();

    // Codes by which services refuse a call for its size alone.
    private static readonly string[] TooLargeCodes = ["BatchRequestTooLong", "RequestTooLargeException", "RequestEntityTooLargeException", "PayloadTooLargeException", "EntityTooLarge"];

    // Other services use a code of every wrong parameter and say it in the message.
    private static readonly string[] ParameterCodes = ["ValidationException", "InvalidArgumentException", "InvalidParameterException", "InvalidParameter"];
    private static readonly string[] SizeWords = ["size", "too large", "too long", "exceed", "must have length less than or equal to"];

    /// <summary>Calls of one piece, the first included.</summary>
    public int MaxAttempts { get; init; } = 6;

    /// <summary>No attempt starts later than this after the first.</summary>
    public TimeSpan TotalTime { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Upper bound of the first pause; it doubles with every further one.</summary>
    public TimeSpan BaseDelay { get; init; } = TimeSpan.FromMilliseconds(200);

    public TimeSpan MaxDelay { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The pause before the next attempt, random over its whole range so that callers spread; null when there is none.</summary>
    public TimeSpan? PauseAfter(int attempts, TimeSpan elapsed)
    {
        if (attempts >= MaxAttempts)
            return null;
        var bound = Math.Min(BaseDelay.TotalMilliseconds * Math.Pow(2, attempts - 1), MaxDelay.TotalMilliseconds);
        var pause = TimeSpan.FromMilliseconds(bound * Random.Shared.NextDouble());
        return elapsed + pause > TotalTime ? null : pause;
    }

    /// <summary>Whether the same call may succeed later.</summary>
    public static bool IsTransient(AwsServiceException failure) => failure.Failure switch
    {
        AwsFailure.Throttled or AwsFailure.ServiceFault or AwsFailure.TimedOut or AwsFailure.ConnectionFailed => true,
        // STS out of reach passes; a role that it refuses does not.
        AwsFailure.CredentialsUnavailable => (int)failure.StatusCode is 0 or 429 or >= 500,
        _ => false,
    };

    /// <summary>Whether fewer packets may succeed.</summary>
    public static bool IsTooLarge(AwsServiceException failure) =>
        failure.StatusCode == HttpStatusCode.RequestEntityTooLarge
        || (failure.ErrorCode is { } code
            && (TooLargeCodes.Any(known => code.EndsWith(known, StringComparison.Ordinal))
                || (ParameterCodes.Contains(code, StringComparer.Ordinal) && SizeWords.Any(word => failure.Message.Contains(word, StringComparison.OrdinalIgnoreCase)))));
}
