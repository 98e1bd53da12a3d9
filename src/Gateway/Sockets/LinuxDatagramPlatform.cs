using System.ComponentModel;
using System.Net;
using System.Runtime.InteropServices;

namespace UdpGateway.Gateway.Sockets;

/// <summary>recvmmsg and sendmmsg, with poll(2) over all sockets of a worker and an eventfd to wake it.</summary>
internal sealed class LinuxDatagramPlatform : IDatagramPlatform
{
    public string Name => "linux";

    public IDatagramSocket Bind(IPEndPoint endpoint, bool share, int receiveBufferBytes) =>
        new LinuxDatagramSocket(DatagramPlatforms.CreateSocket(endpoint, share, receiveBufferBytes));

    public IDatagramPoller CreatePoller() => new LinuxPoller();

    public DatagramBatch CreateBatch() => new(batch => new LinuxMessageVector(batch));

    private sealed unsafe class LinuxPoller : IDatagramPoller
    {
        private readonly List<LinuxDatagramSocket> _sockets = [];
        private readonly int _event;
        private LinuxSystemCalls.PollEntry[] _entries = [];

        public LinuxPoller()
        {
            _event = LinuxSystemCalls.CreateEvent();
            if (_event < 0)
                throw new Win32Exception(Marshal.GetLastPInvokeError());
            Describe();
        }

        public void Add(IDatagramSocket socket)
        {
            _sockets.Add((LinuxDatagramSocket)socket);
            Describe();
        }

        public void Remove(IDatagramSocket socket)
        {
            _sockets.Remove((LinuxDatagramSocket)socket);
            Describe();
        }

        public void Wait(TimeSpan timeout)
        {
            fixed (LinuxSystemCalls.PollEntry* entries = _entries)
            {
                var ready = LinuxSystemCalls.poll(entries, (nuint)_entries.Length, PollTimeout.Milliseconds(timeout));
                if (ready <= 0)
                    return;
                for (var i = 0; i < _sockets.Count; i++)
                    _sockets[i].IsReadable = entries[i + 1].Returned != 0;
                if (entries[0].Returned != 0)
                {
                    ulong wakes;
                    _ = LinuxSystemCalls.read(_event, &wakes, sizeof(ulong));
                }
            }
        }

        public void Wake()
        {
            var one = 1UL;
            _ = LinuxSystemCalls.write(_event, &one, sizeof(ulong));
        }

        public void Dispose() => _ = LinuxSystemCalls.close(_event);

        /// <summary>The eventfd first, then the sockets in their order.</summary>
        private void Describe()
        {
            var entries = new LinuxSystemCalls.PollEntry[_sockets.Count + 1];
            entries[0] = new LinuxSystemCalls.PollEntry { Descriptor = _event, Events = LinuxSystemCalls.PollIn };
            for (var i = 0; i < _sockets.Count; i++)
                entries[i + 1] = new LinuxSystemCalls.PollEntry { Descriptor = _sockets[i].Descriptor, Events = LinuxSystemCalls.PollIn };
            _entries = entries;
        }
    }
}
