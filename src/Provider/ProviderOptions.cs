namespace UdpGateway.Provider;

/// <summary>Where and how this provider runs.</summary>
public sealed record ProviderOptions
{
    public required string Region { get; init; }

    public required string AccountId { get; init; }

    /// <summary>The full name, or the address, that clients use.</summary>
    public required string DomainName { get; init; }

    /// <summary>On a laptop: answers may go to a loopback address over http.</summary>
    public bool LocalMode { get; init; }

    /// <summary>When set, Create and Update must bring the same ApiKey. It stops mistakes, not attackers.</summary>
    public string? ApiKey { get; init; }

    /// <summary>Whether a destination with this ARN may do without a Role.</summary>
    public Func<string, bool> MayOmitRole { get; init; } = static _ => false;

    /// <summary>The options with the key masked.</summary>
    public override string ToString() => $"{nameof(ProviderOptions)} {{ Region = {Region}, AccountId = {AccountId}, DomainName = {DomainName}, LocalMode = {LocalMode} }}";
}
