namespace UdpGateway.Listeners.Storage;

/// <summary>The store cannot hold a record of this size; the message says for which resource, and what to do.</summary>
public sealed class RecordTooLargeException : Exception
{
    public RecordTooLargeException()
    {
    }

    public RecordTooLargeException(string message)
        : base(message)
    {
    }

    public RecordTooLargeException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
