using System.Net;

namespace UdpGateway.Cli.Client;

/// <summary>The messages are UDP datagrams inside the tunnel.</summary>
internal sealed class InnerUdpConversation(IPEndPoint source, IPEndPoint destination, IReadOnlyList<byte[]> messages, PayloadText text) : IConversation
{
    public bool SpeaksIp => true;

    public ReadOnlyMemory<byte> Request(int number) => InnerPacket.WriteUdp(source, destination, messages[number % messages.Count]);

    public string? ReadReply(ReadOnlySpan<byte> payload, out int? request)
    {
        request = null;
        if (!InnerPacket.TryRead(payload, out var packet) || !packet.IsBetween(destination.Address, source.Address))
            return null;
        return packet.TryReadUdp(out var sourcePort, out var destinationPort, out var data)
            && sourcePort == destination.Port && destinationPort == source.Port
            ? text.Write(data)
            : null;
    }
}
