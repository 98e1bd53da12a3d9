using System.Buffers.Binary;

namespace UdpGateway.WireGuard.Messages;

/// <summary>Answer of a responder under load to a message without a valid mac2 (paper §5.4.7).</summary>
internal readonly ref struct CookieReplyMessage(Span<byte> bytes)
{
    public const int Size = CookieOffset + WireGuardSpecification.MacSize + WireGuardSpecification.TagSize;
    public const int NonceSize = 24;

    private const int ReceiverOffset = sizeof(uint);
    private const int NonceOffset = ReceiverOffset + sizeof(uint);
    private const int CookieOffset = NonceOffset + NonceSize;

    private readonly Span<byte> _bytes = bytes[..Size];

    public uint ReceiverIndex
    {
        get => BinaryPrimitives.ReadUInt32LittleEndian(_bytes[ReceiverOffset..]);
        set => BinaryPrimitives.WriteUInt32LittleEndian(_bytes[ReceiverOffset..], value);
    }

    public Span<byte> Nonce => _bytes[NonceOffset..CookieOffset];

    public Span<byte> EncryptedCookie => _bytes[CookieOffset..];

    public void WriteType() => BinaryPrimitives.WriteUInt32LittleEndian(_bytes, (uint)WireGuardMessageType.CookieReply);
}
