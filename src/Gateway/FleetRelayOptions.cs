using System.Net;

namespace UdpGateway.Gateway;

/// <summary>How the tasks of a fleet reach each other.</summary>
public sealed record FleetRelayOptions
{
    public IPAddress BindAddress { get; init; } = IPAddress.Any;

    /// <summary>TCP port; 0 takes a free one.</summary>
    public int Port { get; init; }

    /// <summary>The other tasks now, as <c>http://address:port</c>.</summary>
    public Func<IReadOnlyList<Uri>> Peers { get; init; } = static () => [];

    /// <summary>The secret that all tasks of the fleet share: base64 of at least 32 bytes.</summary>
    public required string KeySecretId { get; init; }
}
