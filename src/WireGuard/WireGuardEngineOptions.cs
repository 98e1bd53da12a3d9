namespace UdpGateway.WireGuard;

/// <summary>Fills a buffer with unpredictable bytes; passed in so that vectors and simulations can replay.</summary>
public delegate void RandomFill(Span<byte> destination);

/// <summary>What to do with an initiation whose timestamp is not greater than the key's greatest (paper §5.1).</summary>
public enum TimestampPolicy
{
    /// <summary>Refuse it, always.</summary>
    Strict,

    /// <summary>
    /// Accept it if the key has had no usable session for a while: for devices whose clock starts anew at every boot.
    /// A captured initiation can then be replayed to such a key, which costs one response and can put off a rekey until the
    /// session ends; it can never be confirmed and redirects nothing.
    /// </summary>
    AcceptOlderWhenIdle,
}

/// <summary>The names that settings give the policies.</summary>
public static class TimestampPolicies
{
    /// <exception cref="FormatException">Neither "strict" nor "accept-older-when-idle".</exception>
    public static TimestampPolicy Parse(string text) => text switch
    {
        "strict" => TimestampPolicy.Strict,
        "accept-older-when-idle" => TimestampPolicy.AcceptOlderWhenIdle,
        _ => throw new FormatException($"\"{text}\" is no timestamp policy: strict or accept-older-when-idle."),
    };
}

/// <summary>Hard caps and settings of one engine.</summary>
public sealed record WireGuardEngineOptions
{
    /// <summary>This engine's place among the workers of its port.</summary>
    public int Worker { get; init; }

    /// <summary>Engines that share the port; each owns the static keys that a keyed hash gives it.</summary>
    public int Workers { get; init; } = 1;

    /// <summary>
    /// What the workers of a port must agree on (owners, indices, cookies) is derived from these 32 random bytes; their clocks tell
    /// the same time. Null draws them, which is right for a single worker.
    /// </summary>
    public byte[]? SharedSeed { get; init; }

    /// <summary>Handshakes that wait for their first transport packet.</summary>
    public int MaxHalfOpen { get; init; } = 65_536;

    /// <summary>Confirmed peers.</summary>
    public int MaxPeers { get; init; } = 1_048_576;

    /// <summary>Sessions whose replay window reaches behind the last 64 packets: 1 KiB for each that has seen a gap there.</summary>
    public int MaxReplayRings { get; init; } = 131_072;

    /// <summary>The share of the worker's time that handshakes may take; see <see cref="WireGuardEngine.AccountHandshake"/>.</summary>
    public double HandshakeShare { get; init; } = 0.3;

    public TimestampPolicy TimestampPolicy { get; init; } = TimestampPolicy.Strict;

    /// <summary>Inner packets are padded to 16 bytes, but never beyond this size (paper §5.4.6).</summary>
    public int MaximumTransmissionUnit { get; init; } = 1420;
}
