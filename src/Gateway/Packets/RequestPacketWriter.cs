using System.Buffers;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using UdpGateway.Gateway.Batching;
using UdpGateway.Gateway.InnerPackets;
using UdpGateway.Listeners;
using UdpGateway.WireGuard;

namespace UdpGateway.Gateway.Packets;

/// <summary>Writes a batch as <c>{"Messages":[…]}</c>, the form that every request/response destination takes.</summary>
internal sealed class RequestPacketWriter
{
    /// <summary>Bytes of the envelope around the packets.</summary>
    public const int EnvelopeSize = 16;

    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    private static readonly JsonEncodedText Data = JsonEncodedText.Encode("Data");

    /// <summary>
    /// More than everything of a packet that is neither its payload nor the same in all of them: tag, addresses, ports, key, time, and
    /// names and punctuation around them.
    /// </summary>
    private const int MaxVariableSize = 768;

    private readonly PacketFacts _facts;
    private readonly bool _isPlainText;
    private readonly byte[] _local;
    private readonly byte[] _kind;

    public RequestPacketWriter(PacketFacts facts)
    {
        _facts = facts;
        // Nothing in these has to be escaped, so that they go straight to where they belong.
        _isPlainText = facts.Formatter is PayloadFormatter.Base64 or PayloadFormatter.Hex;
        var protocol = facts.Protocol == ListenerProtocol.WireGuard ? "wg" : "udp";
        _local = Encoding.UTF8.GetBytes(string.Create(
            CultureInfo.InvariantCulture,
            $"}},\"Local\":{{\"Domain\":\"{Escape(facts.Domain)}\",\"Port\":{facts.Port},\"Protocol\":\"{protocol}\",\"IpAddress\":\"{Escape(facts.LocalAddress)}\"}},\"ReceivedAt\":\""));
        _kind = Encoding.UTF8.GetBytes($"\",\"IngressRegion\":\"{Escape(facts.IngressRegion)}\",\"Formatter\":\"{NameOf(facts.Formatter)}\",{(_isPlainText ? "\"Data\":\"" : "")}");
        PacketOverhead = MaxVariableSize + _local.Length + _kind.Length;
        PacketOverhead = MeasureOverhead();
    }

    /// <summary>An upper bound of what one packet takes besides its <c>Data</c>.</summary>
    public int PacketOverhead { get; }

    public void Write(IBufferWriter<byte> output, PacketBatch batch) => Write(output, BatchPart.Whole(batch));

    public void Write(IBufferWriter<byte> output, BatchPart part)
    {
        using var packets = Start(output, part.Batch);
        output.Write("{\"Messages\":["u8);
        for (var place = 0; place < part.Count; place++)
        {
            if (place > 0)
                output.Write(","u8);
            packets.Write(part[place]);
        }

        output.Write("]}"u8);
    }

    /// <summary>One packet by itself.</summary>
    public void WritePacket(IBufferWriter<byte> output, PacketBatch batch, int index)
    {
        using var packets = Start(output, batch);
        packets.Write(index);
    }

    /// <summary>For packets of one batch, each by itself; to be disposed of.</summary>
    public Packets Start(IBufferWriter<byte> output, PacketBatch batch) => new(this, output, batch);

    private static string Escape(string text) => JsonEncodedText.Encode(text, Options.Encoder).ToString();

    private static string NameOf(PayloadFormatter formatter) => formatter switch
    {
        PayloadFormatter.Base64 => "base64",
        PayloadFormatter.Hex => "hex",
        PayloadFormatter.Ascii => "ascii",
        PayloadFormatter.Utf8 => "utf8",
        PayloadFormatter.Coap => "coap",
        _ => throw new ArgumentOutOfRangeException(nameof(formatter), formatter, "Unknown formatter."),
    };

    /// <summary>Writes the longest packet that can be, but for its payload.</summary>
    private int MeasureOverhead()
    {
        var longest = new PeerEndpoint(ulong.MaxValue, ulong.MaxValue, ushort.MaxValue);
        var flow = _facts.Protocol == ListenerProtocol.WireGuard ? new InnerFlow(6, longest, longest) : default;
        var form = _facts.Protocol == ListenerProtocol.WireGuard ? Replies.ReplyForm.TunnelUdp : Replies.ReplyForm.Datagram;
        var origin = new PacketOrigin { Route = new Replies.ReplyRoute(form, longest, default, 0, flow) };
        var output = new ArrayBufferWriter<byte>(1024);
        var batch = new PacketBatch();
        batch.Start(ulong.MaxValue, null!);
        using var packets = Start(output, batch);
        packets.Write(int.MaxValue, origin, _facts.Formatter == PayloadFormatter.Coap ? CoapMessage.Shortest : []);
        return output.WrittenCount + 1; // and the comma
    }

    /// <summary>
    /// Writes packets of one batch. What lies between tag and payload is kept from one to the next: a client's packets mostly come in
    /// runs, and those of a run have it in common.
    /// </summary>
    public ref struct Packets : IDisposable
    {
        private const int TimeLength = 24;

        private readonly RequestPacketWriter _writer;
        private readonly IBufferWriter<byte> _output;
        private readonly PacketBatch _batch;
        private readonly byte[] _texts;
        private readonly int _startLength;
        private int _middleLength;
        private PacketOrigin _middleOf;
        private TimeBytes _time;
        private long _timeOf;
        private Utf8JsonWriter? _json;

        internal Packets(RequestPacketWriter writer, IBufferWriter<byte> output, PacketBatch batch)
        {
            _writer = writer;
            _output = output;
            _batch = batch;
            _texts = ArrayPool<byte>.Shared.Rent(writer.PacketOverhead);
            _timeOf = long.MinValue;
            var start = new Utf8Line(_texts);
            start.Append("{\"Tag\":\""u8);
            start.Advance(PacketTag.WriteBatch(batch.Id, start.Rest));
            _startLength = start.Length;
        }

        /// <summary>The packet at that place in the batch.</summary>
        public void Write(int index) => Write(index, _batch[index].Origin, _batch.Payload(index));

        internal void Write(int index, in PacketOrigin origin, ReadOnlySpan<byte> payload)
        {
            if (_middleLength == 0 || !HaveSameMiddle(origin, _middleOf))
                WriteMiddle(origin);

            var formatter = _writer._facts.Formatter;
            var line = new Utf8Line(_output.GetSpan(_writer.PacketOverhead + (_writer._isPlainText ? (int)PayloadEncoding.EncodedSize(formatter, payload) : 0)));
            line.Append(_texts.AsSpan(0, _startLength));
            line.Advance(PacketTag.WriteIndex(index, line.Rest));
            line.Append(_texts.AsSpan(_startLength, _middleLength));
            if (_writer._isPlainText)
            {
                line.Advance(PayloadEncoding.WritePlain(formatter, payload, line.Rest));
                line.Append("\""u8);
            }
            else
            {
                _output.Advance(line.Length);
                WriteEscaped(formatter, payload);
                line = new Utf8Line(_output.GetSpan(MaxVariableSize));
            }

            AppendEnd(ref line, origin.Route.Inner);
            _output.Advance(line.Length);
        }

        public readonly void Dispose()
        {
            ArrayPool<byte>.Shared.Return(_texts);
            _json?.Dispose();
        }

        private static bool HaveSameMiddle(in PacketOrigin left, in PacketOrigin right) =>
            left.ReceivedAtUnixMilliseconds == right.ReceivedAtUnixMilliseconds
            && left.Route.Endpoint == right.Route.Endpoint
            && left.Route.IsTunnel == right.Route.IsTunnel
            && ((ReadOnlySpan<byte>)left.PeerKey).SequenceEqual(right.PeerKey);

        private void WriteMiddle(in PacketOrigin origin)
        {
            ref readonly var route = ref origin.Route;
            var line = new Utf8Line(_texts.AsSpan(_startLength));
            line.Append("\",\"Remote\":{\"IpAddress\":\""u8);
            line.AppendAddress(route.Endpoint, route.Endpoint.IsIPv4);
            line.Append("\",\"Port\":"u8);
            line.Append(route.Endpoint.Port);
            if (route.IsTunnel)
            {
                line.Append(",\"PeerKey\":\""u8);
                line.AppendBase64(origin.PeerKey);
                line.Append("\""u8);
            }

            line.Append(_writer._local);
            if (_timeOf != origin.ReceivedAtUnixMilliseconds)
            {
                _timeOf = origin.ReceivedAtUnixMilliseconds;
                DateTimeOffset.FromUnixTimeMilliseconds(_timeOf).TryFormat((Span<byte>)_time, out _, "yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
            }

            line.Append(_time);
            line.Append(_writer._kind);
            _middleLength = line.Length;
            _middleOf = origin;
        }

        private void WriteEscaped(PayloadFormatter formatter, ReadOnlySpan<byte> payload)
        {
            if (_json is null)
                _json = new Utf8JsonWriter(_output, Options);
            else
                _json.Reset(_output);
            PayloadEncoding.Write(_json, Data, formatter, payload);
            _json.Flush();
        }

        private static void AppendEnd(ref Utf8Line line, in InnerFlow flow)
        {
            if (flow.Version == 0)
            {
                line.Append("}"u8);
                return;
            }

            line.Append(",\"Inner\":{\"SourceAddress\":\""u8);
            line.AppendAddress(flow.Source, flow.Version == 4);
            line.Append("\",\"SourcePort\":"u8);
            line.Append(flow.Source.Port);
            line.Append(",\"DestinationAddress\":\""u8);
            line.AppendAddress(flow.Destination, flow.Version == 4);
            line.Append("\",\"DestinationPort\":"u8);
            line.Append(flow.Destination.Port);
            line.Append(",\"Version\":"u8);
            line.Append(flow.Version);
            line.Append(",\"Protocol\":"u8);
            line.Append(UdpHeader.Protocol);
            line.Append("}}"u8);
        }

        [InlineArray(TimeLength)]
        private struct TimeBytes
        {
            private byte _first;
        }
    }
}
