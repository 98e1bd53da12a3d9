using System.Collections.Concurrent;
using UdpGateway.Listeners.Storage;

namespace UdpGateway.Provider.Tests.TestDoubles;

/// <summary>Notes what it was asked, and gives records the queue and the subscription that they would get; a step can be made to fail.</summary>
internal sealed class RecordingPacketSources : IPacketSourceProvisioner
{
    public ConcurrentQueue<string> Calls { get; } = new();

    public Func<PacketSourceRecord, CancellationToken, Task> Provision { get; set; } = (_, _) => Task.CompletedTask;

    /// <summary>Topics that have a subscription now.</summary>
    public ConcurrentDictionary<string, string> Subscribed { get; } = new();

    public async Task<PacketSourceRecord> ProvisionAsync(PacketSourceRecord record, CancellationToken cancellationToken)
    {
        Calls.Enqueue($"provision {record.PhysicalResourceId}");
        Subscribed[record.TopicArn] = record.PhysicalResourceId;
        await Provision(record, cancellationToken);
        return record with { QueueUrl = $"https://sqs.us-west-2.amazonaws.com/123456789012/{record.LogicalResourceId}", SubscriptionArn = record.TopicArn + ":1" };
    }

    public Task UnsubscribeAsync(PacketSourceRecord former, CancellationToken cancellationToken)
    {
        Calls.Enqueue($"unsubscribe {former.TopicArn}");
        Subscribed.TryRemove(former.TopicArn, out _);
        return Task.CompletedTask;
    }

    public Task ReleaseAsync(PacketSourceRecord record, CancellationToken cancellationToken)
    {
        Calls.Enqueue($"release {record.PhysicalResourceId}");
        Subscribed.TryRemove(record.TopicArn, out _);
        return Task.CompletedTask;
    }
}
