using UdpGateway.Gateway.Observability;
using UdpGateway.Gateway.Packets;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Expressions;

namespace UdpGateway.Gateway.Destinations;

/// <summary>What a delivery is told when it is made.</summary>
internal sealed record DeliverySettings
{
    /// <summary>Everything that the delivery depends on, as text: the same key means that nothing changed.</summary>
    public required string Key { get; init; }

    public required string ListenerName { get; init; }

    public required DestinationDefinition Definition { get; init; }

    /// <summary>The compiled FilterExpression of the definition.</summary>
    public Expression? Filter { get; init; }

    /// <summary>Where packets go that were not delivered; null where none is declared.</summary>
    public DeadLetterQueue? DeadLetters { get; init; }

    public required PacketFacts Facts { get; init; }

    /// <summary>Outlive the delivery, so that a changed destination goes on counting.</summary>
    public required DeliveryCounters Counters { get; init; }

    /// <summary>For the destination's owner; null when the destination wants none.</summary>
    public CustomerReport? Report { get; init; }

    public required int Concurrency { get; init; }

    public required int QueuePackets { get; init; }

    public required long QueueBytes { get; init; }

    /// <summary>Null when nobody watches.</summary>
    public IPacketTap? Tap { get; init; }

    /// <summary>Cancelled when the gateway no longer waits for answers.</summary>
    public required CancellationToken Stopping { get; init; }
}
