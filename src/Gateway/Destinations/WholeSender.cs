using System.Diagnostics;
using UdpGateway.Aws;
using UdpGateway.Gateway.Batching;
using UdpGateway.Gateway.Replies;

namespace UdpGateway.Gateway.Destinations;

/// <summary>Delivers to services that take the packets of a call as a whole or not at all.</summary>
internal static class WholeSender
{
    /// <summary>For one-way services: repeats what may succeed later.</summary>
    /// <exception cref="AwsServiceException">The call is too large, and could be cut.</exception>
    public static async Task<DeliveryOutcome> SendAsync(RetryPolicy retries, int packets, Func<CancellationToken, Task> send, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        for (var attempts = 1; ; attempts++)
        {
            TimeSpan pause;
            var retried = packets * (attempts - 1);
            try
            {
                await send(cancellationToken);
                return new DeliveryOutcome(DeliveryResult.Delivered, FailedPackets: 0, Retried: retried);
            }
            catch (AwsServiceException failure) when (packets == 1 || !RetryPolicy.IsTooLarge(failure))
            {
                if (!RetryPolicy.IsTransient(failure) || retries.PauseAfter(attempts, Stopwatch.GetElapsedTime(started)) is not { } next)
                    return new DeliveryOutcome(DeliveryResult.Failed, Problem: failure.Message, FailedPackets: packets, Retried: retried);
                pause = next;
            }

            await Task.Delay(pause, cancellationToken);
        }
    }

    /// <summary>Makes one call, and two for its halves when the service finds it too large, and so on.</summary>
    /// <param name="part">What to deliver.</param>
    /// <param name="replies">Takes the replies of parts; those of a whole batch are in the outcome.</param>
    /// <param name="call">Delivers a part.</param>
    /// <param name="isTooLarge">Whether an answer means that nothing was done because of the size.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task<DeliveryOutcome> HalvingAsync(
        BatchPart part,
        IReplySink replies,
        Func<BatchPart, CancellationToken, Task<DeliveryOutcome>> call,
        Func<AwsServiceException, bool> isTooLarge,
        CancellationToken cancellationToken)
    {
        try
        {
            return await call(part, cancellationToken);
        }
        catch (AwsServiceException failure) when (part.Count > 1 && isTooLarge(failure))
        {
            var (first, second) = part.Halves();
            BatchPart[] halves = [first, second];
            return await EachAsync(halves, replies, (place, token) => HalvingAsync(halves[place], replies, call, isTooLarge, token), parallel: 1, cancellationToken);
        }
    }

    /// <summary>Makes a call for each part, which gets the part's place; one that fails holds up none of the others.</summary>
    public static async Task<DeliveryOutcome> EachAsync(
        IReadOnlyList<BatchPart> parts,
        IReplySink replies,
        Func<int, CancellationToken, Task<DeliveryOutcome>> call,
        int parallel,
        CancellationToken cancellationToken)
    {
        var outcomes = new DeliveryOutcome[parts.Count];
        var options = new ParallelOptions { MaxDegreeOfParallelism = parallel, CancellationToken = cancellationToken };
        await Parallel.ForAsync(0, parts.Count, options, async (index, token) => outcomes[index] = await CallAsync(parts[index], replies, inner => call(index, inner), token));
        return Combine(parts, outcomes);
    }

    private static async Task<DeliveryOutcome> CallAsync(
        BatchPart part, IReplySink replies, Func<CancellationToken, Task<DeliveryOutcome>> call, CancellationToken cancellationToken)
    {
        DeliveryOutcome outcome;
        try
        {
            outcome = await call(cancellationToken);
        }
        catch (Exception fault) when (!cancellationToken.IsCancellationRequested)
        {
            return new DeliveryOutcome(DeliveryResult.Failed, Problem: DeliveryOutcome.ProblemOf(fault), FailedPackets: part.Count);
        }

        if (!outcome.Answer.IsEmpty)
            await replies.RouteAsync(part.Batch, ReplyReader.Read(outcome.Answer, part.Batch.Id, part.Batch.Count).OnlyTo(part), cancellationToken);
        return outcome with { Answer = default };
    }

    private static DeliveryOutcome Combine(IReadOnlyList<BatchPart> parts, DeliveryOutcome[] outcomes)
    {
        var failed = new List<FailedPacket>();
        var failedPackets = 0;
        for (var index = 0; index < parts.Count; index++)
        {
            var outcome = outcomes[index];
            if (outcome.Result == DeliveryResult.Delivered)
                continue;
            failedPackets += outcome.FailedPackets ?? parts[index].Count;
            failed.AddRange(outcome.Failed ?? parts[index].Fail(outcome.Problem ?? "the call failed"));
        }

        var packets = parts.Sum(part => part.Count);
        var problem = outcomes.FirstOrDefault(outcome => outcome.Problem is not null).Problem;
        return new DeliveryOutcome(
            outcomes.Select(outcome => outcome.Result).DefaultIfEmpty(DeliveryResult.Delivered).Max(),
            Problem: problem is null || failedPackets == packets ? problem : $"{failedPackets} of its packets were not: {problem}",
            FailedPackets: failedPackets,
            Retried: outcomes.Sum(outcome => outcome.Retried))
        {
            Failed = failed,
        };
    }
}
