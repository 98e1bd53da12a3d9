using UdpGateway.Gateway.Batching;
using UdpGateway.Gateway.Replies;
using UdpGateway.WireGuard;

namespace UdpGateway.Cli.Dashboard;

/// <summary>A client's packet and what became of it. Times are those of the gateway's monotonic clock.</summary>
internal sealed class PassedPacket
{
    public required long Number { get; init; }

    public required string Listener { get; init; }

    /// <summary>The listener's own address and port.</summary>
    public required PeerEndpoint Local { get; init; }

    public required PeerEndpoint Source { get; init; }

    public required DateTimeOffset At { get; init; }

    public required TimeSpan ReceivedAt { get; init; }

    /// <summary>When it was decrypted; of a dropped packet, when it was dropped.</summary>
    public required TimeSpan AcceptedAt { get; init; }

    public required bool IsTunnel { get; init; }

    /// <summary>The inner packet, or a plain datagram's payload. Empty where the gateway could not open it.</summary>
    public required byte[] Bytes { get; init; }

    /// <summary>Bytes of the datagram on the wire; of an accepted packet those of <see cref="Bytes"/>.</summary>
    public required int Length { get; init; }

    /// <summary>The WireGuard peer; null for plain UDP and for packets that no peer's key opened.</summary>
    public string? PeerKey { get; init; }

    public bool IsNamedPeer { get; init; }

    /// <summary>The label of the reason; null when the packet went to its destinations.</summary>
    public string? DropReason { get; init; }

    public List<PassedPlacement> Placements { get; } = [];

    /// <summary>Rises with each change, over all packets.</summary>
    public long Version { get; set; }
}

/// <summary>A packet at one destination.</summary>
internal sealed class PassedPlacement
{
    public PassedPacket? Packet { get; set; }

    /// <summary>Null when the destination did not take the packet.</summary>
    public PassedBatch? Batch { get; init; }

    public int Index { get; init; }

    public string Destination { get; set; } = "";

    public PacketPlacement Placement { get; set; }

    public TimeSpan At { get; set; }

    public List<PassedReply> Replies { get; } = [];
}

/// <summary>A batch on its way.</summary>
internal sealed class PassedBatch(ulong id)
{
    public ulong Id => id;

    public int Count { get; set; }

    /// <summary>Payload bytes of all packets.</summary>
    public int Bytes { get; set; }

    public TimeSpan? DeliveringAt { get; set; }

    public TimeSpan? DeliveredAt { get; set; }

    /// <summary>The request as request/response destinations get it; null when it was too long to keep.</summary>
    public string? Request { get; set; }

    /// <summary>Null until the destination answered.</summary>
    public string? Result { get; set; }

    public string? Problem { get; set; }

    /// <summary>What the destination said, cut where it is long; null without an answer.</summary>
    public string? Answer { get; set; }

    public int AnswerBytes { get; set; }

    /// <summary>What was wrong with some of the replies.</summary>
    public string? ReplyProblem { get; set; }

    /// <summary>By index.</summary>
    public Dictionary<int, PassedPlacement> Placements { get; } = [];

    /// <summary>Made by whoever speaks of it first: the batch may be answered before its packet's place is reported.</summary>
    public PassedPlacement PlacementOf(int index)
    {
        if (!Placements.TryGetValue(index, out var placement))
            Placements.Add(index, placement = new PassedPlacement { Batch = this, Index = index });
        return placement;
    }
}

/// <summary>One reply on its way back.</summary>
internal sealed class PassedReply(ReplyRoute route, byte[] payload, TimeSpan at)
{
    public ReplyRoute Route => route;

    /// <summary>As the destination gave it, without the inner headers that the gateway puts before it.</summary>
    public byte[] Payload => payload;

    public TimeSpan At => at;

    public TimeSpan? SentAt { get; set; }

    public string? DropReason { get; set; }
}
