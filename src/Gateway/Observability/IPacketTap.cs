using UdpGateway.Gateway.Batching;
using UdpGateway.Gateway.Destinations;
using UdpGateway.Gateway.Replies;
using UdpGateway.Gateway.Workers;
using UdpGateway.WireGuard;

namespace UdpGateway.Gateway.Observability;

/// <summary>
/// Sees packets as they pass, for a person who watches. A gateway without one pays a null check per step. Spans and
/// batches are valid during the call only. Calls come on worker threads and, from <see cref="Delivering"/> to
/// <see cref="RepliesRead"/>, on the thread pool; none may block or throw.
/// </summary>
internal interface IPacketTap
{
    /// <summary>A client's packet, decrypted, before any destination has it. Returns the number that later calls name.</summary>
    /// <param name="receivedAt">By the worker's clock.</param>
    long Accepted(WorkerListener listener, ReadOnlySpan<byte> packet, in PacketOrigin origin, TimeSpan receivedAt);

    /// <summary>What one destination made of it. The batch may be on its way already.</summary>
    void Placed(long packet, WorkerListener listener, DestinationDelivery delivery, in PacketPlace place);

    /// <param name="datagram">As it lies in the socket's slot, opened or not.</param>
    void Dropped(WorkerListener listener, ReadOnlySpan<byte> datagram, in PeerEndpoint source, DropReason reason);

    /// <summary>All packets of a batch that found no room.</summary>
    void BatchDropped(PacketBatch batch, DropReason reason);

    void Delivering(PacketBatch batch, DeliverySettings settings);

    void Delivered(PacketBatch batch, in DeliveryOutcome outcome);

    /// <summary>One reply, decoded.</summary>
    void Replied(PacketBatch batch, int index, ReadOnlySpan<byte> payload);

    /// <summary>What was wrong with the others; after all of <see cref="Replied"/>.</summary>
    void RepliesRead(PacketBatch batch, ReplyDocument document);

    /// <summary>A reply was given to the socket, or dropped for a reason.</summary>
    void ReplySent(WorkerListener listener, in PacketPlace packet, DropReason? reason);
}
