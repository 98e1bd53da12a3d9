using UdpGateway.Listeners.Storage;

namespace UdpGateway.Provider;

/// <summary>What brings a topic's messages to the gateways: a queue and a subscription on AWS, the topic itself in local mode.</summary>
public interface IPacketSourceProvisioner
{
    /// <summary>Makes what the record says; repeating it changes nothing.</summary>
    /// <returns>The record with what came about.</returns>
    /// <exception cref="ProvisioningException">It cannot be; the message says why.</exception>
    Task<PacketSourceRecord> ProvisionAsync(PacketSourceRecord record, CancellationToken cancellationToken);

    /// <summary>Ends the subscription of a record that was changed to another topic; its queue stays. What is gone is no error.</summary>
    Task UnsubscribeAsync(PacketSourceRecord former, CancellationToken cancellationToken);

    /// <summary>Gives back everything. Called before the record is deleted, and possibly again after a failure.</summary>
    Task ReleaseAsync(PacketSourceRecord record, CancellationToken cancellationToken);
}
