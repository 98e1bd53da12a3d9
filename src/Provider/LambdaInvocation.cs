namespace UdpGateway.Provider;

/// <summary>One invocation as the Runtime API hands it out. Its payload may hold keys and is never logged.</summary>
/// <param name="FunctionArn">As the caller named the function, with the qualifier if it gave one.</param>
/// <param name="Deadline">When Lambda ends the process.</param>
internal sealed record LambdaInvocation(string RequestId, string FunctionArn, DateTimeOffset Deadline, ReadOnlyMemory<byte> Payload)
{
    public override string ToString() => $"invocation {RequestId}";
}
