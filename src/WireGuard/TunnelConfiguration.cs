using System.Net;

namespace UdpGateway.WireGuard;

/// <summary>
/// Everything an engine must know of one listener. <see cref="WireGuardEngine.Apply"/> compares it with what runs and
/// leaves the sessions alone that a change does not concern.
/// </summary>
public sealed class TunnelConfiguration
{
    /// <summary>The caller's number for this listener, reported with every peer.</summary>
    public required int TunnelId { get; init; }

    /// <summary>Server identities by mac1: the current private key first, older ones during a rotation.</summary>
    public required IReadOnlyList<SecretKey> PrivateKeys { get; init; }

    public IReadOnlyList<NamedPeer> Peers { get; init; } = [];

    /// <summary>Whether a static key outside <see cref="Peers"/> may connect.</summary>
    public bool AllowUnknownPeers { get; init; }

    /// <summary>The pre-shared key of every unknown peer.</summary>
    public PresharedKey UnknownPeerPresharedKey { get; init; } = PresharedKey.None;
}

/// <summary>A peer that is known by its static public key.</summary>
public sealed class NamedPeer
{
    /// <summary>32 bytes.</summary>
    public required byte[] PublicKey { get; init; }

    public PresharedKey PresharedKey { get; init; } = PresharedKey.None;

    /// <summary>Inner sources; empty means any.</summary>
    public IReadOnlyList<IPNetwork> AllowedIPs { get; init; } = [];
}

/// <summary>
/// A peer's pre-shared key: none (32 zero bytes, paper §5.2), one, two during a rotation's grace period, or one that
/// cannot be read now, which refuses the peer rather than falling back to the zero key.
/// </summary>
public sealed class PresharedKey
{
    public static PresharedKey None { get; } = new();

    public static PresharedKey Unavailable { get; } = new() { IsUnavailable = true };

    private PresharedKey()
    {
    }

    public PresharedKey(SecretKey current) => Current = current;

    /// <param name="previousUntil">On the engine's clock; afterwards the previous key is refused.</param>
    public PresharedKey(SecretKey current, SecretKey previous, TimeSpan previousUntil)
    {
        Current = current;
        Previous = previous;
        PreviousUntil = previousUntil;
    }

    public SecretKey? Current { get; }

    public SecretKey? Previous { get; }

    public TimeSpan PreviousUntil { get; }

    public bool IsUnavailable { get; private init; }

    /// <summary>A key never shows itself.</summary>
    public override string ToString() => nameof(PresharedKey);
}
