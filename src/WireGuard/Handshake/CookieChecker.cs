using System.Buffers.Binary;
using System.Security.Cryptography;
using UdpGateway.WireGuard.Crypto;
using UdpGateway.WireGuard.Messages;

namespace UdpGateway.WireGuard.Handshake;

/// <summary>
/// Cookies of a responder under load (paper §5.4.7): a source that echoes one has proved that it hears what is sent to
/// it. A cookie is bound to address and port, and only the newest secret counts.
/// </summary>
/// <remarks>
/// Secrets follow from the seed and the time, so that all workers of a port know the same one: an initiation that is
/// handed over meets two of them, and a client holds one cookie only.
/// </remarks>
internal sealed class CookieChecker : IDisposable
{
    private readonly ICryptoBackend _crypto;
    private readonly RandomFill _random;
    private readonly byte[] _seed = GC.AllocateArray<byte>(WireGuardSpecification.KeySize, pinned: true);
    private readonly byte[] _secret = GC.AllocateArray<byte>(WireGuardSpecification.HashSize, pinned: true);
    private long _period = long.MinValue;

    /// <param name="seed">32 secret bytes, copied.</param>
    /// <param name="random">For the nonces of the replies.</param>
    public CookieChecker(ICryptoBackend crypto, ReadOnlySpan<byte> seed, RandomFill random)
    {
        _crypto = crypto;
        _random = random;
        seed.CopyTo(_seed);
    }

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
        _random(message.Nonce);
        XChaCha20Poly1305.Seal(_crypto, identity.CookieKey, message.Nonce, cookie, mac1, message.EncryptedCookie);
    }

    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_seed);
        CryptographicOperations.ZeroMemory(_secret);
    }

    /// <summary>Only for known vectors.</summary>
    internal void SetSecret(ReadOnlySpan<byte> secret, TimeSpan now)
    {
        secret.CopyTo(_secret);
        _period = PeriodOf(now);
    }

    private static long PeriodOf(TimeSpan now) => now.Ticks / WireGuardSpecification.CookieSecretMaxAge.Ticks;

    private void ComputeCookie(in PeerEndpoint source, TimeSpan now, Span<byte> cookie)
    {
        var period = PeriodOf(now);
        if (period != _period)
        {
            Span<byte> number = stackalloc byte[sizeof(long)];
            BinaryPrimitives.WriteInt64LittleEndian(number, period);
            Blake2s.Hmac(_seed, number, _secret);
            _period = period;
        }

        Span<byte> origin = stackalloc byte[16 + sizeof(ushort)];
        var length = source.WriteAddress(origin);
        BinaryPrimitives.WriteUInt16BigEndian(origin[length..], source.Port);
        Blake2s.Mac(_secret, origin[..(length + sizeof(ushort))], cookie);
    }
}
