using System.Text.Json;
using UdpGateway.Aws;
using UdpGateway.Gateway.Batching;
using UdpGateway.Gateway.Packets;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;

namespace UdpGateway.Gateway.Destinations;

/// <summary>
/// The SQS queue that gets what a destination did not deliver: a message per packet with the packet as it is delivered, why it was
/// not, and where it was meant to go. Called with the destination's role.
/// </summary>
internal sealed class DeadLetterQueue
{
    // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
    private const int MaxEntries = 10;
    private const long MaxBytes = 1_048_576;

    private static readonly JsonEncodedText Reason = JsonEncodedText.Encode("Reason");
    private static readonly JsonEncodedText Listener = JsonEncodedText.Encode("Listener");
    private static readonly JsonEncodedText Destination = JsonEncodedText.Encode("Destination");
    private static readonly JsonEncodedText Packet = JsonEncodedText.Encode("Packet");

    private readonly string _listener;
    private readonly string _destination;
    private readonly bool _isFifo;
    private readonly RequestPacketWriter _writer;
    private readonly EntrySender<SqsMessage> _sender;

    /// <param name="listener">The listener; messages carry its name.</param>
    /// <param name="destination">What did not deliver; messages carry its name, and its role sends them.</param>
    /// <param name="queue">The queue's ARN.</param>
    /// <param name="writer">Writes packets as the destination gets them.</param>
    /// <param name="clients">Makes the connection.</param>
    /// <param name="retries">How often the queue is tried.</param>
    public DeadLetterQueue(ListenerRecord listener, DestinationDefinition destination, Arn queue, RequestPacketWriter writer, IDestinationClients clients, RetryPolicy? retries = null)
    {
        _listener = listener.PhysicalResourceId;
        _destination = destination.Name;
        _isFifo = queue.Resource.EndsWith(".fifo", StringComparison.Ordinal);
        _writer = writer;
        var sqs = new SqsClient(clients.Connect(listener, destination, queue));
        var queueUrl = new SharedLookup<string>(token => sqs.GetQueueUrlAsync(queue.Resource, queue.Account, token));
        _sender = new EntrySender<SqsMessage>(new EntryLimits(MaxEntries, MaxBytes, MaxBytes), retries ?? RetryPolicy.OneWay, async (messages, token) =>
            await sqs.SendMessageBatchAsync(await queueUrl.GetAsync(token), messages, token));
    }

    /// <summary>The outcome's failed packets are those that did not get there.</summary>
    public async Task<DeliveryOutcome> SendAsync(PacketBatch batch, IReadOnlyList<FailedPacket> failed, CancellationToken cancellationToken)
    {
        using var bodies = new PooledBuffer(BatchPart.Of(batch, failed.Select(packet => packet.Packet)).EncodedSize);
        var ends = new int[failed.Count];
        for (var place = 0; place < failed.Count; place++)
        {
            Write(bodies, batch, failed[place]);
            ends[place] = bodies.Written;
        }

        var entries = failed.Select((packet, place) =>
        {
            var body = bodies.WrittenMemory[(place == 0 ? 0 : ends[place - 1])..ends[place]];
            var group = _isFifo ? PacketKey.OfClient(batch[packet.Packet].Origin) : null;
            return new Entry<SqsMessage>(packet.Packet, body.Length, new SqsMessage(body, group, _isFifo ? Guid.NewGuid().ToString("N") : null));
        });
        return await _sender.SendAsync(batch, [.. entries], new DeliveryTally(), cancellationToken);
    }

    private void Write(PooledBuffer output, PacketBatch batch, FailedPacket failed)
    {
        using var packet = new PooledBuffer(_writer.PacketOverhead);
        _writer.WritePacket(packet, batch, failed.Packet);
        using var writer = new Utf8JsonWriter(output);
        writer.WriteStartObject();
        writer.WriteString(Reason, failed.Reason);
        writer.WriteString(Listener, _listener);
        writer.WriteString(Destination, _destination);
        writer.WritePropertyName(Packet);
        writer.WriteRawValue(packet.WrittenMemory.Span, skipInputValidation: true);
        writer.WriteEndObject();
    }
}
