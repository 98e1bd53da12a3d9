using UdpGateway.Gateway.Batching;

namespace UdpGateway.Gateway.Replies;

/// <summary>Takes replies on their way to the clients.</summary>
internal interface IReplySink
{
    /// <summary>Waits while the workers that send them do not keep up. Bad replies are counted, and never stop the others.</summary>
    Task RouteAsync(PacketBatch batch, ReplyDocument document, CancellationToken cancellationToken);
}
