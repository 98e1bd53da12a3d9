using UdpGateway.Gateway.Clients;
using UdpGateway.Gateway.Destinations;
using UdpGateway.WireGuard;

namespace UdpGateway.Gateway.Workers;

/// <summary>What a listener serves, made ready for the workers and never changed afterwards.</summary>
internal sealed class ListenerSettings
{
    public required ClientFilter AllowedClients { get; init; }

    public bool Decapsulates { get; init; }

    /// <summary>Null for plain UDP.</summary>
    public TunnelConfiguration? Tunnel { get; init; }

    /// <summary>32 bytes that all engines of the listener share; they decide which worker owns a key.</summary>
    public byte[]? EngineSeed { get; init; }

    public TimestampPolicy TimestampPolicy { get; init; }

    public required IReadOnlyList<DestinationDelivery> Deliveries { get; init; }
}
