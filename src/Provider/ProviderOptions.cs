using UdpGateway.Listeners;

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

    /// <summary>The secret that holds the ApiKey, in place of the key itself; read for every event that needs it, so that it can be changed.</summary>
    public SecretReference? ApiKeySecret { get; init; }

    /// <summary>
    /// Longest time for one event, over all invocations that work on it. CloudFormation itself gives up after an hour, unless the
    /// template sets a ServiceTimeout.
    /// </summary>
    public TimeSpan TimeLimit { get; init; } = TimeSpan.FromSeconds(3300);

    /// <summary>Whether a destination with this ARN may do without a Role.</summary>
    public Func<string, bool> MayOmitRole { get; init; } = static _ => false;

    /// <summary>The options with the key masked.</summary>
    public override string ToString() => $"{nameof(ProviderOptions)} {{ Region = {Region}, AccountId = {AccountId}, DomainName = {DomainName}, LocalMode = {LocalMode} }}";
}
