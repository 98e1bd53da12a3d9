using System.Buffers.Binary;

namespace UdpGateway.Gateway.InnerPackets;

/// <summary>A UDP header with its payload behind it (RFC 768).</summary>
internal readonly ref struct UdpHeader(Span<byte> datagram)
{
    public const int Size = 8;
    public const byte Protocol = 17;

    private const int SourcePortOffset = 0;
    private const int DestinationPortOffset = 2;
    private const int LengthOffset = 4;
    private const int ChecksumOffset = 6;

    private readonly Span<byte> _datagram = datagram;

    public ushort SourcePort => BinaryPrimitives.ReadUInt16BigEndian(_datagram[SourcePortOffset..]);

    public ushort DestinationPort => BinaryPrimitives.ReadUInt16BigEndian(_datagram[DestinationPortOffset..]);

    public ushort Length => BinaryPrimitives.ReadUInt16BigEndian(_datagram[LengthOffset..]);

    /// <summary>
    /// The length fits, and the checksum is right; over IPv4 it may be absent, over IPv6 it may not (RFC 8200 §8.1).
    /// </summary>
    public static bool IsValid(Span<byte> datagram, ReadOnlySpan<byte> source, ReadOnlySpan<byte> destination)
    {
        if (datagram.Length < Size)
            return false;
        var length = BinaryPrimitives.ReadUInt16BigEndian(datagram[LengthOffset..]);
        if (length < Size || length > datagram.Length)
            return false;
        return BinaryPrimitives.ReadUInt16BigEndian(datagram[ChecksumOffset..]) == 0
            ? source.Length == 4
            : Checksum(datagram[..length], source, destination) == 0xffff;
    }

    /// <summary>Writes the header of a datagram whose payload is already in place.</summary>
    public void Write(ushort sourcePort, ushort destinationPort, ReadOnlySpan<byte> source, ReadOnlySpan<byte> destination)
    {
        BinaryPrimitives.WriteUInt16BigEndian(_datagram[SourcePortOffset..], sourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(_datagram[DestinationPortOffset..], destinationPort);
        BinaryPrimitives.WriteUInt16BigEndian(_datagram[LengthOffset..], (ushort)_datagram.Length);
        BinaryPrimitives.WriteUInt16BigEndian(_datagram[ChecksumOffset..], 0);
        var checksum = (ushort)~Checksum(_datagram, source, destination);
        // 0 would mean "no checksum"; its other representation says the same sum.
        BinaryPrimitives.WriteUInt16BigEndian(_datagram[ChecksumOffset..], checksum == 0 ? ushort.MaxValue : checksum);
    }

    /// <summary>Over the pseudo header of either IP version and the datagram.</summary>
    private static ushort Checksum(ReadOnlySpan<byte> datagram, ReadOnlySpan<byte> source, ReadOnlySpan<byte> destination)
    {
        var sum = InternetChecksum.Add(0, source);
        sum = InternetChecksum.Add(sum, destination);
        sum += Protocol + (uint)datagram.Length;
        return InternetChecksum.Fold(InternetChecksum.Add(sum, datagram));
    }
}
