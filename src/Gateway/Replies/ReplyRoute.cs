using UdpGateway.Gateway.InnerPackets;
using UdpGateway.WireGuard;

namespace UdpGateway.Gateway.Replies;

/// <summary>How a reply's bytes become a datagram.</summary>
internal enum ReplyForm : byte
{
    /// <summary>Plain UDP: the bytes are the datagram.</summary>
    Datagram,

    /// <summary>Into the tunnel as they are; padded if they are an IP packet.</summary>
    TunnelVerbatim,

    /// <summary>Into the tunnel as they are, never padded: the request was no IP packet (DecapsulatedDelivery).</summary>
    TunnelRaw,

    /// <summary>Into the tunnel as the UDP payload of the swapped inner flow (DecapsulatedDelivery).</summary>
    TunnelUdp,
}

/// <summary>The way back to the client of one packet.</summary>
/// <param name="Endpoint">The outer source of the packet. Tunnels answer to the peer's newest endpoint instead.</param>
/// <param name="Peer">The WireGuard peer.</param>
/// <param name="EngineGeneration">The engine that <paramref name="Peer"/> belongs to.</param>
internal readonly record struct ReplyRoute(ReplyForm Form, PeerEndpoint Endpoint, PeerId Peer, int EngineGeneration, InnerFlow Inner)
{
    public bool IsTunnel => Form != ReplyForm.Datagram;
}
