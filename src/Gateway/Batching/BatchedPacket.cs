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

/// <summary>A packet within a batch: its origin, and where its payload lies in the batch's bytes.</summary>
internal struct BatchedPacket
{
    public PacketOrigin Origin;
    public int Offset;
    public int Length;
}
