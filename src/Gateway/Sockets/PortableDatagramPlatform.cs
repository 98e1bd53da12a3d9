using System.Net;
using System.Net.Sockets;

namespace UdpGateway.Gateway.Sockets;

/// <summary>Plain sockets, select over them, and a datagram to itself to wake a worker.</summary>
internal sealed class PortableDatagramPlatform : IDatagramPlatform
{
    public string Name => "portable";

    public IDatagramSocket Bind(IPEndPoint endpoint, bool share, int receiveBufferBytes) =>
        new PortableDatagramSocket(DatagramPlatforms.CreateSocket(endpoint, share, receiveBufferBytes));

    public IDatagramPoller CreatePoller() => new PortablePoller();

    public DatagramBatch CreateBatch() => new();

    private sealed class PortablePoller : IDatagramPoller
    {
        private readonly Socket _wake = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        private readonly byte[] _wakeBuffer = new byte[1];
        private readonly List<PortableDatagramSocket> _sockets = [];
        private readonly List<Socket> _readable = [];

        public PortablePoller()
        {
            // Connected to itself: the kernel drops what anybody else sends to it.
            _wake.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            _wake.Connect(_wake.LocalEndPoint!);
            _wake.Blocking = false;
        }

        public void Add(IDatagramSocket socket) => _sockets.Add((PortableDatagramSocket)socket);

        public void Remove(IDatagramSocket socket) => _sockets.Remove((PortableDatagramSocket)socket);

        public void Wait(TimeSpan timeout)
        {
            _readable.Clear();
            _readable.Add(_wake);
            foreach (var socket in _sockets)
                _readable.Add(socket.Socket);
            Socket.Select(_readable, null, null, PollTimeout.Milliseconds(timeout) * 1000);
            foreach (var socket in _sockets)
                socket.IsReadable = _readable.Contains(socket.Socket);
            if (_readable.Contains(_wake))
                Drain();
        }

        public void Wake()
        {
            try
            {
                _wake.Send(_wakeBuffer);
            }
            catch (SocketException failure) when (failure.SocketErrorCode is SocketError.WouldBlock or SocketError.NoBufferSpaceAvailable)
            {
                // The buffer is full of wake-ups: the worker will wake.
            }
        }

        public void Dispose() => _wake.Dispose();

        private void Drain()
        {
            Span<byte> buffer = stackalloc byte[1];
            while (_wake.Poll(0, SelectMode.SelectRead))
            {
                if (_wake.Receive(buffer, SocketFlags.None, out var error) == 0 || error != SocketError.Success)
                    return;
            }
        }
    }
}
