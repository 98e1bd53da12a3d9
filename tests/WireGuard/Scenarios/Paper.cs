namespace UdpGateway.WireGuard.Tests.Scenarios;

/// <summary>Numbers of the paper (§5, §6.1), typed again here so that a wrong one in the engine fails.</summary>
internal static class Paper
{
    public const ulong RekeyAfterMessages = 1_152_921_504_606_846_976;
    public const ulong RejectAfterMessages = 18_446_744_073_709_543_423;

    public const int InitiationSize = 148;
    public const int ResponseSize = 92;
    public const int CookieReplySize = 64;
    public const int KeepaliveSize = 32;
    public const int TransportOverhead = 32;

    public const int InitiationType = 1;
    public const int TransportType = 4;

    public static readonly TimeSpan RekeyAfterTime = TimeSpan.FromSeconds(120);
    public static readonly TimeSpan RejectAfterTime = TimeSpan.FromSeconds(180);
    public static readonly TimeSpan RekeyAttemptTime = TimeSpan.FromSeconds(90);
    public static readonly TimeSpan RekeyTimeout = TimeSpan.FromSeconds(5);
    public static readonly TimeSpan MaximumJitter = TimeSpan.FromMilliseconds(333);
    public static readonly TimeSpan KeepaliveTimeout = TimeSpan.FromSeconds(10);
    public static readonly TimeSpan CookieSecretMaxAge = TimeSpan.FromSeconds(120);
    public static readonly TimeSpan InitiationInterval = TimeSpan.FromMilliseconds(20);

    /// <summary>The points of low order on Curve25519 and their other encodings below 2^255.</summary>
    public static readonly string[] LowOrderPoints =
    [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ];
}
