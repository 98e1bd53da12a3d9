using System.Net;

namespace UdpGateway.Gateway.Sockets;

/// <summary>
/// One bound, non-blocking UDP socket. Only the worker that owns it may call it; no member throws for what the
/// network does, and none allocates.
/// </summary>
internal interface IDatagramSocket : IDisposable
{
    IPEndPoint LocalEndPoint { get; }

    /// <summary>Bytes of receive buffer that the kernel granted.</summary>
    int ReceiveBufferBytes { get; }

    /// <summary>Set by <see cref="IDatagramPoller.Wait"/>: datagrams, or an error, are waiting.</summary>
    bool IsReadable { get; set; }

    /// <summary>Datagrams that the kernel dropped because the buffer was full, since the socket exists.</summary>
    long Overflows { get; }

    /// <summary>Fills the batch from its start with what is waiting; returns how many.</summary>
    int Receive(DatagramBatch batch);

    /// <summary>
    /// Sends the batch in order. A datagram that the kernel refuses is skipped, the rest still goes.
    /// Returns what went.
    /// </summary>
    SendSummary Send(DatagramBatch batch);
}

/// <param name="Packets">Datagrams that the kernel took.</param>
/// <param name="Bytes">Their payload bytes.</param>
internal readonly record struct SendSummary(int Packets, long Bytes);

/// <summary>Waits for any of a worker's sockets; can be woken from any thread.</summary>
internal interface IDatagramPoller : IDisposable
{
    void Add(IDatagramSocket socket);

    void Remove(IDatagramSocket socket);

    /// <summary>Returns when a socket is readable, on <see cref="Wake"/>, or after the timeout (rounded up to a millisecond).</summary>
    void Wait(TimeSpan timeout);

    /// <summary>Ends the current or the next wait. Any thread.</summary>
    void Wake();
}

/// <summary>One way to reach the kernel: sockets, pollers and buffers that fit each other.</summary>
internal interface IDatagramPlatform
{
    string Name { get; }

    /// <param name="endpoint">Address and port; its family is the socket's only family.</param>
    /// <param name="share">Several sockets of this process will bind the same port (SO_REUSEPORT).</param>
    /// <param name="receiveBufferBytes">What to ask of the kernel.</param>
    /// <exception cref="System.Net.Sockets.SocketException">The port cannot be bound.</exception>
    IDatagramSocket Bind(IPEndPoint endpoint, bool share, int receiveBufferBytes);

    IDatagramPoller CreatePoller();

    DatagramBatch CreateBatch();
}
