using System.Runtime.InteropServices;

namespace UdpGateway.Gateway.Sockets;

/// <summary>The calls and structures of Linux that System.Net.Sockets does not offer. Layouts hold for 64-bit glibc and musl.</summary>
internal static unsafe partial class LinuxSystemCalls
{
    public const int Interrupted = 4;
    public const int InputOutputError = 5;
    public const int TryAgain = 11;
    public const int ConnectionRefused = 111;

    public const int SolSocket = 1;
    public const int SoMemoryInfo = 55;
    public const int MemoryInfoCounters = 9;
    public const int MemoryInfoDrops = 8;
    public const int DoNotWait = 0x40;

    public const int IpLevel = 0;
    public const int IpMtuDiscover = 10;
    public const int Ipv6Level = 41;
    public const int Ipv6MtuDiscover = 23;
    public const int PathMtuDiscoveryDont = 0;

    public const int UdpLevel = 17;
    public const int UdpSegment = 103;

    public const short PollIn = 1;
    public const short PollOut = 4;

    private const int EventFdNonBlocking = 0x800;
    private const int EventFdCloseOnExec = 0x80000;

    public const ushort AddressFamilyIPv4 = 2;
    public const ushort AddressFamilyIPv6 = 10;

    /// <summary>struct iovec.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct IoVector
    {
        public byte* Base;
        public nuint Length;
    }

    /// <summary>struct msghdr.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct MessageHeader
    {
        public byte* Name;
        public uint NameLength;
        public IoVector* Vectors;
        public nuint VectorCount;
        public byte* Control;
        public nuint ControlLength;
        public int Flags;
    }

    /// <summary>struct mmsghdr; nested, so that the length lies behind the padding of the header.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Message
    {
        public MessageHeader Header;
        public uint Length;
    }

    /// <summary>struct pollfd.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct PollEntry
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }

    public static int CreateEvent() => eventfd(0, EventFdNonBlocking | EventFdCloseOnExec);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int recvmmsg(int descriptor, Message* messages, uint count, int flags, void* timeout);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int sendmmsg(int descriptor, Message* messages, uint count, int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int getsockopt(int descriptor, int level, int name, void* value, uint* length);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int poll(PollEntry* entries, nuint count, int timeoutMilliseconds);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint read(int descriptor, void* buffer, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint write(int descriptor, void* buffer, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int close(int descriptor);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int eventfd(uint initial, int flags);
}
