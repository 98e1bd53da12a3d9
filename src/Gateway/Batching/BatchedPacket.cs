using System.Runtime.CompilerServices;
using UdpGateway.Gateway.Replies;

namespace UdpGateway.Gateway.Batching;

/// <summary>A peer's static public key by value.</summary>
[InlineArray(Size)]
internal struct PublicKeyBytes
{
    public const int Size = 32;

    private byte _first;
}

/// <summary>Everything that is known of a packet besides its payload.</summary>
internal struct PacketOrigin
{
    /// <summary>When the datagram was taken from the socket.</summary>
    public long ReceivedAtUnixMilliseconds;

    public ReplyRoute Route;

    /// <summary>WireGuard only; <see cref="ReplyRoute.IsTunnel"/> says so.</summary>
    public PublicKeyBytes PeerKey;
}

/// <summary>What a destination's batcher made of a packet.</summary>
internal enum PacketPlacement : byte
{
    Batched,

    /// <summary>The destination's FilterExpression is not true for it.</summary>
    Filtered,

    /// <summary>Its formatter cannot say it.</summary>
    NotEncodable,

    /// <summary>The destination has no ARN for this region.</summary>
    NotRouted,
}

/// <summary>Where a packet is: the batch's id and its index there, which are its tag too.</summary>
internal readonly record struct PacketPlace(PacketPlacement Placement, int Index, ulong Batch);

/// <summary>A packet within a batch: its origin, and where its payload lies in the batch's bytes.</summary>
internal struct BatchedPacket
{
    public PacketOrigin Origin;
    public int Offset;
    public int Length;
}
