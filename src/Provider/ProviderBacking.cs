using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;

namespace UdpGateway.Provider;

/// <summary>What a provider works with: where it keeps listeners and secrets, and what makes listeners reachable.</summary>
internal sealed record ProviderBacking(ProviderOptions Options, IListenerStore Store, ISecretStore Secrets, IListenerProvisioner Provisioner)
{
    /// <summary>Null where packet sources cannot be had; they are then refused.</summary>
    public IPacketSourceProvisioner? PacketSources { get; init; }

    /// <summary>Null where there are no fleets; then nothing but CloudFormation's events is handled.</summary>
    public FleetSweep? Sweep { get; init; }
}
