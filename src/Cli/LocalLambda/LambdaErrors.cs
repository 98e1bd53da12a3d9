using System.Text.Encodings.Web;
using System.Text.Json;

namespace UdpGateway.Cli.LocalLambda;

/// <summary>The error documents that Lambda itself writes when a function cannot.</summary>
internal static class LambdaErrors
{
    // Lambda writes "don't" and not "don\u0027t".
    private static readonly JsonSerializerOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static InvocationResult TimedOut(string requestId, TimeSpan timeout) =>
        Unhandled("Sandbox.Timedout", $"RequestId: {requestId} Error: Task timed out after {timeout.TotalSeconds:F2} seconds");

    public static InvocationResult Exited(string requestId, int exitCode) =>
        Unhandled("Runtime.ExitError", $"RequestId: {requestId} Error: {ExitReason(exitCode)}");

    public static InvocationResult InitTimedOut(string requestId, TimeSpan timeout) =>
        Unhandled("Sandbox.Timedout", $"RequestId: {requestId} Error: The function did not start within {timeout.TotalSeconds:F2} seconds");

    public static InvocationResult NotStarted(string requestId, string reason) =>
        Unhandled("Runtime.InvalidEntrypoint", $"RequestId: {requestId} Error: {reason}");

    public static InvocationResult ResponseTooLarge(long limit) =>
        Unhandled("Function.ResponseSizeTooLarge", $"Response payload size exceeded maximum allowed payload size ({limit} bytes).");

    public static InvocationResult TruncatedResponse(string requestId) =>
        Unhandled("Runtime.TruncatedResponse", $"RequestId: {requestId} Error: The connection ended before the response was complete");

    public static InvocationResult Stopped(string requestId) =>
        Unhandled("Sandbox.Shutdown", $"RequestId: {requestId} Error: The local Lambda service is stopping");

    public static byte[] ServiceError(string type, string message) =>
        JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, string>(StringComparer.Ordinal) { ["Type"] = type, ["Message"] = message }, Json);

    private static InvocationResult Unhandled(string errorType, string errorMessage) =>
        new(IsError: true, JsonSerializer.SerializeToUtf8Bytes(
            new Dictionary<string, string>(StringComparer.Ordinal) { ["errorType"] = errorType, ["errorMessage"] = errorMessage }, Json));

    public static string ExitReason(int exitCode) => exitCode switch
    {
        0 => "Runtime exited without providing a reason",
        // A process that died by signal N is reported as 128 + N, as shells do.
        128 + 6 => "Runtime exited with error: signal: aborted",
        128 + 9 => "Runtime exited with error: signal: killed",
        128 + 11 => "Runtime exited with error: signal: segmentation fault",
        128 + 15 => "Runtime exited with error: signal: terminated",
        _ => $"Runtime exited with error: exit status {exitCode}",
    };
}
