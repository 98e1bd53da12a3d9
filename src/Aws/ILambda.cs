namespace UdpGateway.Aws;

/// <summary>The operations of AWS Lambda that the gateway calls, named after the API's own.</summary>
public interface ILambda
{
    /// <summary>
    /// Invokes a function at most once, except that a throttled call (HTTP 429, which never reached the function) is repeated with backoff.
    /// An <see cref="InvocationType.Event"/> is sent once, and repeating it is the caller's matter.
    /// </summary>
    /// <exception cref="AwsServiceException">The call failed; a function that failed is no exception but <see cref="InvokeResponse.FunctionError"/>.</exception>
    /// <exception cref="ArgumentException">The function name or the tenant id cannot be sent.</exception>
    Task<InvokeResponse> InvokeAsync(InvokeRequest request, CancellationToken cancellationToken);

    /// <summary>
    /// Invokes a function like <see cref="InvokeAsync"/>, and yields what it writes as it arrives. The last event, and only that,
    /// is <see cref="InvokeStreamEvent.IsComplete"/>; a stream that ends without it throws. Leaving the loop ends the call.
    /// </summary>
    /// <param name="request">With <see cref="InvocationType.RequestResponse"/>.</param>
    /// <param name="cancellationToken">Gives up the call.</param>
    /// <exception cref="AwsServiceException">The call failed, or broke off; a function that failed is no exception but <see cref="InvokeStreamEvent.ErrorCode"/>.</exception>
    /// <exception cref="ArgumentException">The function name or the tenant id cannot be sent, or the request is an event.</exception>
    IAsyncEnumerable<InvokeStreamEvent> InvokeWithResponseStreamAsync(InvokeRequest request, CancellationToken cancellationToken);
}

/// <summary>The value of <c>X-Amz-Invocation-Type</c>.</summary>
public enum InvocationType
{
    /// <summary>Wait for the function and return its result.</summary>
    RequestResponse,

    /// <summary>Queue the event; the answer is 202 without a payload.</summary>
    Event,
}

/// <param name="FunctionName">Name, partial ARN or ARN, each with an optional qualifier (<c>:live</c>, <c>:$LATEST</c>, <c>:7</c>).</param>
/// <param name="InvocationType">Whether to wait for the result.</param>
/// <param name="Payload">JSON text as UTF-8; it must not change until the call ends. At most 6 MB, for <see cref="InvocationType.Event"/> 1 MB.</param>
/// <param name="TenantId">Required by functions with tenant isolation; 1 to 256 characters.</param>
public sealed record InvokeRequest(string FunctionName, InvocationType InvocationType, ReadOnlyMemory<byte> Payload, string? TenantId = null);

/// <param name="StatusCode">200, or 202 for <see cref="InvocationType.Event"/>.</param>
/// <param name="FunctionError"><c>Unhandled</c> or <c>Handled</c> if the function failed: then the payload describes the error. Else null.</param>
/// <param name="Payload">What the function returned; empty for <see cref="InvocationType.Event"/>.</param>
public sealed record InvokeResponse(int StatusCode, string? FunctionError, ReadOnlyMemory<byte> Payload);

/// <summary>A piece of a streamed response, or its end.</summary>
/// <param name="Payload">Bytes that the function wrote; where they are cut means nothing. Empty at the end.</param>
/// <param name="IsComplete">The function has ended.</param>
/// <param name="ErrorCode">Why it failed, such as <c>Unhandled</c>; null if it did not.</param>
/// <param name="ErrorDetails">The description of the error, as the function's runtime gave it; it may quote the function's input.</param>
public sealed record InvokeStreamEvent(ReadOnlyMemory<byte> Payload, bool IsComplete = false, string? ErrorCode = null, string? ErrorDetails = null);
