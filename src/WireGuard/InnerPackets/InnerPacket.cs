using System.Buffers.Binary;

namespace UdpGateway.WireGuard.InnerPackets;

/// <summary>Tells IP packets from payloads that are none, by the whole header and not by the version nibble alone.</summary>
public static class InnerPacket
{
    private const int IPv4HeaderSize = 20;
    private const int IPv6HeaderSize = 40;

    /// <param name="payload">A decrypted payload, perhaps padded.</param>
    /// <param name="length">The packet without padding; the whole payload if it is raw.</param>
    public static PayloadKind Classify(ReadOnlySpan<byte> payload, out int length)
    {
        length = payload.Length;
        if (payload.IsEmpty)
            return PayloadKind.Raw;
        return (payload[0] >> 4) switch
        {
            4 when IsIPv4(payload, out var total) => Trim(payload, PayloadKind.IPv4, total, ref length),
            6 when IsIPv6(payload, out var total) => Trim(payload, PayloadKind.IPv6, total, ref length),
            _ => PayloadKind.Raw,
        };
    }

    private static PayloadKind Trim(ReadOnlySpan<byte> payload, PayloadKind kind, int total, ref int length)
    {
        // What follows the packet is padding only if it is short and zero; anything else is no IP packet of ours.
        var padding = payload[total..];
        if (padding.Length >= WireGuardSpecification.PaddingMultiple || padding.ContainsAnyExcept((byte)0))
            return PayloadKind.Raw;
        length = total;
        return kind;
    }

    private static bool IsIPv4(ReadOnlySpan<byte> payload, out int total)
    {
        total = 0;
        if (payload.Length < IPv4HeaderSize)
            return false;
        var headerLength = (payload[0] & 0x0f) * 4;
        total = BinaryPrimitives.ReadUInt16BigEndian(payload[2..]);
        return headerLength >= IPv4HeaderSize && total >= headerLength && total <= payload.Length && HeaderChecksumHolds(payload[..headerLength]);
    }

    private static bool IsIPv6(ReadOnlySpan<byte> payload, out int total)
    {
        total = 0;
        if (payload.Length < IPv6HeaderSize)
            return false;
        // As an int: in 16 bits the sum would wrap for lengths near 65,535.
        total = IPv6HeaderSize + BinaryPrimitives.ReadUInt16BigEndian(payload[4..]);
        return total <= payload.Length;
    }

    /// <summary>RFC 791 §3.1: the one's complement sum over the header, checksum included, is all ones.</summary>
    private static bool HeaderChecksumHolds(ReadOnlySpan<byte> header)
    {
        uint sum = 0;
        for (var i = 0; i < header.Length; i += 2)
            sum += BinaryPrimitives.ReadUInt16BigEndian(header[i..]);
        while (sum >> 16 != 0)
            sum = (sum & 0xffff) + (sum >> 16);
        return sum == 0xffff;
    }
}
