using UdpGateway.WireGuard;

namespace UdpGateway.Gateway.InnerPackets;

/// <summary>Addresses and ports of an inner UDP datagram as the client sent it. A reply swaps both sides.</summary>
/// <param name="Version">4 or 6; 0 when there is no inner datagram.</param>
internal readonly record struct InnerFlow(byte Version, PeerEndpoint Source, PeerEndpoint Destination)
{
    public int AddressSize => Version == 4 ? 4 : 16;

    /// <summary>Bytes of the IP and UDP headers in front of a reply's payload.</summary>
    public int HeaderSize => (Version == 4 ? IPv4Header.Size : IPv6Header.Size) + UdpHeader.Size;
}
