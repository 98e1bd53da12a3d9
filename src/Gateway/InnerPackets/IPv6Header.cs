using System.Buffers.Binary;

namespace UdpGateway.Gateway.InnerPackets;

/// <summary>An IPv6 header over a packet's first bytes (RFC 8200 §3).</summary>
internal readonly ref struct IPv6Header(Span<byte> packet)
{
    public const int Size = 40;

    private const int PayloadLengthOffset = 4;
    private const int NextHeaderOffset = 6;
    private const int HopLimitOffset = 7;
    private const int SourceOffset = 8;
    private const int DestinationOffset = 24;

    private const byte HopByHopOptions = 0;
    private const byte Routing = 43;
    private const byte Fragment = 44;
    private const byte DestinationOptions = 60;

    private readonly Span<byte> _packet = packet;

    public ReadOnlySpan<byte> Source => _packet[SourceOffset..DestinationOffset];

    public ReadOnlySpan<byte> Destination => _packet[DestinationOffset..Size];

    /// <summary>Version and payload length fit the packet, which has no bytes behind it.</summary>
    public static bool IsValid(ReadOnlySpan<byte> packet) =>
        packet.Length >= Size
        && packet[0] >> 4 == 6
        && BinaryPrimitives.ReadUInt16BigEndian(packet[PayloadLengthOffset..]) == packet.Length - Size;

    /// <summary>
    /// Walks the extension headers to the upper layer (RFC 8200 §4.1). False when one is cut off.
    /// A fragment header ends the walk with <paramref name="isFragment"/>.
    /// </summary>
    public bool TryFindUpperLayer(out byte protocol, out int offset, out bool isFragment)
    {
        protocol = _packet[NextHeaderOffset];
        offset = Size;
        isFragment = false;
        while (protocol is HopByHopOptions or Routing or DestinationOptions)
        {
            if (_packet.Length < offset + 8)
                return false;
            protocol = _packet[offset];
            offset += (_packet[offset + 1] + 1) * 8;
            if (offset > _packet.Length)
                return false;
        }

        isFragment = protocol == Fragment;
        return true;
    }

    public void Write(int payloadLength, byte hopLimit, byte nextHeader, ReadOnlySpan<byte> source, ReadOnlySpan<byte> destination)
    {
        var header = _packet[..Size];
        header.Clear();
        header[0] = 0x60;
        BinaryPrimitives.WriteUInt16BigEndian(header[PayloadLengthOffset..], (ushort)payloadLength);
        header[NextHeaderOffset] = nextHeader;
        header[HopLimitOffset] = hopLimit;
        source.CopyTo(header[SourceOffset..]);
        destination.CopyTo(header[DestinationOffset..]);
    }
}
