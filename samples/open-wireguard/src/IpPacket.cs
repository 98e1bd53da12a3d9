using System.Buffers.Binary;

namespace InnerEcho;

/// <summary>An IPv4 (RFC 791) or IPv6 (RFC 8200) packet, taken apart as far as an echo needs it.</summary>
internal readonly ref struct IpPacket
{
    public const byte Icmp = 1;
    public const byte Udp = 17;
    public const byte IcmpV6 = 58;

    private const int IPv4HeaderSize = 20;
    private const int IPv6HeaderSize = 40;
    private const byte HopLimit = 64;

    private IpPacket(int version, byte protocol, ReadOnlySpan<byte> source, ReadOnlySpan<byte> destination, ReadOnlySpan<byte> payload)
    {
        Version = version;
        Protocol = protocol;
        Source = source;
        Destination = destination;
        Payload = payload;
    }

    public int Version { get; }

    public byte Protocol { get; }

    public ReadOnlySpan<byte> Source { get; }

    public ReadOnlySpan<byte> Destination { get; }

    public ReadOnlySpan<byte> Payload { get; }

    /// <summary>Neither multicast nor broadcast: nobody answers those in the name of a group.</summary>
    public bool IsForOneHost => Version == 4 ? Destination[0] < 224 : Destination[0] != 0xff;

    /// <summary>
    /// False when the bytes are no IP packet. The whole header is judged, as text may begin with the same nibble.
    /// Fragments and IPv6 extension headers count as packets of a protocol that nobody here answers.
    /// </summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out IpPacket packet)
    {
        packet = default;
        return bytes.Length > 0 && (bytes[0] >> 4) switch
        {
            4 => TryReadIPv4(bytes, out packet),
            6 => TryReadIPv6(bytes, out packet),
            _ => false,
        };
    }

    /// <summary>Builds the packet back to the source.</summary>
    /// <param name="payload">ICMP message or UDP datagram, ports already exchanged.</param>
    /// <param name="checksumOffset">Where the payload holds its checksum, which is computed here.</param>
    public byte[] Answer(ReadOnlySpan<byte> payload, int checksumOffset)
    {
        var headerSize = Version == 4 ? IPv4HeaderSize : IPv6HeaderSize;
        var answer = new byte[headerSize + payload.Length];
        var message = answer.AsSpan(headerSize);
        payload.CopyTo(message);
        WriteChecksum(message, checksumOffset);
        if (Version == 4)
            WriteIPv4Header(answer);
        else
            WriteIPv6Header(answer, payload.Length);
        return answer;
    }

    private static bool TryReadIPv4(ReadOnlySpan<byte> bytes, out IpPacket packet)
    {
        packet = default;
        if (bytes.Length < IPv4HeaderSize)
            return false;
        var headerSize = (bytes[0] & 0x0f) * 4;
        var length = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
        if (headerSize < IPv4HeaderSize || length < headerSize || length > bytes.Length)
            return false;
        if (InternetChecksum.Of(bytes[..headerSize]) != 0)
            return false;

        // More-fragments flag and fragment offset.
        var isFragment = (BinaryPrimitives.ReadUInt16BigEndian(bytes[6..]) & 0x3fff) != 0;
        packet = new IpPacket(4, isFragment ? (byte)0 : bytes[9], bytes[12..16], bytes[16..20], bytes[headerSize..length]);
        return true;
    }

    private static bool TryReadIPv6(ReadOnlySpan<byte> bytes, out IpPacket packet)
    {
        packet = default;
        if (bytes.Length < IPv6HeaderSize)
            return false;
        var length = IPv6HeaderSize + BinaryPrimitives.ReadUInt16BigEndian(bytes[4..]);
        if (length > bytes.Length)
            return false;

        packet = new IpPacket(6, bytes[6], bytes[8..24], bytes[24..40], bytes[IPv6HeaderSize..length]);
        return true;
    }

    private void WriteIPv4Header(Span<byte> answer)
    {
        answer[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(answer[2..], (ushort)answer.Length);
        answer[8] = HopLimit;
        answer[9] = Protocol;
        Destination.CopyTo(answer[12..]);
        Source.CopyTo(answer[16..]);
        BinaryPrimitives.WriteUInt16BigEndian(answer[10..], InternetChecksum.Of(answer[..IPv4HeaderSize]));
    }

    private void WriteIPv6Header(Span<byte> answer, int payloadLength)
    {
        answer[0] = 0x60;
        BinaryPrimitives.WriteUInt16BigEndian(answer[4..], (ushort)payloadLength);
        answer[6] = Protocol;
        answer[7] = HopLimit;
        Destination.CopyTo(answer[8..]);
        Source.CopyTo(answer[24..]);
    }

    private void WriteChecksum(Span<byte> message, int offset)
    {
        message.Slice(offset, 2).Clear();

        // Of the three, only ICMP over IPv4 leaves the pseudo-header out.
        var pseudoHeader = Protocol == Icmp ? 0 : InternetChecksum.Sum(Source) + InternetChecksum.Sum(Destination) + Protocol + (uint)message.Length;
        var checksum = InternetChecksum.Of(message, pseudoHeader);

        // RFC 768: an all-zero checksum means that there is none.
        if (checksum == 0 && Protocol == Udp)
            checksum = 0xffff;
        BinaryPrimitives.WriteUInt16BigEndian(message[offset..], checksum);
    }
}
