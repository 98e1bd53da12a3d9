namespace UdpGateway.Listeners.Storage;

/// <summary>One generation of a listener as the store keeps it. Holds no secret.</summary>
public sealed record ListenerRecord
{
    /// <summary><c>Name</c>, after a replacement <c>Name.n</c>.</summary>
    public required string PhysicalResourceId { get; init; }

    /// <summary>The stack and logical id that own the record.</summary>
    public required string StackId { get; init; }

    public required string LogicalResourceId { get; init; }

    public required ListenerDefinition Definition { get; init; }

    /// <summary>UDP port that clients use.</summary>
    public required int Port { get; init; }

    /// <summary>Base64; null unless the listener speaks WireGuard.</summary>
    public string? WireGuardPublicKey { get; init; }

    /// <summary>
    /// Name of the listener's own secret: a JSON object with <c>PrivateKey</c> (base64) and the literal
    /// pre-shared keys that <see cref="ListenerSecretField"/> names. Null unless the listener speaks, or once spoke, WireGuard:
    /// a rollback of a protocol change must find the old key. Another secret id does not mean another private key.
    /// </summary>
    public string? SecretId { get; init; }

    /// <summary>RequestId of the event that made this generation; what a failed Create undoes.</summary>
    public string CreatedByRequestId { get; init; } = string.Empty;

    /// <summary>Place of that event in the order of events: a Delete touches only what was made before it arrived.</summary>
    public long CreatedBySequence { get; init; }

    /// <summary>Whether CloudFormation has taken an answer that names this generation, and so will delete it by its id.</summary>
    public bool Announced { get; init; }

    /// <summary>RequestId of the newest CloudFormation event that wrote this record; older events stop.</summary>
    public required string RequestId { get; init; }

    /// <summary>Rises with every write; the expectation of a conditional write.</summary>
    public long Version { get; init; }
}

/// <summary>Everything that a gateway serves, read in one step.</summary>
/// <param name="Revision">Rises with every change of any listener.</param>
public sealed record ConfigurationSnapshot(long Revision, IReadOnlyList<ListenerRecord> Listeners);
