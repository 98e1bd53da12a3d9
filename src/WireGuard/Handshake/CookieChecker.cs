using System.Buffers.Binary;
using System.Security.Cryptography;
using UdpGateway.WireGuard.Crypto;
using UdpGateway.WireGuard.Messages;

namespace UdpGateway.WireGuard.Handshake;

/// <summary>Writes the cookie secret of an epoch.</summary>
internal delegate void CookieSecretSource(long epoch, Span<byte> secret);

/// <summary>
/// Cookies of a responder under load (paper §5.4.7): a source that echoes one has proved that it hears what is sent to
/// it. A cookie is bound to address and port, and only the newest secret counts.
/// </summary>
internal sealed class CookieChecker(ICryptoBackend crypto, RandomFill random, CookieSecretSource secrets) : IDisposable
{
    private readonly byte[] _secret = GC.AllocateArray<byte>(WireGuardSpecification.HashSize, pinned: true);
    private long _epoch = long.MinValue;

    public bool IsMac2Valid(ReadOnlySpan<byte> coveredByMac2, ReadOnlySpan<byte> mac2, in PeerEndpoint source, TimeSpan now)
    {
        Span<byte> cookie = stackalloc byte[WireGuardSpecification.MacSize];
        Span<byte> expected = stackalloc byte[WireGuardSpecification.MacSize];
        ComputeCookie(source, now, cookie);
        Blake2s.Mac(cookie, coveredByMac2, expected);
        return CryptographicOperations.FixedTimeEquals(expected, mac2);
    }

    /// <param name="receiverIndex">Sender index of the message that is answered.</param>
    /// <param name="mac1">mac1 of that message.</param>
    public void WriteReply(Span<byte> reply, ServerIdentity identity, uint receiverIndex, ReadOnlySpan<byte> mac1, in PeerEndpoint source, TimeSpan now)
    {
        Span<byte> cookie = stackalloc byte[WireGuardSpecification.MacSize];
        ComputeCookie(source, now, cookie);
        var message = new CookieReplyMessage(reply);
        message.WriteType();
        message.ReceiverIndex = receiverIndex;
        random(message.Nonce);
        XChaCha20Poly1305.Seal(crypto, identity.CookieKey, message.Nonce, cookie, mac1, message.EncryptedCookie);
    }

    public void Dispose() => CryptographicOperations.ZeroMemory(_secret);

    private void ComputeCookie(in PeerEndpoint source, TimeSpan now, Span<byte> cookie)
    {
        var epoch = now.Ticks / WireGuardSpecification.CookieSecretMaxAge.Ticks;
        if (epoch != _epoch)
        {
            secrets(epoch, _secret);
            _epoch = epoch;
        }

        Span<byte> origin = stackalloc byte[16 + sizeof(ushort)];
        var length = source.WriteAddress(origin);
        BinaryPrimitives.WriteUInt16BigEndian(origin[length..], source.Port);
        Blake2s.Mac(_secret, origin[..(length + sizeof(ushort))], cookie);
    }
}

/// <summary>
/// Cookie secrets that all workers of a port agree on without talking: one key, hashed with the number of the epoch. A
/// handshake may reach one worker first and be handed over to another, and both must accept its cookie.
/// </summary>
internal static class CookieSecrets
{
    /// <param name="key">32 secret bytes, kept outside the moving heap by the source.</param>
    public static CookieSecretSource From(ReadOnlySpan<byte> key)
    {
        var kept = new SecretKey(key);
        return (epoch, secret) =>
        {
            Span<byte> number = stackalloc byte[sizeof(long)];
            BinaryPrimitives.WriteInt64LittleEndian(number, epoch);
            Blake2s.Hmac(kept.Bytes, number, secret);
        };
    }
}
