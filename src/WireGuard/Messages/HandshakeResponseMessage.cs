using System.Buffers.Binary;

namespace UdpGateway.WireGuard.Messages;

/// <summary>Second message, responder to initiator (paper §5.4.3).</summary>
internal readonly ref struct HandshakeResponseMessage(Span<byte> bytes)
{
    public const int Size = Mac2Offset + WireGuardSpecification.MacSize;

    private const int SenderOffset = sizeof(uint);
    private const int ReceiverOffset = SenderOffset + sizeof(uint);
    private const int EphemeralOffset = ReceiverOffset + sizeof(uint);
    private const int NothingOffset = EphemeralOffset + WireGuardSpecification.KeySize;
    private const int Mac1Offset = NothingOffset + WireGuardSpecification.TagSize;
    private const int Mac2Offset = Mac1Offset + WireGuardSpecification.MacSize;

    private readonly Span<byte> _bytes = bytes[..Size];

    public uint SenderIndex
    {
        get => BinaryPrimitives.ReadUInt32LittleEndian(_bytes[SenderOffset..]);
        set => BinaryPrimitives.WriteUInt32LittleEndian(_bytes[SenderOffset..], value);
    }

    public uint ReceiverIndex
    {
        get => BinaryPrimitives.ReadUInt32LittleEndian(_bytes[ReceiverOffset..]);
        set => BinaryPrimitives.WriteUInt32LittleEndian(_bytes[ReceiverOffset..], value);
    }

    public Span<byte> Ephemeral => _bytes[EphemeralOffset..NothingOffset];

    public Span<byte> EncryptedNothing => _bytes[NothingOffset..Mac1Offset];

    /// <summary>The bytes that mac1 authenticates (§5.4.4).</summary>
    public Span<byte> CoveredByMac1 => _bytes[..Mac1Offset];

    public Span<byte> Mac1 => _bytes[Mac1Offset..Mac2Offset];

    public Span<byte> CoveredByMac2 => _bytes[..Mac2Offset];

    public Span<byte> Mac2 => _bytes[Mac2Offset..];

    public void WriteType() => BinaryPrimitives.WriteUInt32LittleEndian(_bytes, (uint)WireGuardMessageType.HandshakeResponse);
}
