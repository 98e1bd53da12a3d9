using System.Diagnostics;
using UdpGateway.Aws;
using UdpGateway.Gateway.Batching;

namespace UdpGateway.Gateway.Destinations;

/// <summary>One packet as the service takes it.</summary>
/// <param name="Packet">Its place in the batch.</param>
/// <param name="Size">Bytes that it counts for in the service's limits.</param>
internal readonly record struct Entry<T>(int Packet, long Size, T Value);

/// <summary>What a service takes in one call.</summary>
internal sealed record EntryLimits(int MaxEntries, long MaxCallBytes, long MaxEntryBytes)
{
    public const int DefaultParallel = 8;

    /// <summary>Calls of one batch at a time; 1 keeps their order.</summary>
    public int Parallel { get; init; } = DefaultParallel;
}

/// <summary>
/// Delivers a batch to a one-way service that takes several entries per call: cuts it at the service's limits, repeats what may
/// succeed later, of a partial failure only the failed entries, and halves a call that the service finds too large.
/// </summary>
/// <param name="send">One call; returns the entries that were not taken, or throws <see cref="AwsServiceException"/>.</param>
internal sealed class EntrySender<T>(EntryLimits limits, RetryPolicy retries, Func<IReadOnlyList<T>, CancellationToken, Task<IReadOnlyList<BatchEntryFailure>>> send)
{
    /// <param name="batch">Whose packets these are.</param>
    /// <param name="entries">In the order of the batch.</param>
    /// <param name="tally">May hold packets already that cannot be sent.</param>
    public async Task<DeliveryOutcome> SendAsync(PacketBatch batch, IReadOnlyList<Entry<T>> entries, DeliveryTally tally, CancellationToken cancellationToken)
    {
        var calls = Split(entries, tally);
        if (limits.Parallel == 1 || calls.Count == 1)
        {
            foreach (var call in calls)
                await SendCallAsync(call, tally, cancellationToken);
        }
        else
        {
            var options = new ParallelOptions { MaxDegreeOfParallelism = limits.Parallel, CancellationToken = cancellationToken };
            await Parallel.ForEachAsync(calls, options, async (call, token) => await SendCallAsync(call, tally, token));
        }

        return tally.Outcome(batch.Count);
    }

    private List<IReadOnlyList<Entry<T>>> Split(IReadOnlyList<Entry<T>> entries, DeliveryTally tally)
    {
        var calls = new List<IReadOnlyList<Entry<T>>>();
        var call = new List<Entry<T>>();
        var bytes = 0L;
        foreach (var entry in entries)
        {
            if (entry.Size > limits.MaxEntryBytes)
            {
                tally.Fail(entry.Packet, $"a packet has {entry.Size:N0} bytes as an entry, and the service takes {limits.MaxEntryBytes:N0}");
                continue;
            }

            if (call.Count == limits.MaxEntries || (call.Count > 0 && bytes + entry.Size > limits.MaxCallBytes))
            {
                calls.Add(call);
                call = [];
                bytes = 0;
            }

            call.Add(entry);
            bytes += entry.Size;
        }

        if (call.Count > 0)
            calls.Add(call);
        return calls;
    }

    private async Task SendCallAsync(IReadOnlyList<Entry<T>> call, DeliveryTally tally, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        for (var attempts = 1; ; attempts++)
        {
            string problem;
            try
            {
                var failures = await send([.. call.Select(entry => entry.Value)], cancellationToken);
                if (failures.Count == 0)
                    return;
                problem = $"the service did not take {failures.Count} of {call.Count} packets: {failures[0].Code}";
                call = Remaining(call, failures, problem, tally);
            }
            catch (AwsServiceException failure) when (call.Count > 1 && RetryPolicy.IsTooLarge(failure))
            {
                var half = call.Count / 2;
                await SendCallAsync([.. call.Take(half)], tally, cancellationToken);
                await SendCallAsync([.. call.Skip(half)], tally, cancellationToken);
                return;
            }
            catch (AwsServiceException failure) when (RetryPolicy.IsTransient(failure))
            {
                problem = failure.Message;
            }
            catch (AwsServiceException failure)
            {
                tally.Fail(call, failure.Message);
                return;
            }

            if (call.Count == 0)
                return;
            if (retries.PauseAfter(attempts, Stopwatch.GetElapsedTime(started)) is not { } pause)
            {
                tally.Fail(call, problem);
                return;
            }

            tally.Retry(call.Count);
            await Task.Delay(pause, cancellationToken);
        }
    }

    /// <summary>What is worth another attempt; the rest has failed.</summary>
    private static List<Entry<T>> Remaining(IReadOnlyList<Entry<T>> call, IReadOnlyList<BatchEntryFailure> failures, string problem, DeliveryTally tally)
    {
        var remaining = new List<Entry<T>>();
        foreach (var failure in failures.OrderBy(failure => failure.Index))
        {
            if (failure.Index < 0 || failure.Index >= call.Count)
                continue;
            if (failure.IsTransient)
                remaining.Add(call[failure.Index]);
            else
                tally.Fail(call[failure.Index].Packet, problem);
        }

        return remaining;
    }
}
