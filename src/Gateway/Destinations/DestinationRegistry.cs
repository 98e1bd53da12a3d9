using System.Collections.Frozen;
using UdpGateway.Gateway.Packets;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;

namespace UdpGateway.Gateway.Destinations;

/// <summary>What a destination is made from.</summary>
internal sealed record DestinationContext(ListenerRecord Listener, DestinationDefinition Definition, string Arn, PacketFacts Facts, IDestinationClients Clients);

/// <summary>The destinations that can be delivered to, by the service segment of their ARN. One line each.</summary>
internal static class DestinationRegistry
{
    private static readonly FrozenDictionary<string, Func<DestinationContext, IDestination>> Kinds =
        new Dictionary<string, Func<DestinationContext, IDestination>>(StringComparer.Ordinal)
        {
            ["lambda"] = context => new LambdaDestination(context),
        }.ToFrozenDictionary(StringComparer.Ordinal);

    public static IReadOnlyCollection<string> Services => Kinds.Keys;

    /// <exception cref="ListenerNotServedException">The ARN names a service that no destination delivers to.</exception>
    public static IDestination Create(DestinationContext context)
    {
        return Arn.TryParse(context.Arn, out var arn) && Kinds.TryGetValue(arn.Service, out var create)
            ? create(context)
            : throw new ListenerNotServedException(
                $"Destination {context.Definition.Name}: this gateway delivers to {string.Join(", ", Kinds.Keys.Order(StringComparer.Ordinal))}, not to \"{context.Arn}\".");
    }
}
