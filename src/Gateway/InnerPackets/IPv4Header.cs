using System.Buffers.Binary;

namespace UdpGateway.Gateway.InnerPackets;

/// <summary>An IPv4 header over a packet's first bytes (RFC 791 §3.1).</summary>
internal readonly ref struct IPv4Header(Span<byte> packet)
{
    /// <summary>Without options.</summary>
    public const int Size = 20;

    private const int TotalLengthOffset = 2;
    private const int FragmentOffset = 6;
    private const int TimeToLiveOffset = 8;
    private const int ProtocolOffset = 9;
    private const int ChecksumOffset = 10;
    private const int SourceOffset = 12;
    private const int DestinationOffset = 16;

    private const ushort DoNotFragment = 0x4000;
    private const ushort MoreFragmentsOrOffset = 0x3fff;

    private readonly Span<byte> _packet = packet;

    public int HeaderLength => (_packet[0] & 0x0f) * 4;

    public ushort TotalLength => BinaryPrimitives.ReadUInt16BigEndian(_packet[TotalLengthOffset..]);

    public bool IsFragment => (BinaryPrimitives.ReadUInt16BigEndian(_packet[FragmentOffset..]) & MoreFragmentsOrOffset) != 0;

    public byte Protocol => _packet[ProtocolOffset];

    public ReadOnlySpan<byte> Source => _packet[SourceOffset..DestinationOffset];

    public ReadOnlySpan<byte> Destination => _packet[DestinationOffset..Size];

    /// <summary>Version, header length, total length and checksum all fit the packet, which has no bytes behind it.</summary>
    public static bool IsValid(ReadOnlySpan<byte> packet)
    {
        if (packet.Length < Size || packet[0] >> 4 != 4)
            return false;
        var headerLength = (packet[0] & 0x0f) * 4;
        return headerLength >= Size
            && headerLength <= packet.Length
            && BinaryPrimitives.ReadUInt16BigEndian(packet[TotalLengthOffset..]) == packet.Length
            && InternetChecksum.Fold(InternetChecksum.Add(0, packet[..headerLength])) == 0xffff;
    }

    /// <summary>Writes a header without options that asks not to be fragmented, so that its identification may be 0 (RFC 6864 §4.1).</summary>
    public void Write(int totalLength, byte timeToLive, byte protocol, ReadOnlySpan<byte> source, ReadOnlySpan<byte> destination)
    {
        var header = _packet[..Size];
        header.Clear();
        header[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(header[TotalLengthOffset..], (ushort)totalLength);
        BinaryPrimitives.WriteUInt16BigEndian(header[FragmentOffset..], DoNotFragment);
        header[TimeToLiveOffset] = timeToLive;
        header[ProtocolOffset] = protocol;
        source.CopyTo(header[SourceOffset..]);
        destination.CopyTo(header[DestinationOffset..]);
        BinaryPrimitives.WriteUInt16BigEndian(header[ChecksumOffset..], (ushort)~InternetChecksum.Fold(InternetChecksum.Add(0, header)));
    }
}
