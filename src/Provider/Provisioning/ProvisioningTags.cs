using UdpGateway.Listeners.Storage;

namespace UdpGateway.Provider;

/// <summary>
/// Tags by which the owner of an account sees whose everything is, and by which this installation finds again what it made. Installations
/// are told apart by their table, which each has of its own.
/// </summary>
internal static class ProvisioningTags
{
    public const string Installation = "udp-gateway:installation";
    public const string Fleet = "udp-gateway:fleet";
    public const string Listener = "udp-gateway:listener";
    public const string Stack = "udp-gateway:stack";

    public static IReadOnlyDictionary<string, string> Of(string installation) => new Dictionary<string, string> { [Installation] = installation };

    public static IReadOnlyDictionary<string, string> Of(string installation, FleetRecord fleet) => new Dictionary<string, string>
    {
        [Installation] = installation,
        [Fleet] = fleet.PhysicalResourceId,
        [Stack] = fleet.StackId,
    };

    public static IReadOnlyDictionary<string, string> Of(string installation, FleetRecord fleet, ListenerRecord listener) => new Dictionary<string, string>
    {
        [Installation] = installation,
        [Fleet] = fleet.PhysicalResourceId,
        [Listener] = listener.PhysicalResourceId,
        [Stack] = listener.StackId,
    };

    public static IReadOnlyDictionary<string, string> Of(string installation, PacketSourceRecord source) => new Dictionary<string, string>
    {
        [Installation] = installation,
        [Listener] = source.ListenerName,
        [Stack] = source.StackId,
    };

    /// <summary>Whether what has these tags was made for the listener. What was made before there were installations has no tag of one.</summary>
    public static bool AreOf(string installation, FleetRecord fleet, ListenerRecord listener, IReadOnlyDictionary<string, string> tags) =>
        Of(installation, fleet, listener).All(tag => tags.GetValueOrDefault(tag.Key) == tag.Value || (tag.Key == Installation && !tags.ContainsKey(tag.Key)));
}
