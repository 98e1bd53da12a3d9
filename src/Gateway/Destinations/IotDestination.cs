using System.Globalization;
using System.Text;
using UdpGateway.Aws;
using UdpGateway.Gateway.Batching;
using UdpGateway.Gateway.Packets;
using UdpGateway.Listeners;

namespace UdpGateway.Gateway.Destinations;

/// <summary>
/// One message per packet: its JSON to the ARN's topic, or, with <c>DynamicTopicSuffix</c>, its bytes to <c>TOPIC/SUFFIX</c>, where
/// the suffix comes from an expression, else is <c>ADDRESS/PORT</c> of the client.
/// </summary>
internal sealed class IotDestination : IDestination
{
    // https://docs.aws.amazon.com/general/latest/gr/iot-core.html#message-broker-limits
    private const long MaxPayload = 128 * 1024;
    private const int MaxTopicBytes = 256;
    private const int MaxSlashes = 7;

    private readonly string _topic;
    private readonly IotArguments _arguments;
    private readonly PacketKey? _suffix;
    private readonly RequestPacketWriter _writer;
    private readonly EntrySender<(string Topic, ReadOnlyMemory<byte> Payload)> _sender;

    public IotDestination(DestinationContext context)
    {
        _topic = context.Arn.Resource["topic/".Length..];
        _arguments = context.Definition.Arguments.Iot ?? new IotArguments();
        _suffix = PacketKey.Create(_arguments.TopicSuffix, MaxTopicBytes);
        _writer = new RequestPacketWriter(context.Facts);
        var iot = new IotDataClient(context.Connection);
        _sender = new EntrySender<(string Topic, ReadOnlyMemory<byte> Payload)>(
            new EntryLimits(MaxEntries: 1, MaxPayload, MaxPayload) { Parallel = 32 },
            context.Retries,
            async (messages, token) =>
            {
                await iot.PublishAsync(messages[0].Topic, messages[0].Payload, token);
                return [];
            });
    }

    public DestinationLimits Limits => DestinationLimits.OneWay;

    public async Task<DeliveryOutcome> DeliverAsync(PacketBatch batch, CancellationToken cancellationToken)
    {
        using var payloads = _arguments.DynamicTopicSuffix ? EncodedPackets.AsBytes(batch) : EncodedPackets.AsJson(batch, _writer);
        var tally = new DeliveryTally();
        var entries = new List<Entry<(string Topic, ReadOnlyMemory<byte> Payload)>>(batch.Count);
        for (var index = 0; index < batch.Count; index++)
        {
            if (TopicOf(batch, index) is { } topic)
                entries.Add(new(index, payloads[index].Length, (topic, payloads[index])));
            else
                tally.Fail(index, "TopicSuffixExpression yields nothing, or what is no topic");
        }

        return await _sender.SendAsync(batch, entries, tally, cancellationToken);
    }

    private string? TopicOf(PacketBatch batch, int index)
    {
        if (!_arguments.DynamicTopicSuffix)
            return _topic;
        var origin = batch[index].Origin;
        var suffix = _suffix is null
            ? string.Create(CultureInfo.InvariantCulture, $"{PacketKey.AddressOf(origin)}/{origin.Route.Endpoint.Port}")
            : _suffix.Of(batch.Payload(index));
        var topic = $"{_topic}/{suffix}";
        return suffix is not null && !suffix.AsSpan().ContainsAny("+#\0") && Encoding.UTF8.GetByteCount(topic) <= MaxTopicBytes && topic.AsSpan().Count('/') <= MaxSlashes
            ? topic
            : null;
    }
}
