using System.Buffers.Binary;
using System.Text;

namespace UdpGateway.Cli.LocalLambda;

/// <summary>
/// A message of application/vnd.amazon.eventstream (https://smithy.io/2.0/aws/amazon-eventstream.html): total length, headers
/// length, CRC of both, headers, payload, CRC of everything before it. All numbers are big-endian.
/// </summary>
internal static class EventStream
{
    private const int PreludeSize = 12;
    private const byte StringHeader = 7;
    private static readonly uint[] CrcTable = BuildCrcTable();

    public static byte[] Encode(string eventType, string contentType, ReadOnlySpan<byte> payload)
    {
        (string Name, string Value)[] headers = [(":message-type", "event"), (":event-type", eventType), (":content-type", contentType)];
        var headersLength = headers.Sum(header => 1 + header.Name.Length + 1 + 2 + header.Value.Length);
        var message = new byte[PreludeSize + headersLength + payload.Length + 4];

        BinaryPrimitives.WriteInt32BigEndian(message, message.Length);
        BinaryPrimitives.WriteInt32BigEndian(message.AsSpan(4), headersLength);
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(8), Crc32(message.AsSpan(0, 8)));
        var rest = message.AsSpan(PreludeSize);
        foreach (var (name, value) in headers)
        {
            rest[0] = (byte)name.Length;
            Encoding.ASCII.GetBytes(name, rest[1..]);
            rest = rest[(1 + name.Length)..];
            rest[0] = StringHeader;
            BinaryPrimitives.WriteUInt16BigEndian(rest[1..], (ushort)value.Length);
            Encoding.ASCII.GetBytes(value, rest[3..]);
            rest = rest[(3 + value.Length)..];
        }

        payload.CopyTo(rest);
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(message.Length - 4), Crc32(message.AsSpan(0, message.Length - 4)));
        return message;
    }

    /// <summary>CRC-32 as gzip computes it (RFC 1952 §8).</summary>
    public static uint Crc32(ReadOnlySpan<byte> data)
    {
        var crc = uint.MaxValue;
        foreach (var value in data) crc = CrcTable[(byte)(crc ^ value)] ^ (crc >> 8);
        return ~crc;
    }

    private static uint[] BuildCrcTable()
    {
        var table = new uint[256];
        for (var i = 0u; i < table.Length; i++)
        {
            var value = i;
            for (var bit = 0; bit < 8; bit++) value = (value & 1) == 0 ? value >> 1 : 0xEDB88320u ^ (value >> 1);
            table[i] = value;
        }

        return table;
    }
}
