using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using UdpGateway.Aws;
using UdpGateway.Gateway.InnerPackets;
using UdpGateway.Gateway.Replies;
using UdpGateway.WireGuard;

namespace UdpGateway.Cli.Dashboard;

/// <summary>
/// Packets and replies as pcapng (draft-ietf-opsawg-pcapng): inner packets as they were within the tunnel, link type RAW. What
/// has no IP header of its own gets one from its outer addresses. Comments name peer and destination; no key that opens
/// anything is written.
/// </summary>
internal static class CaptureFile
{
    private const uint SectionHeaderBlock = 0x0A0D0D0A;
    private const uint InterfaceBlock = 1;
    private const uint EnhancedPacketBlock = 6;
    private const uint ByteOrderMagic = 0x1A2B3C4D;
    private const ushort LinkTypeRaw = 101;
    private const ushort EndOfOptions = 0;
    private const ushort Comment = 1;
    private const ushort UserApplication = 4;
    private const ushort InterfaceName = 2;
    private const ushort PacketFlags = 2;
    private const int Inbound = 1;
    private const int Outbound = 2;

    public static byte[] Write(IEnumerable<PassedPacket> packets)
    {
        using var file = new PooledBuffer(64 * 1024);
        Block(file, SectionHeaderBlock, body =>
        {
            UInt32(body, ByteOrderMagic);
            UInt16(body, 1);
            UInt16(body, 0);
            UInt32(body, uint.MaxValue); // section length: not given
            UInt32(body, uint.MaxValue);
            Option(body, UserApplication, "udpgw"u8);
            Option(body, EndOfOptions, []);
        });
        Block(file, InterfaceBlock, body =>
        {
            UInt16(body, LinkTypeRaw);
            UInt16(body, 0);
            UInt32(body, 0); // no limit of bytes per packet
            Option(body, InterfaceName, "udpgw"u8);
            Option(body, EndOfOptions, []);
        });
        foreach (var (at, bytes, direction, comment) in packets.SelectMany(Describe).OrderBy(entry => entry.At))
            Packet(file, at, bytes, direction, comment);
        return file.WrittenMemory.ToArray();
    }

    private static IEnumerable<(DateTimeOffset At, byte[] Bytes, int Direction, string Comment)> Describe(PassedPacket packet)
    {
        if (packet.Bytes.Length == 0 && packet.DropReason is not null)
            yield break;
        var isIP = packet.IsTunnel && InnerDatagram.IsIPPacket(packet.Bytes);
        var client = $"listener {packet.Listener}; client {packet.Source}"
            + (packet.PeerKey is { } key ? $"; peer {key} ({(packet.IsNamedPeer ? "named" : "unknown")})" : "")
            + (isIP ? "" : "; IP and UDP headers stand for the outer ones");
        var fate = packet.DropReason is { } reason ? $"dropped: {reason}" : string.Join("; ", packet.Placements.Select(DescribePlacement));
        yield return (packet.At, isIP ? packet.Bytes : Wrap(packet.Bytes, packet.Source, packet.Local), Inbound, $"packet {packet.Number}; {client}{(fate.Length == 0 ? "" : "; ")}{fate}");

        foreach (var placement in packet.Placements)
        {
            foreach (var reply in placement.Replies)
            {
                var at = packet.At + ((reply.SentAt ?? reply.At) - packet.ReceivedAt);
                var outcome = reply.DropReason is { } dropped ? $"; dropped: {dropped}" : "";
                yield return (at, ReplyPacket(packet, reply), Outbound, $"{client}; reply of destination {placement.Destination} to packet {packet.Number}{outcome}");
            }
        }
    }

    private static string DescribePlacement(PassedPlacement placement) => placement.Batch is { } batch
        ? $"destination {placement.Destination}, batch {batch.Id:x16}{(batch.Result is { } result ? $", {result}" : "")}"
        : $"not for destination {placement.Destination}: {placement.Placement}";

    private static byte[] ReplyPacket(PassedPacket packet, PassedReply reply)
    {
        switch (reply.Route.Form)
        {
            case ReplyForm.TunnelUdp:
                var wrapped = new byte[reply.Route.Inner.HeaderSize + reply.Payload.Length];
                reply.Payload.CopyTo(wrapped, reply.Route.Inner.HeaderSize);
                if (wrapped.Length > ushort.MaxValue)
                    return reply.Payload;
                InnerDatagram.WriteReplyHeaders(wrapped, reply.Route.Inner);
                return wrapped;
            case ReplyForm.TunnelVerbatim when InnerDatagram.IsIPPacket(reply.Payload):
                return reply.Payload;
            default:
                return Wrap(reply.Payload, packet.Local, packet.Source);
        }
    }

    /// <summary>A reply goes from its flow's destination to its source, so the flow of a packet from A to B is that of B's reply.</summary>
    private static byte[] Wrap(byte[] payload, in PeerEndpoint from, in PeerEndpoint to)
    {
        var flow = new InnerFlow(from.IsIPv4 && to.IsIPv4 ? (byte)4 : (byte)6, to, from);
        // The length fields of IP and UDP end at 65,535; what is longer was never sent.
        var packet = new byte[Math.Min(flow.HeaderSize + payload.Length, ushort.MaxValue)];
        payload.AsSpan(0, packet.Length - flow.HeaderSize).CopyTo(packet.AsSpan(flow.HeaderSize));
        InnerDatagram.WriteReplyHeaders(packet, flow);
        return packet;
    }

    private static void Packet(IBufferWriter<byte> file, DateTimeOffset at, byte[] bytes, int direction, string comment)
    {
        Block(file, EnhancedPacketBlock, body =>
        {
            var microseconds = (ulong)((at - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond);
            UInt32(body, 0); // the interface
            UInt32(body, (uint)(microseconds >> 32));
            UInt32(body, (uint)microseconds);
            UInt32(body, (uint)bytes.Length);
            UInt32(body, (uint)bytes.Length);
            Padded(body, bytes);
            var text = Encoding.UTF8.GetBytes(comment);
            Option(body, Comment, text.AsSpan(0, Math.Min(text.Length, ushort.MaxValue)));
            Span<byte> flags = stackalloc byte[sizeof(uint)];
            BinaryPrimitives.WriteInt32LittleEndian(flags, direction);
            Option(body, PacketFlags, flags);
            Option(body, EndOfOptions, []);
        });
    }

    /// <summary>Every block says its length in front and at its end.</summary>
    private static void Block(IBufferWriter<byte> file, uint type, Action<PooledBuffer> write)
    {
        using var body = new PooledBuffer(256);
        write(body);
        var length = (uint)(body.Written + 3 * sizeof(uint));
        UInt32(file, type);
        UInt32(file, length);
        file.Write(body.WrittenMemory.Span);
        UInt32(file, length);
    }

    private static void Option(IBufferWriter<byte> body, ushort code, ReadOnlySpan<byte> value)
    {
        UInt16(body, code);
        UInt16(body, (ushort)value.Length);
        Padded(body, value);
    }

    private static void Padded(IBufferWriter<byte> body, ReadOnlySpan<byte> value)
    {
        body.Write(value);
        Span<byte> zeros = stackalloc byte[3];
        zeros.Clear();
        body.Write(zeros[..(-value.Length & 3)]);
    }

    private static void UInt16(IBufferWriter<byte> body, ushort value)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(body.GetSpan(sizeof(ushort)), value);
        body.Advance(sizeof(ushort));
    }

    private static void UInt32(IBufferWriter<byte> body, uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(body.GetSpan(sizeof(uint)), value);
        body.Advance(sizeof(uint));
    }
}
