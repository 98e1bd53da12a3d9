using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace UdpGateway.WireGuard.Handshake;

/// <summary>
/// A 12-byte timestamp (paper §5.1). Received ones are opaque 96-bit big-endian numbers that are compared with each
/// other and never with a clock.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = sizeof(uint))]
internal readonly record struct Tai64n(ulong Seconds, uint Nanoseconds) : IComparable<Tai64n>
{
    /// <summary>Second 0 of 1970 in TAI64, with the ten leap seconds of that time.</summary>
    private const ulong UnixEpoch = 0x400000000000000a;

    /// <summary>Initiators blur the time to about 16.8 ms, so that it says less about the machine's load.</summary>
    private const uint WhiteningMask = (1u << 24) - 1;

    public static Tai64n From(DateTimeOffset time)
    {
        var sinceEpoch = time - DateTimeOffset.UnixEpoch;
        var seconds = (ulong)(sinceEpoch.Ticks / TimeSpan.TicksPerSecond);
        var nanoseconds = (uint)(sinceEpoch.Ticks % TimeSpan.TicksPerSecond * TimeSpan.NanosecondsPerTick);
        return new Tai64n(UnixEpoch + seconds, nanoseconds & ~WhiteningMask);
    }

    public static Tai64n Read(ReadOnlySpan<byte> bytes) =>
        new(BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt32BigEndian(bytes[sizeof(ulong)..]));

    public void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt64BigEndian(bytes, Seconds);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[sizeof(ulong)..], Nanoseconds);
    }

    /// <summary>The smallest timestamp that whitening can tell from this one.</summary>
    public Tai64n NextDistinguishable() =>
        Nanoseconds + WhiteningMask + 1 < 1_000_000_000
            ? this with { Nanoseconds = Nanoseconds + WhiteningMask + 1 }
            : new Tai64n(Seconds + 1, 0);

    public int CompareTo(Tai64n other)
    {
        var bySeconds = Seconds.CompareTo(other.Seconds);
        return bySeconds != 0 ? bySeconds : Nanoseconds.CompareTo(other.Nanoseconds);
    }

    public static bool operator >(Tai64n left, Tai64n right) => left.CompareTo(right) > 0;

    public static bool operator <(Tai64n left, Tai64n right) => left.CompareTo(right) < 0;

    public static bool operator >=(Tai64n left, Tai64n right) => left.CompareTo(right) >= 0;

    public static bool operator <=(Tai64n left, Tai64n right) => left.CompareTo(right) <= 0;
}
