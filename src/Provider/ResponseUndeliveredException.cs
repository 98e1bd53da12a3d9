namespace UdpGateway.Provider;

/// <summary>An answer could not be handed to CloudFormation. Lambda's retry of the event sends the stored answer again.</summary>
public sealed class ResponseUndeliveredException : Exception
{
    public ResponseUndeliveredException()
    {
    }

    public ResponseUndeliveredException(string message)
        : base(message)
    {
    }

    public ResponseUndeliveredException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
