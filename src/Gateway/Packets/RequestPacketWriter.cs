using System.Buffers;
using System.Diagnostics.CodeAnalysis;
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
        _kind = Encoding.UTF8.GetBytes($"\",\"IngressRegion\":\"{Escape(facts.IngressRegion)}\",\"Formatter\":\"{NameOf(facts.Formatter)}\",");
        PacketOverhead = MeasureOverhead();
    }

    /// <summary>An upper bound of what one packet takes besides its <c>Data</c>.</summary>
    public int PacketOverhead { get; }

    public void Write(IBufferWriter<byte> output, PacketBatch batch) => Write(output, BatchPart.Whole(batch));

    public void Write(IBufferWriter<byte> output, BatchPart part)
    {
        var batch = part.Batch;
        var state = new State();
        output.Write("{\"Messages\":["u8);
        for (var place = 0; place < part.Count; place++)
        {
            if (place > 0)
                output.Write(","u8);
            var index = part[place];
            WritePacket(output, ref state, batch.Id, index, batch[index].Origin, batch.Payload(index));
        }

        output.Write("]}"u8);
        state.Writer?.Dispose();
    }

    /// <summary>One packet by itself.</summary>
    public void WritePacket(IBufferWriter<byte> output, PacketBatch batch, int index)
    {
        var state = new State();
        WritePacket(output, ref state, batch.Id, index, batch[index].Origin, batch.Payload(index));
        state.Writer?.Dispose();
    }

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

    private void WritePacket(IBufferWriter<byte> output, ref State state, ulong batchId, int index, in PacketOrigin origin, ReadOnlySpan<byte> payload)
    {
        ref readonly var route = ref origin.Route;
        var line = new Utf8Line(output.GetSpan(MaxVariableSize + _local.Length + _kind.Length));
        line.Append("{\"Tag\":\""u8);
        line.Advance(PacketTag.Write(batchId, index, line.Rest).Length);
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

        line.Append(_local);
        line.Append(state.TimeOf(origin.ReceivedAtUnixMilliseconds));
        line.Append(_kind);
        output.Advance(line.Length);
        WriteData(output, ref state, payload);
        WriteEnd(output, route.Inner);
    }

    private void WriteData(IBufferWriter<byte> output, ref State state, ReadOnlySpan<byte> payload)
    {
        if (_isPlainText)
        {
            output.Write("\"Data\":\""u8);
            PayloadEncoding.Write(output, _facts.Formatter, payload);
            output.Write("\""u8);
            return;
        }

        var writer = state.WriterOn(output);
        PayloadEncoding.Write(writer, Data, _facts.Formatter, payload);
        writer.Flush();
    }

    private static void WriteEnd(IBufferWriter<byte> output, in InnerFlow flow)
    {
        if (flow.Version == 0)
        {
            output.Write("}"u8);
            return;
        }

        var line = new Utf8Line(output.GetSpan(MaxVariableSize));
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
        output.Advance(line.Length);
    }

    /// <summary>Writes the longest packet that can be, but for its payload.</summary>
    private int MeasureOverhead()
    {
        var longest = new PeerEndpoint(ulong.MaxValue, ulong.MaxValue, ushort.MaxValue);
        var flow = _facts.Protocol == ListenerProtocol.WireGuard ? new InnerFlow(6, longest, longest) : default;
        var form = _facts.Protocol == ListenerProtocol.WireGuard ? Replies.ReplyForm.TunnelUdp : Replies.ReplyForm.Datagram;
        var origin = new PacketOrigin { Route = new Replies.ReplyRoute(form, longest, default, 0, flow) };
        var output = new ArrayBufferWriter<byte>(1024);
        var state = new State();
        WritePacket(output, ref state, ulong.MaxValue, int.MaxValue, origin, _facts.Formatter == PayloadFormatter.Coap ? CoapMessage.Shortest : []);
        state.Writer?.Dispose();
        return output.WrittenCount + 1; // and the comma
    }

    /// <summary>What the packets of one call share: neighbours mostly arrived in the same millisecond.</summary>
    private ref struct State
    {
        private const int TimeLength = 24;

        private TimeBytes _time;
        private long _timeOf;
        private bool _hasTime;

        /// <summary>Made for the first payload that may have to be escaped.</summary>
        public Utf8JsonWriter? Writer { get; private set; }

        [UnscopedRef]
        public ReadOnlySpan<byte> TimeOf(long unixMilliseconds)
        {
            Span<byte> text = _time;
            if (!_hasTime || _timeOf != unixMilliseconds)
            {
                DateTimeOffset.FromUnixTimeMilliseconds(unixMilliseconds).TryFormat(text, out _, "yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
                _timeOf = unixMilliseconds;
                _hasTime = true;
            }

            return text;
        }

        public Utf8JsonWriter WriterOn(IBufferWriter<byte> output)
        {
            if (Writer is null)
                Writer = new Utf8JsonWriter(output, Options);
            else
                Writer.Reset(output);
            return Writer;
        }

        [InlineArray(TimeLength)]
        private struct TimeBytes
        {
            private byte _first;
        }
    }
}
