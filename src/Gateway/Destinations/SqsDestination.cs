using System.Buffers;
using System.Globalization;
using UdpGateway.Aws;
using UdpGateway.Gateway.Batching;
using UdpGateway.Gateway.Packets;
using UdpGateway.Listeners;

namespace UdpGateway.Gateway.Destinations;

/// <summary>One message per packet. FIFO queues get their calls one after the other, so that a client's packets keep their order.</summary>
internal sealed class SqsDestination : IDestination
{
    // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
    private const int MaxEntries = 10;
    private const long MaxBytes = 1_048_576;
    private const int MaxIdLength = 128;

    // SendMessage, MessageBody: #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF
    private static readonly SearchValues<byte> Controls = SearchValues.Create([.. Enumerable.Range(0, ' ').Select(code => (byte)code).Except("\t\n\r"u8.ToArray())]);

    private readonly SqsArguments _arguments;
    private readonly PacketFacts _facts;
    private readonly RequestPacketWriter _writer;
    private readonly bool _isFifo;
    private readonly PacketKey? _group;
    private readonly PacketKey? _deduplication;
    private readonly EntrySender<SqsMessage> _sender;

    public SqsDestination(DestinationContext context)
    {
        _arguments = context.Definition.Arguments.Sqs ?? new SqsArguments();
        _facts = context.Facts;
        _writer = new RequestPacketWriter(context.Facts);
        _isFifo = context.Arn.Resource.EndsWith(".fifo", StringComparison.Ordinal);
        _group = PacketKey.Create(_arguments.MessageGroupId, MaxIdLength, isPrintable: true);
        _deduplication = _isFifo ? PacketKey.Create(_arguments.MessageDeduplicationId, MaxIdLength, isPrintable: true) : null;

        var sqs = new SqsClient(context.Connection);
        var queueUrl = new SharedLookup<string>(token => sqs.GetQueueUrlAsync(context.Arn.Resource, context.Arn.Account, token));
        var limits = new EntryLimits(MaxEntries, MaxBytes, MaxBytes) { Parallel = _isFifo ? 1 : EntryLimits.DefaultParallel };
        _sender = new EntrySender<SqsMessage>(limits, context.Retries, async (messages, token) =>
            await sqs.SendMessageBatchAsync(await queueUrl.GetAsync(token), messages, token));
    }

    public DestinationLimits Limits => DestinationLimits.OneWay;

    public async Task<DeliveryOutcome> DeliverAsync(PacketBatch batch, CancellationToken cancellationToken)
    {
        using var bodies = _arguments.SendRaw ? EncodedPackets.AsText(batch, _facts.Formatter) : EncodedPackets.AsJson(batch, _writer);
        var tally = new DeliveryTally();
        var entries = new List<Entry<SqsMessage>>(batch.Count);
        for (var index = 0; index < batch.Count; index++)
        {
            if (bodies[index].IsEmpty)
                tally.Fail(index, "a packet without payload has no raw form: SQS takes no empty messages");
            else if (_arguments.SendRaw && !IsText(bodies[index].Span))
                tally.Fail(index, "a packet has characters in its raw form that SQS takes in no message; hex and base64 have none");
            else
                entries.Add(Entry(batch, index, bodies[index]));
        }

        return await _sender.SendAsync(batch, entries, tally, cancellationToken);
    }

    /// <summary>Refused here, since the service refuses all packets of a call with one that has others.</summary>
    private static bool IsText(ReadOnlySpan<byte> utf8) =>
        utf8.IndexOfAny(Controls) < 0 && utf8.IndexOf("\uFFFE"u8) < 0 && utf8.IndexOf("\uFFFF"u8) < 0;

    private Entry<SqsMessage> Entry(PacketBatch batch, int index, ReadOnlyMemory<byte> body)
    {
        var payload = batch.Payload(index);
        var attributes = _arguments.UseMessageAttributes ? Attributes(batch[index].Origin) : null;
        var message = new SqsMessage(
            body,
            _group?.Of(payload) ?? (_isFifo ? PacketKey.OfClient(batch[index].Origin) : null),
            _isFifo ? _deduplication?.Of(payload) ?? Guid.NewGuid().ToString("N") : null,
            attributes);
        return new Entry<SqsMessage>(index, body.Length + (attributes?.Sum(attribute => attribute.Name.Length + attribute.DataType.Length + attribute.Value.Length) ?? 0), message);
    }

    private List<(string Name, string DataType, string Value)> Attributes(in PacketOrigin origin) =>
    [
        ("LocalDomain", "String", _facts.Domain),
        ("LocalPort", "Number", _facts.Port.ToString(CultureInfo.InvariantCulture)),
        ("RemoteAddress", "String", PacketKey.AddressOf(origin)),
        ("RemotePort", "Number", origin.Route.Endpoint.Port.ToString(CultureInfo.InvariantCulture)),
    ];
}
