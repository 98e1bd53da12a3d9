using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace UdpGateway.Cli.Client;

/// <summary>The few packets that a client without a network interface must write and read itself: UDP and echo over IPv4 and IPv6.</summary>
internal readonly ref struct InnerPacket
{
    private const byte Icmp = 1;
    private const byte Udp = 17;
    private const byte IcmpV6 = 58;
    private const int IPv4HeaderSize = 20;
    private const int IPv6HeaderSize = 40;
    private const int MessageHeaderSize = 8;
    private const byte HopLimit = 64;

    private InnerPacket(byte protocol, ReadOnlySpan<byte> addresses, ReadOnlySpan<byte> message)
    {
        Protocol = protocol;
        Addresses = addresses;
        Message = message;
    }

    private byte Protocol { get; }

    /// <summary>Source and destination, side by side as in both headers.</summary>
    private ReadOnlySpan<byte> Addresses { get; }

    private ReadOnlySpan<byte> Message { get; }

    public static byte[] WriteUdp(IPEndPoint source, IPEndPoint destination, ReadOnlySpan<byte> data)
    {
        if (data.Length > ushort.MaxValue - IPv4HeaderSize - MessageHeaderSize)
            throw new UserErrorException($"A message of {data.Length} bytes is too long for a UDP datagram.");
        var datagram = new byte[MessageHeaderSize + data.Length];
        BinaryPrimitives.WriteUInt16BigEndian(datagram, (ushort)source.Port);
        BinaryPrimitives.WriteUInt16BigEndian(datagram.AsSpan(2), (ushort)destination.Port);
        BinaryPrimitives.WriteUInt16BigEndian(datagram.AsSpan(4), (ushort)datagram.Length);
        data.CopyTo(datagram.AsSpan(MessageHeaderSize));
        return Write(Udp, source.Address, destination.Address, datagram, checksumOffset: 6);
    }

    public static byte[] WriteEchoRequest(IPAddress source, IPAddress destination, ushort identifier, ushort sequence, ReadOnlySpan<byte> data)
    {
        var isIPv4 = source.AddressFamily == AddressFamily.InterNetwork;
        var request = new byte[MessageHeaderSize + data.Length];
        request[0] = isIPv4 ? (byte)8 : (byte)128;
        BinaryPrimitives.WriteUInt16BigEndian(request.AsSpan(4), identifier);
        BinaryPrimitives.WriteUInt16BigEndian(request.AsSpan(6), sequence);
        data.CopyTo(request.AsSpan(MessageHeaderSize));
        return Write(isIPv4 ? Icmp : IcmpV6, source, destination, request, checksumOffset: 2);
    }

    /// <summary>False when the bytes are no IP packet, or one whose checksums do not hold.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out InnerPacket packet)
    {
        packet = default;
        if (bytes.Length >= IPv4HeaderSize && bytes[0] == 0x45)
        {
            var length = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
            if (length < IPv4HeaderSize || length > bytes.Length || Checksum(bytes[..IPv4HeaderSize], 0) != 0)
                return false;
            packet = new InnerPacket(bytes[9], bytes[12..20], bytes[IPv4HeaderSize..length]);
        }
        else if (bytes.Length >= IPv6HeaderSize && bytes[0] >> 4 == 6)
        {
            var length = IPv6HeaderSize + BinaryPrimitives.ReadUInt16BigEndian(bytes[4..]);
            if (length > bytes.Length)
                return false;
            packet = new InnerPacket(bytes[6], bytes[8..40], bytes[IPv6HeaderSize..length]);
        }
        else
        {
            return false;
        }

        return packet.Message.Length >= MessageHeaderSize
            && Checksum(packet.Message, PseudoHeaderSum(packet.Protocol, packet.Addresses, packet.Message.Length)) == 0;
    }

    public bool IsBetween(IPAddress source, IPAddress destination) =>
        Addresses.SequenceEqual([.. source.GetAddressBytes(), .. destination.GetAddressBytes()]);

    public bool TryReadUdp(out int sourcePort, out int destinationPort, out ReadOnlySpan<byte> data)
    {
        sourcePort = BinaryPrimitives.ReadUInt16BigEndian(Message);
        destinationPort = BinaryPrimitives.ReadUInt16BigEndian(Message[2..]);
        data = Message[MessageHeaderSize..];
        return Protocol == Udp && BinaryPrimitives.ReadUInt16BigEndian(Message[4..]) == Message.Length;
    }

    public bool TryReadEchoReply(out ushort identifier, out ushort sequence, out ReadOnlySpan<byte> data)
    {
        identifier = BinaryPrimitives.ReadUInt16BigEndian(Message[4..]);
        sequence = BinaryPrimitives.ReadUInt16BigEndian(Message[6..]);
        data = Message[MessageHeaderSize..];
        return (Protocol, Message[0]) is (Icmp, 0) or (IcmpV6, 129);
    }

    private static byte[] Write(byte protocol, IPAddress source, IPAddress destination, ReadOnlySpan<byte> message, int checksumOffset)
    {
        byte[] addresses = [.. source.GetAddressBytes(), .. destination.GetAddressBytes()];
        var headerSize = addresses.Length == 8 ? IPv4HeaderSize : IPv6HeaderSize;
        var packet = new byte[headerSize + message.Length];
        if (headerSize == IPv4HeaderSize)
        {
            packet[0] = 0x45;
            BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)packet.Length);
            packet[8] = HopLimit;
            packet[9] = protocol;
            addresses.CopyTo(packet, 12);
            BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(10), Checksum(packet.AsSpan(0, IPv4HeaderSize), 0));
        }
        else
        {
            packet[0] = 0x60;
            BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(4), (ushort)message.Length);
            packet[6] = protocol;
            packet[7] = HopLimit;
            addresses.CopyTo(packet, 8);
        }

        message.CopyTo(packet.AsSpan(headerSize));
        var checksum = Checksum(message, PseudoHeaderSum(protocol, addresses, message.Length));
        // RFC 768: zero would mean that the datagram has no checksum.
        if (checksum == 0 && protocol == Udp)
            checksum = 0xffff;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(headerSize + checksumOffset), checksum);
        return packet;
    }

    // RFC 768, RFC 8200 §8.1; ICMP over IPv4 has no pseudo-header.
    private static uint PseudoHeaderSum(byte protocol, ReadOnlySpan<byte> addresses, int length) =>
        protocol == Icmp ? 0 : Sum(addresses) + protocol + (uint)length;

    // RFC 1071; 0 over bytes that hold a correct checksum.
    private static ushort Checksum(ReadOnlySpan<byte> bytes, uint sum)
    {
        sum += Sum(bytes);
        while (sum > 0xffff)
            sum = (sum & 0xffff) + (sum >> 16);
        return (ushort)~sum;
    }

    private static uint Sum(ReadOnlySpan<byte> bytes)
    {
        var sum = 0u;
        for (; bytes.Length >= 2; bytes = bytes[2..])
            sum += BinaryPrimitives.ReadUInt16BigEndian(bytes);
        return bytes.IsEmpty ? sum : sum + ((uint)bytes[0] << 8);
    }
}
