using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace UdpGateway.Samples.Tests;

/// <summary>Packets as a client's operating system makes them, written independently of the sample's code.</summary>
internal static class InnerPacketBytes
{
    public static byte[] Ping(string source, string destination, string data) =>
        source.Contains(':', StringComparison.Ordinal)
            ? Packet(source, destination, 58, [128, 0, 0, 0, 0x12, 0x34, 0, 1, .. Encoding.ASCII.GetBytes(data)], 2)
            : Packet(source, destination, 1, [8, 0, 0, 0, 0x12, 0x34, 0, 1, .. Encoding.ASCII.GetBytes(data)], 2);

    public static byte[] Udp(string source, string destination, int sourcePort, int destinationPort, string text) =>
        Packet(source, destination, 17,
            [(byte)(sourcePort >> 8), (byte)sourcePort, (byte)(destinationPort >> 8), (byte)destinationPort, 0, (byte)(8 + text.Length), 0, 0, .. Encoding.ASCII.GetBytes(text)], 6);

    public static byte[] Packet(string source, string destination, byte protocol, byte[] message, int checksumOffset)
    {
        var from = IPAddress.Parse(source).GetAddressBytes();
        var to = IPAddress.Parse(destination).GetAddressBytes();
        byte[] header = from.Length == 4
            ? [0x45, 0, 0, (byte)(20 + message.Length), 0, 1, 0x40, 0, 64, protocol, 0, 0, .. from, .. to]
            : [0x60, 0, 0, 0, 0, (byte)message.Length, protocol, 64, .. from, .. to];
        if (from.Length == 4)
            BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(10), Complement(header));
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(checksumOffset), Complement([.. PseudoHeader([.. header, .. message]), .. message]));
        return [.. header, .. message];
    }

    /// <summary>Asserts every checksum that the packet holds: a receiver drops it otherwise.</summary>
    public static void AssertChecksumsHold(byte[] packet)
    {
        var headerSize = packet[0] >> 4 == 4 ? 20 : 40;
        if (headerSize == 20)
            Assert.Equal(0, Complement(packet[..20]));
        Assert.Equal(0, Complement([.. PseudoHeader(packet), .. packet[headerSize..]]));
    }

    private static byte[] PseudoHeader(byte[] packet)
    {
        if (packet[0] >> 4 == 6)
            return [.. packet[8..40], 0, 0, packet[4], packet[5], 0, 0, 0, packet[6]];
        var length = packet.Length - 20;
        return packet[9] == 1 ? [] : [.. packet[12..20], 0, packet[9], (byte)(length >> 8), (byte)length];
    }

    private static ushort Complement(byte[] bytes)
    {
        var sum = 0;
        for (var i = 0; i < bytes.Length; i++)
        {
            sum += i % 2 == 0 ? bytes[i] << 8 : bytes[i];
            sum = (sum & 0xffff) + (sum >> 16);
        }

        return (ushort)~sum;
    }
}
