using System.Diagnostics;
using Microsoft.Extensions.Logging;
using UdpGateway.Gateway.Batching;
using UdpGateway.Gateway.Observability;
using UdpGateway.Gateway.Packets;
using UdpGateway.Gateway.Replies;
using UdpGateway.Gateway.Workers;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Expressions;

namespace UdpGateway.Gateway.Destinations;

/// <summary>
/// Step 6 of the packet path: the batches of one destination, from all workers, through a bounded queue to the service.
/// Batches start in the order in which they came, at most <c>concurrency</c> at a time. Runs on the thread pool, so
/// that a slow destination holds up nobody else.
/// </summary>
internal sealed partial class DestinationDelivery : IThreadPoolWorkItem
{
    private const int MaxQueuedBatches = 16_384;

    private readonly IDestination? _destination;
    private readonly IReplySink _replies;
    private readonly DeliverySettings _settings;
    private readonly ILogger<DestinationDelivery> _logger;
    private readonly LogGate _failureLog = new();
    private readonly LogGate _skipLog = new();
    private readonly LogGate _deadLetterLog = new();
    private readonly BoundedRing<Queued> _queue = new(MaxQueuedBatches);
    private int _freeSlots;
    private int _requests;
    private long _queuedPackets;
    private long _queuedBytes;
    private int _inFlight;
    private long _refusedBatches;
    private long _refusedPackets;
    private long _refusedBytes;

    /// <param name="settings">Names, limits and what all packets share.</param>
    /// <param name="destination">Null when no ARN is registered for this region: nothing can be delivered.</param>
    /// <param name="replies">Takes what the destination answers.</param>
    /// <param name="logger">For failed deliveries; never more than one line in a while.</param>
    public DestinationDelivery(DeliverySettings settings, IDestination? destination, IReplySink replies, ILogger<DestinationDelivery> logger)
    {
        _settings = settings;
        _destination = destination;
        _logger = logger;
        _replies = replies;
        _freeSlots = settings.Concurrency;
        var batching = settings.Definition.Batching;
        var limits = destination?.Limits ?? new DestinationLimits(long.MaxValue, int.MaxValue);
        MaxCount = Math.Min(batching.Count, limits.MaxPackets);
        MaxEncodedSize = Math.Min(batching.SizeInBytes, limits.MaxPayloadBytes) - RequestPacketWriter.EnvelopeSize;
        PacketOverhead = new RequestPacketWriter(settings.Facts).PacketOverhead;
    }

    /// <summary>Two deliveries with the same key do the same.</summary>
    public string Key => _settings.Key;

    public string Name => _settings.Definition.Name;

    public DeliveryCounters Counters => _settings.Counters;

    public bool HasDeadLetters => _settings.DeadLetters is not null;

    public bool IsRouted => _destination is not null;

    /// <summary>What must be true for a packet to come here; null takes every packet.</summary>
    public Expression? Filter => _settings.Filter;

    public PayloadFormatter Formatter => _settings.Facts.Formatter;

    public TimeSpan Timeout => _settings.Definition.Batching.Timeout;

    /// <summary>The customer's limit or the service's, whichever is smaller.</summary>
    public int MaxCount { get; }

    public long MaxEncodedSize { get; }

    public int PacketOverhead { get; }

    public long QueuedPackets => Volatile.Read(ref _queuedPackets);

    /// <summary>What the queue had no room for.</summary>
    public Refusals Refused => new(Volatile.Read(ref _refusedBatches), Volatile.Read(ref _refusedPackets), Volatile.Read(ref _refusedBytes));

    public CustomerReport? Report => _settings.Report;

    /// <summary>Nothing waits and nothing is under way.</summary>
    public bool IsIdle => QueuedPackets == 0 && Volatile.Read(ref _inFlight) == 0;

    /// <summary>Called by workers. False when the destination does not keep up; the batch stays the caller's.</summary>
    public bool TryEnqueue(PacketBatch batch, BatchPool pool)
    {
        if (Volatile.Read(ref _queuedPackets) + batch.Count > _settings.QueuePackets
            || Volatile.Read(ref _queuedBytes) + batch.Bytes > _settings.QueueBytes)
            return Refuse(batch);

        Interlocked.Add(ref _queuedPackets, batch.Count);
        Interlocked.Add(ref _queuedBytes, batch.Bytes);
        if (!_queue.TryEnqueue(new Queued(batch, pool)))
        {
            Interlocked.Add(ref _queuedPackets, -batch.Count);
            Interlocked.Add(ref _queuedBytes, -batch.Bytes);
            return Refuse(batch);
        }

        RequestDispatch();
        return true;
    }

    private bool Refuse(PacketBatch batch)
    {
        Counters.Refuse(batch.Count);
        Interlocked.Increment(ref _refusedBatches);
        Interlocked.Add(ref _refusedPackets, batch.Count);
        Interlocked.Add(ref _refusedBytes, batch.Bytes);
        return false;
    }

    /// <summary>Called by workers. Packets that do not come here; filtered ones are as declared and get no log line.</summary>
    public void Skip(SkipReason reason, long packets)
    {
        Counters.Skip(reason, packets);
        if (reason != SkipReason.Filtered && _skipLog.TryOpen(out var suppressed))
            Log.Skipped(_logger, _settings.ListenerName, Name, packets, suppressed);
    }

    /// <summary>Starts queued batches while slots are free. Never runs twice at a time.</summary>
    void IThreadPoolWorkItem.Execute()
    {
        int served;
        do
        {
            served = Volatile.Read(ref _requests);
            while (Volatile.Read(ref _freeSlots) > 0 && _queue.TryDequeue(out var queued))
            {
                Interlocked.Decrement(ref _freeSlots);
                Interlocked.Increment(ref _inFlight);
                Interlocked.Add(ref _queuedPackets, -queued.Batch.Count);
                Interlocked.Add(ref _queuedBytes, -queued.Batch.Bytes);
                _ = DeliverAsync(queued);
            }
        }
        while (Interlocked.Add(ref _requests, -served) != 0);
    }

    private void RequestDispatch()
    {
        if (Interlocked.Increment(ref _requests) == 1)
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    private async Task DeliverAsync(Queued queued)
    {
        var batch = queued.Batch;
        var started = Stopwatch.GetTimestamp();
        try
        {
            _settings.Tap?.Delivering(batch, _settings);
            var outcome = await CallAsync(batch);
            _settings.Tap?.Delivered(batch, outcome);
            Count(batch, outcome, Stopwatch.GetElapsedTime(started));
            if (outcome.Problem is { } problem && _failureLog.TryOpen(out var suppressed))
                Log.DeliveryFailed(_logger, _settings.ListenerName, Name, batch.Count, problem, LogGate.More(suppressed));
            if (!outcome.Answer.IsEmpty)
                await _replies.RouteAsync(batch, ReplyReader.Read(outcome.Answer, batch.Id, batch.Count), _settings.Stopping);
            if (outcome.Result != DeliveryResult.Delivered)
                await SendDeadLettersAsync(batch, outcome);
        }
        catch (OperationCanceledException) when (_settings.Stopping.IsCancellationRequested)
        {
            Count(batch, new DeliveryOutcome(DeliveryResult.Failed), Stopwatch.GetElapsedTime(started));
            if (_settings.DeadLetters is not null)
                Counters.DeadLettered(sent: 0, lost: batch.Count);
            Log.RepliesLost(_logger, _settings.ListenerName, Name, batch.Count);
        }
        catch (Exception defect)
        {
            // Nobody awaits this task; other batches go on.
            Log.Defect(_logger, defect, _settings.ListenerName, Name);
        }
        finally
        {
            queued.Pool.Return(batch);
            Interlocked.Decrement(ref _inFlight);
            Interlocked.Increment(ref _freeSlots);
            RequestDispatch();
        }
    }

    private void Count(PacketBatch batch, in DeliveryOutcome outcome, TimeSpan duration)
    {
        Counters.Delivered(batch.Count, outcome, duration);
        Report?.Delivered(batch.Count, batch.Bytes, outcome, duration);
    }

    /// <summary>Whatever a service or its client throws is a failed delivery: it must not end the others.</summary>
    private async ValueTask<DeliveryOutcome> CallAsync(PacketBatch batch)
    {
        try
        {
            return await _destination!.DeliverAsync(batch, _settings.Stopping);
        }
        catch (Exception fault) when (!_settings.Stopping.IsCancellationRequested)
        {
            return new DeliveryOutcome(DeliveryResult.Failed, Problem: DeliveryOutcome.ProblemOf(fault));
        }
    }

    /// <summary>What is not taken there either is lost; nothing that was not delivered goes uncounted.</summary>
    private async Task SendDeadLettersAsync(PacketBatch batch, DeliveryOutcome outcome)
    {
        if (_settings.DeadLetters is not { } queue)
            return;
        var failed = outcome.Failed ?? BatchPart.Whole(batch).Fail(outcome.Problem ?? "the delivery failed");
        if (failed.Count == 0)
            return;
        DeliveryOutcome sent;
        try
        {
            sent = await queue.SendAsync(batch, failed, _settings.Stopping);
        }
        catch (Exception fault)
        {
            sent = new DeliveryOutcome(DeliveryResult.Failed, Problem: _settings.Stopping.IsCancellationRequested ? "the gateway stopped" : DeliveryOutcome.ProblemOf(fault), FailedPackets: failed.Count);
        }

        var lost = sent.FailedPackets ?? 0;
        Counters.DeadLettered(failed.Count - lost, lost);
        if (lost > 0 && _deadLetterLog.TryOpen(out var suppressed))
            Log.DeadLettersLost(_logger, _settings.ListenerName, Name, lost, sent.Problem ?? "no reason given", suppressed);
    }

    private readonly record struct Queued(PacketBatch Batch, BatchPool Pool);

    private static partial class Log
    {
        [LoggerMessage(1101, LogLevel.Warning, "Listener {Listener}, destination {Destination}: a batch was not delivered (packets: {Packets}): {Problem}{More}")]
        public static partial void DeliveryFailed(ILogger logger, string listener, string destination, int packets, string problem, string more);

        [LoggerMessage(1105, LogLevel.Warning, "Listener {Listener}, destination {Destination}: {Packets} packets that were not delivered did not reach the dead-letter queue either and are lost: {Problem} ({Suppressed} more such lines since the last)")]
        public static partial void DeadLettersLost(ILogger logger, string listener, string destination, int packets, string problem, long suppressed);

        [LoggerMessage(1104, LogLevel.Warning, "Listener {Listener}, destination {Destination}: {Packets} packets are no CoAP messages and were dropped for this destination ({Suppressed} more such lines since the last)")]
        public static partial void Skipped(ILogger logger, string listener, string destination, long packets, long suppressed);

        [LoggerMessage(1103, LogLevel.Error, "Listener {Listener}, destination {Destination}: the replies of a batch were lost by a defect")]
        public static partial void Defect(ILogger logger, Exception defect, string listener, string destination);

        [LoggerMessage(1102, LogLevel.Warning, "Listener {Listener}, destination {Destination}: stopped before a batch of {Packets} packets was answered")]
        public static partial void RepliesLost(ILogger logger, string listener, string destination, int packets);
    }
}
