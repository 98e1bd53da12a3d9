using UdpGateway.Listeners.Storage;

namespace UdpGateway.Provider;

/// <summary>Tags by which the owner of an account sees whose everything is.</summary>
internal static class ProvisioningTags
{
    public const string Fleet = "udp-gateway:fleet";
    public const string Listener = "udp-gateway:listener";

    private const string Stack = "udp-gateway:stack";

    public static IReadOnlyDictionary<string, string> Of(FleetRecord fleet) => new Dictionary<string, string>
    {
        [Fleet] = fleet.PhysicalResourceId,
        [Stack] = fleet.StackId,
    };

    public static IReadOnlyDictionary<string, string> Of(FleetRecord fleet, ListenerRecord listener) => new Dictionary<string, string>
    {
        [Fleet] = fleet.PhysicalResourceId,
        [Listener] = listener.PhysicalResourceId,
        [Stack] = listener.StackId,
    };
}
