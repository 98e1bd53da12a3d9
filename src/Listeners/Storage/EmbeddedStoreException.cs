namespace UdpGateway.Listeners.Storage;

/// <summary>The store's directory cannot be used; the message says which file and what to do.</summary>
public sealed class EmbeddedStoreException : Exception
{
    public EmbeddedStoreException()
    {
    }

    public EmbeddedStoreException(string message)
        : base(message)
    {
    }

    public EmbeddedStoreException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
