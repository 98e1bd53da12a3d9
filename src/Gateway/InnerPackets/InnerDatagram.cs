using System.Buffers.Binary;
using UdpGateway.WireGuard;

namespace UdpGateway.Gateway.InnerPackets;

/// <summary>What an inner packet is to a listener with DecapsulatedDelivery.</summary>
internal enum InnerVerdict
{
    /// <summary>A UDP datagram: its payload is delivered.</summary>
    Udp,

    /// <summary>No IP packet at all: delivered as it is, and its replies go back as they are.</summary>
    Raw,

    NotUdp,
    Fragment,
    Malformed,
}

/// <summary>Takes the UDP payload out of an inner packet, and wraps a reply's payload into one.</summary>
internal static class InnerDatagram
{
    private const byte TimeToLive = 64;

    /// <summary>Whether the bytes are one whole IP packet, judged by every field of its header that can be judged.</summary>
    public static bool IsIPPacket(ReadOnlySpan<byte> packet) => IPv4Header.IsValid(packet) || IPv6Header.IsValid(packet);

    /// <param name="packet">A decrypted transport payload without padding.</param>
    /// <param name="flow">Addresses and ports, when it is UDP.</param>
    /// <param name="payload">Offset and length of the UDP payload, when it is UDP.</param>
    public static InnerVerdict Read(Span<byte> packet, out InnerFlow flow, out (int Offset, int Length) payload)
    {
        flow = default;
        payload = (0, packet.Length);
        if (IPv4Header.IsValid(packet))
            return ReadIPv4(packet, out flow, out payload);
        return IPv6Header.IsValid(packet) ? ReadIPv6(packet, out flow, out payload) : InnerVerdict.Raw;
    }

    /// <summary>
    /// Writes the headers of a reply in front of its payload, which already lies at
    /// <c>packet[flow.HeaderSize..]</c>. The packet is the whole inner packet.
    /// </summary>
    public static void WriteReplyHeaders(Span<byte> packet, in InnerFlow flow)
    {
        Span<byte> from = stackalloc byte[16];
        Span<byte> to = stackalloc byte[16];
        WriteAddress(flow.Destination, from);
        WriteAddress(flow.Source, to);

        if (flow.Version == 4)
        {
            from = from[12..];
            to = to[12..];
            new IPv4Header(packet).Write(packet.Length, TimeToLive, UdpHeader.Protocol, from, to);
            packet = packet[IPv4Header.Size..];
        }
        else
        {
            new IPv6Header(packet).Write(packet.Length - IPv6Header.Size, TimeToLive, UdpHeader.Protocol, from, to);
            packet = packet[IPv6Header.Size..];
        }

        new UdpHeader(packet).Write(flow.Destination.Port, flow.Source.Port, from, to);
    }

    private static InnerVerdict ReadIPv4(Span<byte> packet, out InnerFlow flow, out (int Offset, int Length) payload)
    {
        flow = default;
        payload = default;
        var header = new IPv4Header(packet);
        if (header.IsFragment)
            return InnerVerdict.Fragment;
        if (header.Protocol != UdpHeader.Protocol)
            return InnerVerdict.NotUdp;
        var offset = header.HeaderLength;
        if (!UdpHeader.IsValid(packet[offset..], header.Source, header.Destination))
            return InnerVerdict.Malformed;

        var udp = new UdpHeader(packet[offset..]);
        flow = new InnerFlow(4, PeerEndpoint.FromIPv4(header.Source, udp.SourcePort), PeerEndpoint.FromIPv4(header.Destination, udp.DestinationPort));
        payload = (offset + UdpHeader.Size, udp.Length - UdpHeader.Size);
        return InnerVerdict.Udp;
    }

    private static InnerVerdict ReadIPv6(Span<byte> packet, out InnerFlow flow, out (int Offset, int Length) payload)
    {
        flow = default;
        payload = default;
        var header = new IPv6Header(packet);
        if (!header.TryFindUpperLayer(out var protocol, out var offset, out var isFragment))
            return InnerVerdict.Malformed;
        if (isFragment)
            return InnerVerdict.Fragment;
        if (protocol != UdpHeader.Protocol)
            return InnerVerdict.NotUdp;
        if (!UdpHeader.IsValid(packet[offset..], header.Source, header.Destination))
            return InnerVerdict.Malformed;

        var udp = new UdpHeader(packet[offset..]);
        flow = new InnerFlow(6, PeerEndpoint.FromIPv6(header.Source, udp.SourcePort), PeerEndpoint.FromIPv6(header.Destination, udp.DestinationPort));
        payload = (offset + UdpHeader.Size, udp.Length - UdpHeader.Size);
        return InnerVerdict.Udp;
    }

    private static void WriteAddress(in PeerEndpoint endpoint, Span<byte> address)
    {
        BinaryPrimitives.WriteUInt64BigEndian(address, endpoint.High);
        BinaryPrimitives.WriteUInt64BigEndian(address[8..], endpoint.Low);
    }
}
