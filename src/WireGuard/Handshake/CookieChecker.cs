using System.Buffers.Binary;
using System.Security.Cryptography;
using UdpGateway.WireGuard.Crypto;
using UdpGateway.WireGuard.Messages;

namespace UdpGateway.WireGuard.Handshake;

/// <summary>
/// Cookies of a responder under load (paper §5.4.7): a source that echoes one has proved that it hears what is sent to
/// it. A cookie is bound to address and port, and only the newest secret counts.
/// </summary>
internal sealed class CookieChecker(ICryptoBackend crypto, RandomFill random) : IDisposable
{
    private readonly byte[] _secret = GC.AllocateArray<byte>(WireGuardSpecification.HashSize, pinned: true);
    private TimeSpan _secretDrawn = TimeSpan.MinValue;

    public bool IsMac2Valid(ReadOnlySpan<byte> coveredByMac2, ReadOnlySpan<byte> mac2, in PeerEndpoint source, TimeSpan now)
    {
        if (IsSecretTooOld(now))
            return false;
        Span<byte> cookie = stackalloc byte[WireGuardSpecification.MacSize];
        Span<byte> expected = stackalloc byte[WireGuardSpecification.MacSize];
        ComputeCookie(source, cookie);
        Blake2s.Mac(cookie, coveredByMac2, expected);
        return CryptographicOperations.FixedTimeEquals(expected, mac2);
    }

    /// <param name="receiverIndex">Sender index of the message that is answered.</param>
    /// <param name="mac1">mac1 of that message.</param>
    public void WriteReply(Span<byte> reply, ServerIdentity identity, uint receiverIndex, ReadOnlySpan<byte> mac1, in PeerEndpoint source, TimeSpan now)
    {
        if (IsSecretTooOld(now))
        {
            random(_secret);
            _secretDrawn = now;
        }

        Span<byte> cookie = stackalloc byte[WireGuardSpecification.MacSize];
        ComputeCookie(source, cookie);
        var message = new CookieReplyMessage(reply);
        message.WriteType();
        message.ReceiverIndex = receiverIndex;
        random(message.Nonce);
        XChaCha20Poly1305.Seal(crypto, identity.CookieKey, message.Nonce, cookie, mac1, message.EncryptedCookie);
    }

    public void Dispose() => CryptographicOperations.ZeroMemory(_secret);

    private bool IsSecretTooOld(TimeSpan now) =>
        _secretDrawn == TimeSpan.MinValue || now - _secretDrawn >= WireGuardSpecification.CookieSecretMaxAge;

    private void ComputeCookie(in PeerEndpoint source, Span<byte> cookie)
    {
        Span<byte> origin = stackalloc byte[16 + sizeof(ushort)];
        var length = source.WriteAddress(origin);
        BinaryPrimitives.WriteUInt16BigEndian(origin[length..], source.Port);
        Blake2s.Mac(_secret, origin[..(length + sizeof(ushort))], cookie);
    }
}
