using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace UdpGateway.Gateway.PacketSources;

internal enum RelayVerdict
{
    Genuine,

    /// <summary>Not made with the fleet's key, or not complete.</summary>
    NotAuthentic,

    /// <summary>Too old, or from the future.</summary>
    OutsideWindow,

    /// <summary>Seen before.</summary>
    Replayed,
}

/// <summary>
/// HMAC-SHA256 over time, nonce and body with the key of the fleet. A request counts once, and only within half a minute of its
/// making, so that what must be remembered is bounded.
/// </summary>
internal sealed class RelaySignature(byte[] key, TimeProvider time)
{
    public const string HeaderName = "Udpgw-Relay";

    private const int NonceSize = 16;
    private const int MaxRemembered = 100_000;

    private static readonly TimeSpan Window = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<string, DateTimeOffset> _seen = new(StringComparer.Ordinal);

    /// <summary><c>UNIX_MILLISECONDS NONCE HMAC</c>.</summary>
    public string Sign(ReadOnlySpan<byte> body)
    {
        var stamp = time.GetUtcNow().ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture);
        var nonce = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(NonceSize));
        return $"{stamp} {nonce} {Convert.ToHexStringLower(Compute(stamp, nonce, body))}";
    }

    public RelayVerdict Check(string? header, ReadOnlySpan<byte> body)
    {
        if (header?.Split(' ') is not [var stamp, { Length: NonceSize * 2 } nonce, { Length: HMACSHA256.HashSizeInBytes * 2 } hmac] || !hmac.All(char.IsAsciiHexDigit)
            || !long.TryParse(stamp, NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds)
            || !CryptographicOperations.FixedTimeEquals(Compute(stamp, nonce, body), Convert.FromHexString(hmac)))
            return RelayVerdict.NotAuthentic;

        var now = time.GetUtcNow();
        if (Math.Abs(now.ToUnixTimeMilliseconds() - milliseconds) > Window.TotalMilliseconds)
            return RelayVerdict.OutsideWindow;
        // Only genuine requests come this far, so only a task of the fleet could fill it.
        foreach (var (old, made) in _seen)
        {
            if (now - made > Window)
                _seen.TryRemove(old, out _);
        }

        return _seen.Count < MaxRemembered && _seen.TryAdd(nonce, DateTimeOffset.FromUnixTimeMilliseconds(milliseconds)) ? RelayVerdict.Genuine : RelayVerdict.Replayed;
    }

    private byte[] Compute(string stamp, string nonce, ReadOnlySpan<byte> body)
    {
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key);
        hmac.AppendData(Encoding.ASCII.GetBytes($"{stamp} {nonce} "));
        hmac.AppendData(body);
        return hmac.GetHashAndReset();
    }
}
