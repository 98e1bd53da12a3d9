using UdpGateway.Listeners;

namespace UdpGateway.Gateway.Packets;

/// <summary>What all packets of one destination have in common.</summary>
internal sealed record PacketFacts
{
    /// <summary><c>Local.Domain</c>.</summary>
    public required string Domain { get; init; }

    /// <summary><c>Local.Port</c>.</summary>
    public required int Port { get; init; }

    /// <summary><c>Local.Protocol</c>.</summary>
    public required ListenerProtocol Protocol { get; init; }

    /// <summary><c>Local.IpAddress</c>.</summary>
    public required string LocalAddress { get; init; }

    public required string IngressRegion { get; init; }

    public required PayloadFormatter Formatter { get; init; }
}
