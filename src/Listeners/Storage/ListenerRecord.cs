namespace UdpGateway.Listeners.Storage;

/// <summary>One generation of a listener; its id is <c>Name</c>, after a replacement <c>Name.n</c>.</summary>
public sealed record ListenerRecord : ResourceRecord
{
    public required ListenerDefinition Definition { get; init; }

    /// <summary>UDP port that clients use.</summary>
    public required int Port { get; init; }

    /// <summary>UDP port that gateways bind where it differs from <see cref="Port"/>, which is then the balancer's; otherwise null.</summary>
    public int? TargetPort { get; init; }

    /// <summary>Base64; null unless the listener speaks WireGuard.</summary>
    public string? WireGuardPublicKey { get; init; }

    /// <summary>
    /// Name of the listener's own secret: a JSON object with <c>PrivateKey</c> (base64) and the literal
    /// pre-shared keys that <see cref="ListenerSecretField"/> names. Null unless the listener speaks, or once spoke, WireGuard:
    /// a rollback of a protocol change must find the old key. Another secret id does not mean another private key.
    /// </summary>
    public string? SecretId { get; init; }
}

/// <summary>Everything that a gateway serves, read in one step.</summary>
/// <param name="Revision">Rises with every change of any record.</param>
public sealed record ConfigurationSnapshot(long Revision, IReadOnlyList<ListenerRecord> Listeners)
{
    public IReadOnlyList<DestinationArnRecord> DestinationArns { get; init; } = [];

    public IReadOnlyList<PacketSourceRecord> PacketSources { get; init; } = [];
}
