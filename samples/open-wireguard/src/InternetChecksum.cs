using System.Buffers.Binary;

namespace InnerEcho;

/// <summary>RFC 1071: the complement of the one's complement sum of 16-bit words.</summary>
internal static class InternetChecksum
{
    /// <param name="sum">Sum of words that are covered but lie elsewhere: the pseudo-header.</param>
    /// <returns>0 over bytes that hold a correct checksum.</returns>
    public static ushort Of(ReadOnlySpan<byte> bytes, uint sum = 0)
    {
        sum += Sum(bytes);
        while (sum > 0xffff)
            sum = (sum & 0xffff) + (sum >> 16);
        return (ushort)~sum;
    }

    public static uint Sum(ReadOnlySpan<byte> bytes)
    {
        var sum = 0u;
        for (; bytes.Length >= 2; bytes = bytes[2..])
            sum += BinaryPrimitives.ReadUInt16BigEndian(bytes);
        return bytes.IsEmpty ? sum : sum + ((uint)bytes[0] << 8);
    }
}
