using UdpGateway.Aws;

namespace UdpGateway.Provider;

/// <summary>
/// Works towards a state by steps that look first and may be repeated: what fails for a moment is tried again, what AWS refuses is the
/// end, and running out of time is neither.
/// </summary>
internal sealed class RepeatedSteps(TimeProvider time, TimeSpan pause)
{
    // Counted among throttling by the SDK, but no waiting makes room: of Secrets Manager and ECS it says that there are too many.
    private const string Quota = "LimitExceededException";

    /// <param name="step">Null when the state is reached; else one sentence that says what is missing.</param>
    /// <exception cref="ProvisioningException">AWS refuses a step.</exception>
    /// <exception cref="NotYetServedException">Cancelled, and this was missing last.</exception>
    public async Task UntilDoneAsync(Func<CancellationToken, Task<string?>> step, CancellationToken cancellationToken)
    {
        var missing = "No step was finished.";
        try
        {
            while (true)
            {
                try
                {
                    if (await step(cancellationToken) is not { } found)
                        return;
                    missing = found;
                }
                catch (AwsServiceException failure) when (IsTransient(failure))
                {
                    missing = Sentence(failure);
                }
                catch (AwsServiceException failure)
                {
                    throw new ProvisioningException(Sentence(failure), failure);
                }

                await Task.Delay(pause, time, cancellationToken);
            }
        }
        catch (OperationCanceledException exception) when (cancellationToken.IsCancellationRequested)
        {
            throw new NotYetServedException(missing, exception);
        }
    }

    /// <summary>What the service said; some end their sentences and others do not.</summary>
    public static string Sentence(AwsServiceException failure) => failure.Message.EndsWith('.') ? failure.Message : $"{failure.Message}.";

    /// <summary>Whether the same call may succeed in a while.</summary>
    public static bool IsTransient(AwsServiceException failure) =>
        failure.ErrorCode is not Quota && failure.Failure is (AwsFailure.Throttled or AwsFailure.ServiceFault or AwsFailure.TimedOut or AwsFailure.ConnectionFailed);
}
