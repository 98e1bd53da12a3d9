using System.Buffers.Binary;

namespace UdpGateway.WireGuard.Messages;

/// <summary>First message, initiator to responder (paper §5.4.2).</summary>
internal readonly ref struct HandshakeInitiationMessage(Span<byte> bytes)
{
    public const int Size = Mac2Offset + WireGuardSpecification.MacSize;

    private const int SenderOffset = sizeof(uint);
    private const int EphemeralOffset = SenderOffset + sizeof(uint);
    private const int StaticOffset = EphemeralOffset + WireGuardSpecification.KeySize;
    private const int TimestampOffset = StaticOffset + WireGuardSpecification.KeySize + WireGuardSpecification.TagSize;
    private const int Mac1Offset = TimestampOffset + WireGuardSpecification.TimestampSize + WireGuardSpecification.TagSize;
    private const int Mac2Offset = Mac1Offset + WireGuardSpecification.MacSize;

    private readonly Span<byte> _bytes = bytes[..Size];

    public uint SenderIndex
    {
        get => BinaryPrimitives.ReadUInt32LittleEndian(_bytes[SenderOffset..]);
        set => BinaryPrimitives.WriteUInt32LittleEndian(_bytes[SenderOffset..], value);
    }

    public Span<byte> Ephemeral => _bytes[EphemeralOffset..StaticOffset];

    public Span<byte> EncryptedStatic => _bytes[StaticOffset..TimestampOffset];

    public Span<byte> EncryptedTimestamp => _bytes[TimestampOffset..Mac1Offset];

    /// <summary>The bytes that mac1 authenticates (§5.4.4).</summary>
    public Span<byte> CoveredByMac1 => _bytes[..Mac1Offset];

    public Span<byte> Mac1 => _bytes[Mac1Offset..Mac2Offset];

    public Span<byte> CoveredByMac2 => _bytes[..Mac2Offset];

    public Span<byte> Mac2 => _bytes[Mac2Offset..];

    public void WriteType() => BinaryPrimitives.WriteUInt32LittleEndian(_bytes, (uint)WireGuardMessageType.HandshakeInitiation);
}
