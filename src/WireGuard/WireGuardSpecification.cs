namespace UdpGateway.WireGuard;

/// <summary>Numbers and labels that the WireGuard paper fixes (sections of "WireGuard: Next Generation Kernel Network Tunnel").</summary>
internal static class WireGuardSpecification
{
    /// <summary>CONSTRUCTION, §5.4.</summary>
    public static ReadOnlySpan<byte> Construction => "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s"u8;

    /// <summary>IDENTIFIER, §5.4.</summary>
    public static ReadOnlySpan<byte> Identifier => "WireGuard v1 zx2c4 Jason@zx2c4.com"u8;

    /// <summary>LABEL-MAC1, §5.4.4.</summary>
    public static ReadOnlySpan<byte> LabelMac1 => "mac1----"u8;

    /// <summary>LABEL-COOKIE, §5.4.7.</summary>
    public static ReadOnlySpan<byte> LabelCookie => "cookie--"u8;

    public const int HashSize = 32;
    public const int KeySize = 32;
    public const int TagSize = 16;
    public const int MacSize = 16;
    public const int TimestampSize = 12;

    /// <summary>§5.4.6: payloads are padded to a multiple of this.</summary>
    public const int PaddingMultiple = 16;

    /// <summary>§6.1. A session is unusable for both directions from this counter on.</summary>
    public const ulong RejectAfterMessages = ulong.MaxValue - (1UL << 13);

    /// <summary>§6.1.</summary>
    public const ulong RekeyAfterMessages = 1UL << 60;

    /// <summary>§6.1.</summary>
    public static readonly TimeSpan RekeyAfterTime = TimeSpan.FromSeconds(120);

    /// <summary>§6.1. Age is measured from the derivation of the keys and never extended by use.</summary>
    public static readonly TimeSpan RejectAfterTime = TimeSpan.FromSeconds(180);

    /// <summary>§6.1.</summary>
    public static readonly TimeSpan RekeyAttemptTime = TimeSpan.FromSeconds(90);

    /// <summary>§6.1.</summary>
    public static readonly TimeSpan RekeyTimeout = TimeSpan.FromSeconds(5);

    /// <summary>§6.1: initiators spread their retransmissions by up to a third of a second.</summary>
    public static readonly TimeSpan RekeyTimeoutJitter = TimeSpan.FromMilliseconds(333);

    /// <summary>§6.1.</summary>
    public static readonly TimeSpan KeepaliveTimeout = TimeSpan.FromSeconds(10);

    /// <summary>§5.4.7: the age at which a responder draws a new cookie secret.</summary>
    public static readonly TimeSpan CookieSecretMaxAge = TimeSpan.FromSeconds(120);

    /// <summary>An initiator stops using a cookie this long before the responder forgets it.</summary>
    public static readonly TimeSpan CookieSecretLatency = TimeSpan.FromSeconds(5);

    /// <summary>§5.1: initiations of one key are consumed at most 50 times a second.</summary>
    public static readonly TimeSpan InitiationInterval = TimeSpan.FromMilliseconds(20);
}
