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

    public IReadOnlyList<FleetRecord> Fleets { get; init; } = [];

    /// <summary>Listeners that are there as well, but cannot be read. Only a store that was told to pass them over has any.</summary>
    public IReadOnlyList<UnreadableListener> Unreadable { get; init; } = [];

    /// <summary>
    /// The listeners as they are to be served: registered ARNs go before what a listener declares for the same region. A listener's
    /// version is then that of the newest record that makes it up.
    /// </summary>
    public IReadOnlyList<ListenerRecord> EffectiveListeners()
    {
        if (DestinationArns.Count == 0)
            return Listeners;
        var registered = DestinationArns.ToLookup(record => (record.ListenerStackId, record.ListenerLogicalResourceId));
        return [.. Listeners.Select(listener => Merge(listener, [.. registered[(listener.StackId, listener.LogicalResourceId)]]))];
    }

    private static ListenerRecord Merge(ListenerRecord listener, IReadOnlyList<DestinationArnRecord> registered)
    {
        if (registered.Count == 0)
            return listener;
        var destinations = listener.Definition.Destinations.Select(destination =>
        {
            var arns = new Dictionary<string, string>(destination.Arns, StringComparer.Ordinal);
            foreach (var record in registered.Where(record => record.DestinationName == destination.Name))
                arns[record.IngressRegionKey] = record.Arn;
            return destination with { Arns = arns };
        });
        return listener with
        {
            Definition = listener.Definition with { Destinations = [.. destinations] },
            Version = Math.Max(listener.Version, registered.Max(record => record.Version)),
        };
    }
}

/// <summary>A listener whose record is damaged, or was written by a newer version.</summary>
/// <param name="Fleet">Null where not even that can be read.</param>
public sealed record UnreadableListener(string PhysicalResourceId, long Version, string? Fleet);
