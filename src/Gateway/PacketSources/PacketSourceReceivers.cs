using Microsoft.Extensions.Logging;
using UdpGateway.Aws;
using UdpGateway.Gateway.Observability;
using UdpGateway.Listeners.Storage;

namespace UdpGateway.Gateway.PacketSources;

/// <summary>
/// One loop per packet source whose listener is served here: takes messages from its queue, sends their packets, and only then deletes
/// them. A message is at most 256 KiB and a loop holds ten at a time, so memory is bounded.
/// </summary>
internal sealed partial class PacketSourceReceivers(ISqs sqs, PushRouter router, ILogger<PacketSourceReceivers> logger) : IDisposable
{
    private static readonly TimeSpan PollTime = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan ShortestPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    private readonly Dictionary<string, Receiver> _receivers = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stopping = new();

    /// <summary>Receives for exactly these sources from now on. Not thread-safe; the configuration follower calls it.</summary>
    public void Follow(IReadOnlyList<PacketSourceRecord> sources)
    {
        var wanted = sources.Where(source => source.QueueUrl is not null && router.Serves(source.ListenerName)).ToDictionary(source => source.QueueUrl!, StringComparer.Ordinal);
        foreach (var (queue, receiver) in _receivers.Where(entry => !wanted.ContainsKey(entry.Key)).ToList())
        {
            receiver.Stop.Cancel();
            _receivers.Remove(queue);
        }

        foreach (var (queue, source) in wanted)
        {
            if (_receivers.TryGetValue(queue, out var running))
            {
                running.Source = source;
                continue;
            }

            var receiver = new Receiver(source, CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token));
            _receivers.Add(queue, receiver);
            receiver.Running = Task.Run(() => RunAsync(receiver));
        }
    }

    /// <summary>Takes no more messages; returns when those that were taken are handled.</summary>
    public async Task StopAsync()
    {
        await _stopping.CancelAsync();
        await Task.WhenAll(_receivers.Values.Select(receiver => receiver.Running));
    }

    public void Dispose()
    {
        foreach (var receiver in _receivers.Values)
            receiver.Stop.Dispose();
        _stopping.Dispose();
    }

    private async Task RunAsync(Receiver receiver)
    {
        Log.Receiving(logger, receiver.Source.PhysicalResourceId);
        var pause = ShortestPause;
        while (!receiver.Stop.IsCancellationRequested)
        {
            try
            {
                await ReceiveAsync(receiver);
                pause = ShortestPause;
            }
            catch (OperationCanceledException) when (receiver.Stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception fault)
            {
                // Messages that were not deleted come again.
                if (receiver.FailureLog.TryOpen(out var suppressed))
                    Log.Failed(logger, receiver.Source.PhysicalResourceId, $"{fault.GetType().Name}: {fault.Message}", suppressed);
                await Task.Delay(pause, receiver.Stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            }
        }
    }

    private async Task ReceiveAsync(Receiver receiver)
    {
        var queue = receiver.Source.QueueUrl!;
        // The provider, which subscribes, answers what a topic of another account asks: that stays in the queue for it.
        var messages = (await sqs.ReceiveMessageAsync(queue, PollTime, receiver.Stop.Token))
            .Where(message => !SnsSubscriptionQuestion.TryRead(message.Body, out _)).ToList();
        if (messages.Count == 0)
            return;

        var source = receiver.Source;
        if (source.Enabled)
            await Task.WhenAll(messages.Select(message => router.PushAsync(source.ListenerName, message.Body, CancellationToken.None)));
        else
            router.Count(source.ListenerName, DropReason.SourceDisabled, messages.Count);

        var failures = await sqs.DeleteMessageBatchAsync(queue, [.. messages.Select(message => message.ReceiptHandle)], CancellationToken.None);
        if (failures.Count > 0)
            Log.NotDeleted(logger, source.PhysicalResourceId, failures.Count, failures[0].Code);
    }

    private sealed class Receiver(PacketSourceRecord source, CancellationTokenSource stop)
    {
        /// <summary>The newest record of the source.</summary>
        public PacketSourceRecord Source { get; set; } = source;

        public CancellationTokenSource Stop { get; } = stop;

        public LogGate FailureLog { get; } = new();

        public Task Running { get; set; } = Task.CompletedTask;
    }

    private static partial class Log
    {
        [LoggerMessage(1711, LogLevel.Information, "Receiving for packet source {Source}")]
        public static partial void Receiving(ILogger logger, string source);

        [LoggerMessage(1712, LogLevel.Warning, "Packet source {Source}: its queue cannot be read: {Cause} ({Suppressed} more since the last line)")]
        public static partial void Failed(ILogger logger, string source, string cause, long suppressed);

        [LoggerMessage(1713, LogLevel.Warning, "Packet source {Source}: {Count} messages were not deleted ({Code}) and will be sent again")]
        public static partial void NotDeleted(ILogger logger, string source, int count, string code);
    }
}
