namespace UdpGateway.Gateway;

/// <summary>A listener cannot be served; the message is one sentence with the cause, fit for CloudFormation's Reason.</summary>
public sealed class ListenerNotServedException : Exception
{
    public ListenerNotServedException()
    {
    }

    public ListenerNotServedException(string message)
        : base(message)
    {
    }

    public ListenerNotServedException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
