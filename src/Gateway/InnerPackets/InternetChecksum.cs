using System.Buffers.Binary;

namespace UdpGateway.Gateway.InnerPackets;

/// <summary>The ones' complement sum of IP and UDP (RFC 1071).</summary>
internal static class InternetChecksum
{
    /// <summary>Adds 16-bit words in network order; an odd last byte counts as if a zero followed.</summary>
    public static ulong Add(ulong sum, ReadOnlySpan<byte> data)
    {
        while (data.Length >= sizeof(uint))
        {
            sum += BinaryPrimitives.ReadUInt32BigEndian(data);
            data = data[sizeof(uint)..];
        }

        if (data.Length >= sizeof(ushort))
        {
            sum += BinaryPrimitives.ReadUInt16BigEndian(data);
            data = data[sizeof(ushort)..];
        }

        return data.Length == 0 ? sum : sum + (uint)(data[0] << 8);
    }

    /// <summary>Folds the sum; 0xffff means that a received checksum is right.</summary>
    public static ushort Fold(ulong sum)
    {
        while (sum >> 16 != 0)
            sum = (sum & 0xffff) + (sum >> 16);
        return (ushort)sum;
    }
}
