namespace UdpGateway.Aws;

/// <summary>The operations of AWS Step Functions that the gateway calls, named after the API's own.</summary>
public interface IStepFunctions
{
    /// <exception cref="AwsServiceException">The call failed.</exception>
    Task<StateMachineType> DescribeStateMachineAsync(string stateMachineArn, CancellationToken cancellationToken);

    /// <summary>Express workflows: runs one and waits for its end. Repeated only when throttled, which is before it starts.</summary>
    /// <param name="stateMachineArn">May end with a version or an alias.</param>
    /// <param name="input">JSON text as UTF-8, at most 256 KiB; it must not change until the call ends.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <exception cref="AwsServiceException">The call failed; a failed execution is no exception.</exception>
    Task<SyncExecution> StartSyncExecutionAsync(string stateMachineArn, ReadOnlyMemory<byte> input, CancellationToken cancellationToken);

    /// <summary>Standard workflows: starts one, once for each name. Not repeated on failure.</summary>
    /// <exception cref="AwsServiceException">The call failed.</exception>
    Task StartExecutionAsync(string stateMachineArn, string name, ReadOnlyMemory<byte> input, CancellationToken cancellationToken);
}

public enum StateMachineType
{
    Standard,
    Express,
}

/// <param name="Error">The name of the error if the execution did not succeed, <c>States.Timeout</c> if it took too long; else null.</param>
/// <param name="Output">JSON text; empty without success.</param>
public sealed record SyncExecution(string? Error, ReadOnlyMemory<byte> Output);
