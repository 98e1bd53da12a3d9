using System.Net.Sockets;
using System.Runtime.InteropServices;
using UdpGateway.Gateway.Sockets;

namespace UdpGateway.Benchmarks.Load;

/// <summary>Reads a socket together with the time at which the kernel had the bytes: how late the reader comes does not count.</summary>
internal sealed unsafe class ArrivalStamps
{
    private const int SoTimestampNanoseconds = 35;
    private const int ControlHeaderSize = 16;
    private const int ControlSize = 64;
    private const int NanosecondsPerTick = 100;

    private readonly Socket _socket;
    private readonly int _descriptor;

    public ArrivalStamps(Socket socket)
    {
        _socket = socket;
        _descriptor = (int)socket.Handle;
        _socket.SetRawSocketOption(LinuxSystemCalls.SolSocket, SoTimestampNanoseconds, BitConverter.GetBytes(1));
    }

    /// <param name="buffer">Takes the bytes.</param>
    /// <param name="waits">Whether to block until something is there.</param>
    /// <param name="arrived">Of the last of the bytes, in ticks of UTC.</param>
    /// <returns>How many bytes; 0 at the end of a stream, and -1 when there are none.</returns>
    public int Receive(Span<byte> buffer, bool waits, out long arrived)
    {
        var control = stackalloc byte[ControlSize];
        fixed (byte* bytes = buffer)
        {
            var vector = new LinuxSystemCalls.IoVector { Base = bytes, Length = (nuint)buffer.Length };
            var message = new LinuxSystemCalls.Message
            {
                Header = new LinuxSystemCalls.MessageHeader { Vectors = &vector, VectorCount = 1, Control = control, ControlLength = ControlSize },
            };
            int received;
            do
                received = LinuxSystemCalls.recvmmsg(_descriptor, &message, 1, waits ? 0 : LinuxSystemCalls.DoNotWait, null);
            while (received < 0 && Marshal.GetLastPInvokeError() == LinuxSystemCalls.Interrupted);
            arrived = received == 1 ? Stamp(new ReadOnlySpan<byte>(control, (int)message.Header.ControlLength)) : 0;
            return received == 1 ? (int)message.Length : received;
        }
    }

    /// <summary>The one struct timespec that was asked for.</summary>
    private static long Stamp(ReadOnlySpan<byte> control)
    {
        if (control.Length < ControlHeaderSize + 16 || MemoryMarshal.Read<int>(control[12..]) != SoTimestampNanoseconds)
            return DateTime.UtcNow.Ticks;
        var seconds = MemoryMarshal.Read<long>(control[ControlHeaderSize..]);
        var nanoseconds = MemoryMarshal.Read<long>(control[(ControlHeaderSize + 8)..]);
        return DateTime.UnixEpoch.Ticks + (seconds * TimeSpan.TicksPerSecond) + (nanoseconds / NanosecondsPerTick);
    }
}
