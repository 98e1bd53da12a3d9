using System.Text.RegularExpressions;

namespace UdpGateway.Listeners;

internal static partial class StepFunctionsKind
{
    /// <remarks>Source: Step Functions API Reference, "CreateStateMachine"; versions and aliases as in "StartExecution".</remarks>
    public static DestinationKind Kind { get; } = new("states", "Step Functions", "arn:aws:states:REGION:ACCOUNT:stateMachine:NAME[:VERSION-OR-ALIAS]")
    {
        Accepts = arn => arn.Region.Length > 0 && arn.Account.Length > 0 && StateMachinePattern().IsMatch(arn.Resource),
    };

    [GeneratedRegex(@"\AstateMachine:[a-zA-Z0-9_-]{1,80}(:[a-zA-Z0-9_.-]{1,80})?\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex StateMachinePattern();
}
