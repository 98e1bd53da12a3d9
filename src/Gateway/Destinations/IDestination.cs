using UdpGateway.Aws;
using UdpGateway.Gateway.Batching;

namespace UdpGateway.Gateway.Destinations;

/// <summary>What a service takes at most in one delivery.</summary>
/// <param name="MaxPayloadBytes">Encoded bytes of one call.</param>
/// <param name="MaxPackets">Packets of one call.</param>
internal readonly record struct DestinationLimits(long MaxPayloadBytes, int MaxPackets)
{
    /// <summary>Of destinations that cut a batch into the service's calls themselves: what one batch may hold in memory.</summary>
    public static DestinationLimits OneWay { get; } = new(16 * 1024 * 1024, 10_000);
}

internal enum DeliveryResult
{
    Delivered,

    /// <summary>The customer's code failed; it may have replied all the same.</summary>
    FunctionError,

    /// <summary>The service refused, or could not be reached: the packets, or some of them, are lost.</summary>
    Failed,
}

/// <param name="Packet">Its place in the batch.</param>
/// <param name="Reason">Without any payload.</param>
internal readonly record struct FailedPacket(int Packet, string Reason);

/// <param name="Result">Counted under this name.</param>
/// <param name="Answer">The reply document; empty when the destination does not answer, or gave its replies to <see cref="DestinationContext.Replies"/> already.</param>
/// <param name="Problem">What went wrong, without any payload; null when delivered.</param>
/// <param name="FailedPackets">How many were not delivered; null means all of a delivery that failed.</param>
/// <param name="Retried">Packets that were sent again, once for each time.</param>
internal readonly record struct DeliveryOutcome(
    DeliveryResult Result, ReadOnlyMemory<byte> Answer = default, string? Problem = null, int? FailedPackets = null, int Retried = 0)
{
    /// <summary>Which were not delivered; null means all of a delivery that failed.</summary>
    public IReadOnlyList<FailedPacket>? Failed { get; init; }

    /// <summary>For the owner, who reads it in dead letters and in the log: of what a service answered, only the answer.</summary>
    public static string ProblemOf(Exception fault) => fault is AwsServiceException ? fault.Message : $"{fault.GetType().Name}: {fault.Message}";

    /// <summary>Both, where one is about other packets of the same batch than the other; neither has an answer or unnamed failures.</summary>
    public DeliveryOutcome And(DeliveryOutcome other) => this with
    {
        Result = Result > other.Result ? Result : other.Result,
        Problem = Problem ?? other.Problem,
        FailedPackets = (FailedPackets ?? 0) + (other.FailedPackets ?? 0),
        Retried = Retried + other.Retried,
        Failed = [.. Failed ?? [], .. other.Failed ?? []],
    };
}

/// <summary>
/// Delivers batches to one ARN. Calls overlap up to the destination's concurrency; what
/// <see cref="DeliverAsync"/> does before its first await happens in the order of the batches.
/// </summary>
internal interface IDestination
{
    DestinationLimits Limits { get; }

    /// <summary>The batch belongs to the caller and is valid until the task ends. Throws for faults of the service.</summary>
    Task<DeliveryOutcome> DeliverAsync(PacketBatch batch, CancellationToken cancellationToken);
}
