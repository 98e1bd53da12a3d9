using UdpGateway.Listeners.Storage;

namespace UdpGateway.Provider;

/// <summary>Tags by which the owner of an account sees whose everything is.</summary>
internal static class ProvisioningTags
{
    public static IReadOnlyDictionary<string, string> Of(FleetRecord fleet) => new Dictionary<string, string>
    {
        ["udp-gateway:fleet"] = fleet.PhysicalResourceId,
        ["udp-gateway:stack"] = fleet.StackId,
    };

    public static IReadOnlyDictionary<string, string> Of(FleetRecord fleet, ListenerRecord listener) => new Dictionary<string, string>
    {
        ["udp-gateway:fleet"] = fleet.PhysicalResourceId,
        ["udp-gateway:listener"] = listener.PhysicalResourceId,
        ["udp-gateway:stack"] = listener.StackId,
    };
}
