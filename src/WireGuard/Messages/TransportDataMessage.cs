using System.Buffers.Binary;

namespace UdpGateway.WireGuard.Messages;

/// <summary>Every later message, both ways (paper §5.4.6). Without payload it is a keepalive.</summary>
internal readonly ref struct TransportDataMessage(Span<byte> bytes)
{
    /// <summary>Bytes before the encrypted payload.</summary>
    public const int HeaderSize = CounterOffset + sizeof(ulong);

    /// <summary>A keepalive: header and tag.</summary>
    public const int MinimumSize = HeaderSize + WireGuardSpecification.TagSize;

    private const int ReceiverOffset = sizeof(uint);
    private const int CounterOffset = ReceiverOffset + sizeof(uint);

    private readonly Span<byte> _bytes = bytes;

    public uint ReceiverIndex => BinaryPrimitives.ReadUInt32LittleEndian(_bytes[ReceiverOffset..]);

    public ulong Counter => BinaryPrimitives.ReadUInt64LittleEndian(_bytes[CounterOffset..]);

    public Span<byte> EncryptedPayload => _bytes[HeaderSize..];

    /// <summary>For a look ahead at a datagram that nobody has classified yet.</summary>
    public static bool TryReadReceiverIndex(ReadOnlySpan<byte> datagram, out uint index)
    {
        var isTransportData = datagram.Length >= MinimumSize && datagram[0] == (byte)WireGuardMessageType.TransportData;
        index = isTransportData ? BinaryPrimitives.ReadUInt32LittleEndian(datagram[ReceiverOffset..]) : 0;
        return isTransportData;
    }

    public void WriteHeader(uint receiverIndex, ulong counter)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(_bytes, (uint)WireGuardMessageType.TransportData);
        BinaryPrimitives.WriteUInt32LittleEndian(_bytes[ReceiverOffset..], receiverIndex);
        BinaryPrimitives.WriteUInt64LittleEndian(_bytes[CounterOffset..], counter);
    }
}
