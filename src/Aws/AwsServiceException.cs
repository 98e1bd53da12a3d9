using System.Collections.Frozen;
using System.Net;
using Amazon.Runtime;
using Arn = UdpGateway.Listeners.Arn;

namespace UdpGateway.Aws;

/// <summary>Why a call of an AWS service failed, as a caller must tell cases apart.</summary>
public enum AwsFailure
{
    /// <summary>The service asks to slow down, and still did after the retries.</summary>
    Throttled,

    /// <summary>The service answered 4xx: repeating the same call will not help.</summary>
    Refused,

    /// <summary>The service, or something before it, answered 5xx or what is no answer of the service.</summary>
    ServiceFault,

    /// <summary>No complete answer within the client's timeout; whether the call took effect is unknown.</summary>
    TimedOut,

    /// <summary>Not connected, or the connection broke; whether the call took effect is unknown.</summary>
    ConnectionFailed,

    /// <summary>There are no credentials to sign with, for example because the role may not be assumed; nothing was sent.</summary>
    CredentialsUnavailable,
}

/// <summary>
/// A failed call. <see cref="AmazonServiceException.ErrorCode"/> is the service's own code without its namespace, or null;
/// <see cref="AmazonServiceException.StatusCode"/> is 0 if there was no answer.
/// </summary>
public sealed class AwsServiceException : AmazonServiceException
{
    private static readonly FrozenSet<string> SignatureCodes = FrozenSet.Create(StringComparer.Ordinal, "SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature");

    internal AwsServiceException(AwsFailure failure, string message, string? code, HttpStatusCode status, string? requestId, Exception? innerException)
        : base(message, innerException, (int)status >= 500 ? ErrorType.Receiver : ErrorType.Sender, code, requestId, status)
    {
        Failure = failure;
    }

    /// <summary>A failure without an answer.</summary>
    internal AwsServiceException(AwsFailure failure, string message, Exception innerException)
        : base(message, innerException)
    {
        Failure = failure;
    }

    public AwsFailure Failure { get; }

    /// <summary>The answer's body; empty if there was none.</summary>
    public ReadOnlyMemory<byte> Body { get; internal init; }

    /// <summary>S3: the region that the bucket is in, if the answer says so; checked to be the name of one.</summary>
    public string? BucketRegion { get; internal init; }

    /// <summary>What a status outside 2xx means.</summary>
    internal static AwsServiceException FromAnswer(
        string service, HttpStatusCode status, string? code, bool isThrottlingCode, string? message, string? requestId, Exception? innerException, byte[]? body = null, string? bucketRegion = null)
    {
        var failure = isThrottlingCode || status == HttpStatusCode.TooManyRequests ? AwsFailure.Throttled
            : (int)status is >= 400 and < 500 ? AwsFailure.Refused
            : AwsFailure.ServiceFault;
        return new AwsServiceException(failure, $"{service} answered HTTP {(int)status}, {Describe(code, code is null ? null : message)}", code, status, requestId, innerException)
        {
            Body = body,
            // It becomes part of a host name.
            BucketRegion = Arn.IsRegion(bucketRegion) ? bucketRegion : null,
        };
    }

    /// <param name="what">What cannot be done without credentials.</param>
    /// <param name="cause">STS's refusal, or why it could not be asked.</param>
    internal static AwsServiceException CredentialsUnavailable(string what, Exception cause)
    {
        var answer = cause as AmazonServiceException;
        var code = answer?.ErrorCode;
        return new AwsServiceException(
            AwsFailure.CredentialsUnavailable,
            $"{what}: {Describe(code, cause.Message)}",
            code,
            answer?.StatusCode ?? default,
            answer?.RequestId,
            code is not null && SignatureCodes.Contains(code) ? null : cause);
    }

    private static string Describe(string? code, string? message) =>
        code is null ? message ?? "no error code"
        : SignatureCodes.Contains(code) ? $"{code}: the service's own description is left out because it repeats the session token"
        : $"{code}: {message}";

    /// <summary>Lets the SDK's retry policy see a 429 that carries no code it knows.</summary>
    public override RetryableDetails? Retryable => Failure == AwsFailure.Throttled ? new RetryableDetails(throttling: true) : null;
}
