using System.Collections.Concurrent;
using UdpGateway.Aws;

namespace UdpGateway.Gateway.Tests.TestDoubles;

/// <summary>A queue that gives what it holds once, as SQS does within the visibility timeout.</summary>
internal sealed class ScriptedQueue(params IReadOnlyList<string> bodies) : ISqs
{
    private readonly ConcurrentQueue<string> _deleted = new();
    private int _polls;

    /// <summary>Bodies of the messages that were deleted.</summary>
    public IReadOnlyCollection<string> Deleted => _deleted;

    public async Task<IReadOnlyList<SqsReceivedMessage>> ReceiveMessageAsync(string queueUrl, TimeSpan waitTime, CancellationToken cancellationToken)
    {
        if (Interlocked.Increment(ref _polls) == 1)
            return [.. bodies.Select((body, index) => new SqsReceivedMessage(body, $"{index}"))];
        await Task.Delay(waitTime, cancellationToken);
        return [];
    }

    public Task<IReadOnlyList<BatchEntryFailure>> DeleteMessageBatchAsync(string queueUrl, IReadOnlyList<string> receiptHandles, CancellationToken cancellationToken)
    {
        foreach (var handle in receiptHandles)
            _deleted.Enqueue(bodies[int.Parse(handle, System.Globalization.CultureInfo.InvariantCulture)]);
        return Task.FromResult<IReadOnlyList<BatchEntryFailure>>([]);
    }

    public Task<string> GetQueueUrlAsync(string queueName, string ownerAccountId, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<IReadOnlyList<BatchEntryFailure>> SendMessageBatchAsync(string queueUrl, IReadOnlyList<SqsMessage> messages, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<string> CreateQueueAsync(string queueName, IReadOnlyDictionary<string, string> attributes, IReadOnlyDictionary<string, string> tags, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public Task SetQueueAttributesAsync(string queueUrl, IReadOnlyDictionary<string, string> attributes, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task DeleteQueueAsync(string queueUrl, CancellationToken cancellationToken) => throw new NotSupportedException();
}
