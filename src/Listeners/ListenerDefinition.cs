using System.Net;

namespace UdpGateway.Listeners;

/// <summary>The one family of datagrams that a listener accepts.</summary>
public enum ListenerProtocol
{
    /// <summary>Plain UDP: <c>Protocols: [udp]</c>.</summary>
    Udp,

    /// <summary>WireGuard, with the gateway as responder: <c>Protocols: [wg]</c>.</summary>
    WireGuard,
}

/// <summary>
/// What a customer declares with <c>Custom::ProxylityUdpGatewayListener</c>, bound and validated.
/// It is what the store keeps, so it never holds a secret: keys are <see cref="KeySource"/>s.
/// </summary>
public sealed record ListenerDefinition
{
    /// <summary>The declared or generated name; the first generation's physical resource id.</summary>
    public required string Name { get; init; }

    public string? Description { get; init; }

    public required ListenerProtocol Protocol { get; init; }

    /// <summary>The UDP port that the template asks for; our extension. Null: the provider allocates one.</summary>
    public int? Port { get; init; }

    /// <summary>The fleet that serves the listener; our extension.</summary>
    public string Fleet { get; init; } = FleetDefinition.DefaultName;

    /// <summary>Source networks that may send (outer addresses for WireGuard). With <see cref="AllowedDomains"/> also empty: any may.</summary>
    public IReadOnlyList<IPNetwork> AllowedNetworks { get; init; } = [];

    /// <summary>
    /// Host names, or <c>*.</c> before a domain for every name below it, in lower case: a source may also send when one of
    /// them resolves to it, or when its own name is below one and resolves back to it.
    /// </summary>
    public IReadOnlyList<string> AllowedDomains { get; init; } = [];

    /// <summary>WireGuard: peers known by their static public key.</summary>
    public IReadOnlyList<PeerDefinition> Peers { get; init; } = [];

    /// <summary>WireGuard: deliver inner UDP payloads instead of inner packets.</summary>
    public bool DecapsulatedDelivery { get; init; }

    /// <summary>WireGuard: whether a static key that is not in <see cref="Peers"/> may connect.</summary>
    public bool AllowUnknownPeers { get; init; }

    /// <summary>WireGuard: the pre-shared key of every unknown peer; null means the all-zero key.</summary>
    public KeySource? UnknownPeerPreSharedKey { get; init; }

    /// <summary>WireGuard: the secret that the listener's private key is imported from; our extension. Null: the provider makes one.</summary>
    public SecretReference? PrivateKey { get; init; }

    /// <summary>WireGuard: a change makes a new private key; our extension.</summary>
    public string? KeyRotationToken { get; init; }

    public required IReadOnlyList<DestinationDefinition> Destinations { get; init; }
}

/// <summary>A named WireGuard peer.</summary>
public sealed record PeerDefinition
{
    /// <summary>Base64 of the 32-byte static public key, in canonical form.</summary>
    public required string PublicKey { get; init; }

    /// <summary>Inner source networks; empty means any inner source (§2.1.3 of the compatibility notes: omitted = allow all).</summary>
    public IReadOnlyList<IPNetwork> AllowedIPs { get; init; } = [];

    /// <summary>The peer's own pre-shared key; null means the all-zero key.</summary>
    public KeySource? SharedSecret { get; init; }
}
