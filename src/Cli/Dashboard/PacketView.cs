using System.Text;
using UdpGateway.Cli.Client;
using UdpGateway.Gateway.Batching;
using UdpGateway.Gateway.InnerPackets;
using UdpGateway.Gateway.Replies;

namespace UdpGateway.Cli.Dashboard;

/// <summary>A line of the packet list.</summary>
/// <param name="Preview">The payload's beginning, as text where it is text.</param>
/// <param name="State">waiting, delivered, replied, skipped, failed or dropped.</param>
/// <param name="Milliseconds">From receipt to the last step so far.</param>
internal sealed record PacketLine(
    long Number, DateTimeOffset At, string Listener, string Source, string? Peer, bool IsNamedPeer, string Protocol, string Summary, string Preview, int Length,
    string State, string? Reason, string Destinations, int Replies, double Milliseconds);

/// <summary>A step on the packet's way, in milliseconds after its receipt.</summary>
internal sealed record PacketStep(string Name, double Milliseconds);

internal sealed record ReplyView(string Form, string Hex, IReadOnlyList<PacketLayer> Layers, string PayloadHex, string Summary, string? DropReason);

internal sealed record PlacementView(
    string Destination, string Placement, string? Batch, int Index, int BatchCount, int BatchBytes, string? Request, string? Result, string? Problem,
    string? Answer, int AnswerBytes, string? ReplyProblem, IReadOnlyList<PacketStep> Steps, IReadOnlyList<ReplyView> Replies);

/// <summary>All that is known of one packet.</summary>
internal sealed record PacketDetail(
    PacketLine Line, IReadOnlyList<PacketLayer> Layers, string Hex, string PayloadHex, IReadOnlyList<PacketStep> Steps, IReadOnlyList<PlacementView> Placements);

/// <summary>The packet log as the page gets it.</summary>
/// <param name="mayBeCoap">Whether a destination of the listener takes CoAP.</param>
internal sealed class PacketView(Func<string, bool> mayBeCoap)
{
    private const int PreviewBytes = 80;
    private const char Replacement = '\ufffd';

    public PacketLine Line(PassedPacket packet)
    {
        var decoded = Decode(packet);
        var last = packet.Placements.SelectMany(LastTimes).Append(packet.AcceptedAt).Max();
        return new PacketLine(
            packet.Number,
            packet.At,
            packet.Listener,
            packet.Source.ToString(),
            packet.PeerKey,
            packet.IsNamedPeer,
            decoded.Protocol,
            decoded.Summary,
            Preview(packet.Bytes.AsSpan(decoded.PayloadOffset, decoded.PayloadLength)),
            packet.Length,
            State(packet),
            packet.DropReason ?? packet.Placements.Select(placement => placement.Batch?.Problem).FirstOrDefault(problem => problem is not null),
            string.Join(", ", packet.Placements.Select(placement => placement.Destination)),
            packet.Placements.Sum(placement => placement.Replies.Count),
            Since(packet, last));
    }

    public PacketDetail Detail(PassedPacket packet)
    {
        var decoded = Decode(packet);
        List<PacketLayer> layers = [Outer(packet)];
        if (packet.PeerKey is { } key)
            layers.Add(new PacketLayer("Peer", [new("Public key", key), new("Known", packet.IsNamedPeer ? "named in Peers" : "unknown, accepted by AllowUnknownPeers")]));
        layers.AddRange(decoded.Layers);
        List<PacketStep> steps = [new("received", 0), new(packet.DropReason is null ? packet.IsTunnel ? "opened" : "accepted" : "dropped", Since(packet, packet.AcceptedAt))];
        return new PacketDetail(
            Line(packet),
            layers,
            Convert.ToHexStringLower(packet.Bytes),
            Convert.ToHexStringLower(packet.Bytes, decoded.PayloadOffset, decoded.PayloadLength),
            steps,
            [.. packet.Placements.Select(placement => Describe(packet, placement))]);
    }

    private static string Preview(ReadOnlySpan<byte> payload)
    {
        var start = payload[..Math.Min(payload.Length, PreviewBytes)];
        var text = Encoding.UTF8.GetString(start).TrimEnd('\r', '\n');
        // A character that the cut went through is no reason to show digits.
        var isText = text.TrimEnd(Replacement).All(character => character != Replacement && character != '\0');
        var shown = isText ? string.Concat(text.Select(character => PayloadText.IsPrintable(character) ? character : '·')) : Convert.ToHexStringLower(start);
        return payload.Length > PreviewBytes ? shown + "…" : shown;
    }

    private DecodedPacket Decode(PassedPacket packet) =>
        packet.Bytes.Length == 0 && packet.IsTunnel && packet.DropReason is not null
            ? new DecodedPacket("WireGuard", $"{packet.Length} bytes that were not opened", [], 0, 0)
            : PacketDecoder.Decode(packet.Bytes, !packet.IsTunnel, mayBeCoap(packet.Listener));

    private static PacketLayer Outer(PassedPacket packet) => new(
        packet.IsTunnel ? "WireGuard" : "UDP",
        [new("Client", packet.Source.ToString()), new("Listener", $"{packet.Listener} at {packet.Local}"), new("Length", $"{packet.Length} bytes")]);

    private static string State(PassedPacket packet)
    {
        if (packet.DropReason is not null)
            return "dropped";
        var batches = packet.Placements.Where(placement => placement.Batch is not null).ToList();
        if (packet.Placements.Count > 0 && batches.Count == 0)
            return "skipped";
        if (packet.Placements.Any(placement => placement.Replies.Count > 0))
            return "replied";
        if (batches.Any(placement => placement.Batch!.Result is "failed" or "function_error" or "dropped"))
            return "failed";
        return batches.Count > 0 && batches.All(placement => placement.Batch!.Result is not null) ? "delivered" : "waiting";
    }

    private PlacementView Describe(PassedPacket packet, PassedPlacement placement)
    {
        var batch = placement.Batch;
        var steps = new List<PacketStep>();
        Step(placement.Placement == PacketPlacement.Batched ? "in the batch" : "passed by", placement.At);
        Step("delivery began", batch?.DeliveringAt);
        Step(batch?.Result switch { null or "delivered" => "answered", "dropped" => "dropped", _ => "failed" }, batch?.DeliveredAt);
        foreach (var reply in placement.Replies)
        {
            Step("reply read", reply.At);
            Step(reply.DropReason is null ? "reply sent" : $"reply dropped: {reply.DropReason}", reply.SentAt);
        }

        return new PlacementView(
            placement.Destination,
            placement.Placement switch
            {
                PacketPlacement.Batched => "batched",
                PacketPlacement.Filtered => "filtered: its FilterExpression is not true for this packet",
                PacketPlacement.NotEncodable => "not CoAP: its formatter cannot say this packet",
                _ => "no ARN for this region",
            },
            batch?.Id.ToString("x16", System.Globalization.CultureInfo.InvariantCulture),
            placement.Index,
            batch?.Count ?? 0,
            batch?.Bytes ?? 0,
            batch?.Request,
            batch?.Result,
            batch?.Problem,
            batch?.Answer,
            batch?.AnswerBytes ?? 0,
            batch?.ReplyProblem,
            steps,
            [.. placement.Replies.Select(reply => Describe(packet, reply))]);

        void Step(string name, TimeSpan? at)
        {
            if (at is { } time)
                steps.Add(new PacketStep(name, Since(packet, time)));
        }
    }

    private ReplyView Describe(PassedPacket packet, PassedReply reply)
    {
        var isPacket = reply.Route.Form == ReplyForm.TunnelVerbatim && InnerDatagram.IsIPPacket(reply.Payload);
        var decoded = PacketDecoder.Decode(reply.Payload, !isPacket, mayBeCoap(packet.Listener));
        var form = reply.Route.Form switch
        {
            ReplyForm.Datagram => "datagram",
            ReplyForm.TunnelUdp => $"inner UDP {reply.Route.Inner.Destination} → {reply.Route.Inner.Source}",
            _ when isPacket => "inner packet",
            _ => "raw payload",
        };
        return new ReplyView(
            form, Convert.ToHexStringLower(reply.Payload), decoded.Layers, Convert.ToHexStringLower(reply.Payload, decoded.PayloadOffset, decoded.PayloadLength),
            isPacket || decoded.Layers.Count > 0 ? decoded.Summary : form, reply.DropReason);
    }

    private static IEnumerable<TimeSpan> LastTimes(PassedPlacement placement)
    {
        yield return placement.At;
        if (placement.Batch?.DeliveredAt is { } delivered)
            yield return delivered;
        foreach (var reply in placement.Replies)
            yield return reply.SentAt ?? reply.At;
    }

    private static double Since(PassedPacket packet, TimeSpan time) => Math.Round(Math.Max(0, (time - packet.ReceivedAt).TotalMilliseconds), 3);
}
