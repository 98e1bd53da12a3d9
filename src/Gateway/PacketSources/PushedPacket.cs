using UdpGateway.Gateway.InnerPackets;
using UdpGateway.WireGuard;

namespace UdpGateway.Gateway.PacketSources;

/// <summary>One packet that an application sends to a client, without having been asked by it.</summary>
/// <param name="Remote">The client's outer address; null where only the key names it.</param>
/// <param name="PeerKey">The client's static key; null for plain UDP, and for WireGuard where the address has to do.</param>
/// <param name="Inner">Inner addresses as the client's own packets have them.</param>
internal sealed record PushedPacket(PeerEndpoint? Remote, byte[]? PeerKey, InnerFlow? Inner, byte[] Payload);

/// <summary>What one message of a packet source holds.</summary>
internal sealed class PushDocument
{
    public List<PushedPacket> Packets { get; } = [];

    /// <summary>Packets, or whole messages, that cannot be read.</summary>
    public int Malformed { get; private set; }

    /// <summary>What was wrong first; never the payload.</summary>
    public string? FirstProblem { get; private set; }

    public void AddProblem(string problem)
    {
        Malformed++;
        FirstProblem ??= problem;
    }
}
