using UdpGateway.Gateway.Batching;
using UdpGateway.Gateway.Replies;

namespace UdpGateway.Gateway.Workers;

internal enum WorkerMessageKind : byte
{
    /// <summary>Payload of a reply; the route says to whom.</summary>
    Reply,

    /// <summary>A datagram that another worker received; the route's endpoint is its source.</summary>
    Handover,
}

/// <summary>
/// What other threads give a worker. The bytes are a rented array that the receiver of the message returns to
/// the shared array pool.
/// </summary>
internal readonly record struct WorkerMessage(WorkerMessageKind Kind, WorkerListener Listener, ReplyRoute Route, byte[] Bytes, int Length)
{
    /// <summary>Of a reply: the packet that it answers, for a tap.</summary>
    public PacketPlace Packet { get; init; }
}
