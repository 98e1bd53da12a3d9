using System.Buffers.Binary;

namespace UdpGateway.WireGuard.Messages;

/// <summary>The first byte of a message (paper §5.4); the next three are zero.</summary>
internal enum WireGuardMessageType : uint
{
    HandshakeInitiation = 1,
    HandshakeResponse = 2,
    CookieReply = 3,
    TransportData = 4,
}

internal static class WireGuardMessage
{
    /// <summary>
    /// The only place that judges type, reserved bytes and length. The type byte and the reserved zeros are compared as
    /// one little-endian number; message code after this never checks a length again.
    /// </summary>
    public static bool TryClassify(ReadOnlySpan<byte> datagram, out WireGuardMessageType type)
    {
        type = default;
        if (datagram.Length < sizeof(uint))
            return false;
        type = (WireGuardMessageType)BinaryPrimitives.ReadUInt32LittleEndian(datagram);
        return type switch
        {
            WireGuardMessageType.TransportData => datagram.Length >= TransportDataMessage.MinimumSize,
            WireGuardMessageType.HandshakeInitiation => datagram.Length == HandshakeInitiationMessage.Size,
            WireGuardMessageType.HandshakeResponse => datagram.Length == HandshakeResponseMessage.Size,
            WireGuardMessageType.CookieReply => datagram.Length == CookieReplyMessage.Size,
            _ => false,
        };
    }
}
