using System.Buffers.Binary;
using System.Text;

namespace InnerEcho;

/// <summary>Answers as a small host at the far end of the tunnel: it can be pinged, and it echoes UDP on every port.</summary>
internal sealed class EchoResponder(string greeting)
{
    // RFC 792 and RFC 4443: type, code, checksum, identifier, sequence number, data.
    private const int IcmpHeaderSize = 8;
    private const int IcmpChecksumOffset = 2;

    // RFC 768: source port, destination port, length, checksum, data.
    private const int UdpHeaderSize = 8;
    private const int UdpChecksumOffset = 6;

    private readonly byte[] _greeting = Encoding.UTF8.GetBytes(greeting + ": ");

    /// <returns>What goes back to the sender, null for nothing.</returns>
    public byte[]? Answer(ReadOnlySpan<byte> payload)
    {
        if (!IpPacket.TryRead(payload, out var packet))
            return Greet(payload);

        return packet switch
        {
            { IsForOneHost: false } => null,
            { Version: 4, Protocol: IpPacket.Icmp } => AnswerPing(packet, request: 8, reply: 0),
            { Version: 6, Protocol: IpPacket.IcmpV6 } => AnswerPing(packet, request: 128, reply: 129),
            { Protocol: IpPacket.Udp } => AnswerDatagram(packet),
            _ => null,
        };
    }

    private static byte[]? AnswerPing(IpPacket packet, byte request, byte reply)
    {
        if (packet.Payload.Length < IcmpHeaderSize || packet.Payload[0] != request)
            return null;

        var echo = packet.Payload.ToArray();
        echo[0] = reply;
        return packet.Answer(echo, IcmpChecksumOffset);
    }

    private byte[]? AnswerDatagram(IpPacket packet)
    {
        if (packet.Payload.Length < UdpHeaderSize)
            return null;
        var length = BinaryPrimitives.ReadUInt16BigEndian(packet.Payload[4..]);
        if (length < UdpHeaderSize || length > packet.Payload.Length)
            return null;

        var text = Greet(packet.Payload[UdpHeaderSize..length]);
        var datagram = new byte[UdpHeaderSize + text.Length];
        if (datagram.Length > ushort.MaxValue)
            return null;
        packet.Payload[2..4].CopyTo(datagram);
        packet.Payload[0..2].CopyTo(datagram.AsSpan(2));
        BinaryPrimitives.WriteUInt16BigEndian(datagram.AsSpan(4), (ushort)datagram.Length);
        text.CopyTo(datagram, UdpHeaderSize);
        return packet.Answer(datagram, UdpChecksumOffset);
    }

    private byte[] Greet(ReadOnlySpan<byte> text) => [.. _greeting, .. text];
}
