using System.Net;

namespace UdpGateway.Cli.Client;

/// <summary>ICMP echo requests inside the tunnel; what <c>ping</c> does on a machine with a WireGuard interface.</summary>
internal sealed class InnerPingConversation(IPAddress source, IPAddress destination, ushort identifier) : IConversation
{
    private static readonly byte[] EchoData = "abcdefghijklmnopqrstuvwxyz012345"u8.ToArray();

    public bool SpeaksIp => true;

    public ReadOnlyMemory<byte> Request(int number) => InnerPacket.WriteEchoRequest(source, destination, identifier, (ushort)number, EchoData);

    public string? ReadReply(ReadOnlySpan<byte> payload, out int? request)
    {
        request = null;
        if (!InnerPacket.TryRead(payload, out var packet) || !packet.IsBetween(destination, source))
            return null;
        if (!packet.TryReadEchoReply(out var replied, out var sequence, out var data) || replied != identifier || !data.SequenceEqual(EchoData))
            return null;
        request = sequence;
        return $"echo reply from {destination}: sequence {sequence}";
    }
}
