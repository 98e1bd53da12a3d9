namespace UdpGateway.Listeners;

/// <summary>
/// The members of a listener's own JSON secret, beside the literal pre-shared keys that <see cref="ListenerSecretField"/> names.
/// What says where a key came from stands beside the key, so that both always fit together.
/// </summary>
public static class ListenerSecretNames
{
    /// <summary>Begins the name of every secret that a provider makes; permissions count on it.</summary>
    public const string IdPrefix = "udp-gateway/";

    /// <summary>Base64.</summary>
    public const string PrivateKey = "PrivateKey";

    /// <summary>The KeyRotationToken that the key was made for; absent if there was none.</summary>
    public const string RotationToken = "RotationToken";

    /// <summary>Present, as <c>true</c>, if the key came from the property PrivateKey.</summary>
    public const string Imported = "Imported";

    /// <summary>The key before the newest rotation, in base64; absent before the first.</summary>
    public const string FormerPrivateKey = "FormerPrivateKey";

    public const string FormerRotationToken = "FormerRotationToken";

    public const string FormerImported = "FormerImported";

    /// <summary>When the newest rotation was, as an ISO 8601 time; the gateways' grace period for the former key counts from it.</summary>
    public const string RotatedAt = "RotatedAt";
}
