using System.Net;
using System.Net.Sockets;

namespace UdpGateway.Gateway.Sockets;

/// <summary>Chooses the way to the kernel at start.</summary>
internal static class DatagramPlatforms
{
    private const int SolSocket = 1;
    private const int SoReusePort = 15;
    private const int SioUdpConnReset = -1744830452;

    public static IDatagramPlatform Create(SocketBackend backend) => backend switch
    {
        SocketBackend.Portable => new PortableDatagramPlatform(),
        SocketBackend.Linux when OperatingSystem.IsLinux() => new LinuxDatagramPlatform(),
        SocketBackend.Linux => throw new PlatformNotSupportedException("recvmmsg and sendmmsg exist on Linux only."),
        _ => OperatingSystem.IsLinux() ? new LinuxDatagramPlatform() : new PortableDatagramPlatform(),
    };

    /// <summary>What both platforms ask of a socket. One family per bind address.</summary>
    public static Socket CreateSocket(IPEndPoint endpoint, bool share, int receiveBufferBytes)
    {
        var socket = new Socket(endpoint.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            if (endpoint.AddressFamily == AddressFamily.InterNetworkV6)
                socket.DualMode = false;
            if (share)
                Share(socket);
            if (OperatingSystem.IsWindows())
                socket.IOControl(SioUdpConnReset, [0, 0, 0, 0], null); // else a client's closed port makes our next receive fail
            socket.ReceiveBufferSize = receiveBufferBytes;
            socket.Blocking = false;
            socket.Bind(endpoint);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static void Share(Socket socket)
    {
        if (!OperatingSystem.IsLinux())
            throw new PlatformNotSupportedException("More than one worker needs SO_REUSEPORT as Linux has it; set Workers to 1.");
        Span<byte> on = [1, 0, 0, 0];
        socket.SetRawSocketOption(SolSocket, SoReusePort, on);
    }
}
