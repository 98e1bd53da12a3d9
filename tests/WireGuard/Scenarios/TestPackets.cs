using System.Buffers.Binary;
using System.Net;

namespace UdpGateway.WireGuard.Tests.Scenarios;

/// <summary>Inner IP packets as a client's stack makes them.</summary>
internal static class TestPackets
{
    public static byte[] IPv4(string source, int totalLength = 28)
    {
        var packet = new byte[totalLength];
        packet[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)totalLength);
        packet[8] = 64;
        packet[9] = 17;
        IPAddress.Parse(source).TryWriteBytes(packet.AsSpan(12), out _);
        IPAddress.Parse("192.0.2.53").TryWriteBytes(packet.AsSpan(16), out _);
        WriteChecksum(packet);
        for (var i = 20; i < totalLength; i++)
            packet[i] = (byte)i;
        return packet;
    }

    public static byte[] IPv6(string source, int payloadLength = 8)
    {
        var packet = new byte[40 + payloadLength];
        packet[0] = 0x60;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(4), (ushort)payloadLength);
        packet[6] = 17;
        packet[7] = 64;
        IPAddress.Parse(source).TryWriteBytes(packet.AsSpan(8), out _);
        IPAddress.Parse("2001:db8::53").TryWriteBytes(packet.AsSpan(24), out _);
        packet.AsSpan(40).Fill(0xa5);
        return packet;
    }

    /// <summary>RFC 791 §3.1, over the header of twenty bytes.</summary>
    public static void WriteChecksum(byte[] packet)
    {
        packet[10] = packet[11] = 0;
        var sum = 0;
        for (var i = 0; i < 20; i += 2)
            sum += BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(i));
        while (sum > 0xffff)
            sum = (sum & 0xffff) + (sum >> 16);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(10), (ushort)~sum);
    }
}
