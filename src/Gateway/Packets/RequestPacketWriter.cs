using System.Buffers;
using System.Buffers.Text;
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

    private static readonly JsonEncodedText Messages = JsonEncodedText.Encode("Messages");
    private static readonly JsonEncodedText Tag = JsonEncodedText.Encode("Tag");
    private static readonly JsonEncodedText Remote = JsonEncodedText.Encode("Remote");
    private static readonly JsonEncodedText IpAddress = JsonEncodedText.Encode("IpAddress");
    private static readonly JsonEncodedText Port = JsonEncodedText.Encode("Port");
    private static readonly JsonEncodedText PeerKey = JsonEncodedText.Encode("PeerKey");
    private static readonly JsonEncodedText Local = JsonEncodedText.Encode("Local");
    private static readonly JsonEncodedText Domain = JsonEncodedText.Encode("Domain");
    private static readonly JsonEncodedText Protocol = JsonEncodedText.Encode("Protocol");
    private static readonly JsonEncodedText ReceivedAt = JsonEncodedText.Encode("ReceivedAt");
    private static readonly JsonEncodedText IngressRegion = JsonEncodedText.Encode("IngressRegion");
    private static readonly JsonEncodedText Formatter = JsonEncodedText.Encode("Formatter");
    private static readonly JsonEncodedText Data = JsonEncodedText.Encode("Data");
    private static readonly JsonEncodedText Inner = JsonEncodedText.Encode("Inner");
    private static readonly JsonEncodedText SourceAddress = JsonEncodedText.Encode("SourceAddress");
    private static readonly JsonEncodedText SourcePort = JsonEncodedText.Encode("SourcePort");
    private static readonly JsonEncodedText DestinationAddress = JsonEncodedText.Encode("DestinationAddress");
    private static readonly JsonEncodedText DestinationPort = JsonEncodedText.Encode("DestinationPort");
    private static readonly JsonEncodedText Version = JsonEncodedText.Encode("Version");

    private readonly PacketFacts _facts;
    private readonly JsonEncodedText _domain;
    private readonly JsonEncodedText _localAddress;
    private readonly JsonEncodedText _protocol;
    private readonly JsonEncodedText _region;
    private readonly JsonEncodedText _formatter;

    public RequestPacketWriter(PacketFacts facts)
    {
        _facts = facts;
        _domain = JsonEncodedText.Encode(facts.Domain, Options.Encoder);
        _localAddress = JsonEncodedText.Encode(facts.LocalAddress, Options.Encoder);
        _protocol = JsonEncodedText.Encode(facts.Protocol == ListenerProtocol.WireGuard ? "wg" : "udp");
        _region = JsonEncodedText.Encode(facts.IngressRegion, Options.Encoder);
        _formatter = JsonEncodedText.Encode(NameOf(facts.Formatter));
        PacketOverhead = MeasureOverhead();
    }

    /// <summary>An upper bound of what one packet takes besides its <c>Data</c>.</summary>
    public int PacketOverhead { get; }

    public void Write(IBufferWriter<byte> output, PacketBatch batch) => Write(output, BatchPart.Whole(batch));

    public void Write(IBufferWriter<byte> output, BatchPart part)
    {
        var batch = part.Batch;
        using var writer = new Utf8JsonWriter(output, Options);
        writer.WriteStartObject();
        writer.WriteStartArray(Messages);
        for (var place = 0; place < part.Count; place++)
        {
            var index = part[place];
            WritePacket(writer, batch.Id, index, batch[index].Origin, batch.Payload(index));
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    /// <summary>One packet by itself.</summary>
    public void WritePacket(IBufferWriter<byte> output, PacketBatch batch, int index)
    {
        using var writer = new Utf8JsonWriter(output, Options);
        WritePacket(writer, batch.Id, index, batch[index].Origin, batch.Payload(index));
    }

    private static string NameOf(PayloadFormatter formatter) => formatter switch
    {
        PayloadFormatter.Base64 => "base64",
        PayloadFormatter.Hex => "hex",
        PayloadFormatter.Ascii => "ascii",
        PayloadFormatter.Utf8 => "utf8",
        PayloadFormatter.Coap => "coap",
        _ => throw new ArgumentOutOfRangeException(nameof(formatter), formatter, "Unknown formatter."),
    };

    private void WritePacket(Utf8JsonWriter writer, ulong batchId, int index, in PacketOrigin origin, ReadOnlySpan<byte> payload)
    {
        Span<byte> text = stackalloc byte[64];
        var route = origin.Route;
        writer.WriteStartObject();
        writer.WriteString(Tag, PacketTag.Write(batchId, index, text));

        writer.WriteStartObject(Remote);
        WriteAddress(writer, IpAddress, route.Endpoint, route.Endpoint.IsIPv4);
        writer.WriteNumber(Port, route.Endpoint.Port);
        if (route.IsTunnel)
        {
            Base64.EncodeToUtf8(origin.PeerKey, text, out _, out var length);
            writer.WriteString(PeerKey, text[..length]);
        }

        writer.WriteEndObject();

        writer.WriteStartObject(Local);
        writer.WriteString(Domain, _domain);
        writer.WriteNumber(Port, _facts.Port);
        writer.WriteString(Protocol, _protocol);
        writer.WriteString(IpAddress, _localAddress);
        writer.WriteEndObject();

        DateTimeOffset.FromUnixTimeMilliseconds(origin.ReceivedAtUnixMilliseconds).TryFormat(text, out var written, "yyyy-MM-dd'T'HH:mm:ss.fff'Z'");
        writer.WriteString(ReceivedAt, text[..written]);
        writer.WriteString(IngressRegion, _region);
        writer.WriteString(Formatter, _formatter);
        PayloadEncoding.Write(writer, Data, _facts.Formatter, payload);
        if (route.Inner.Version != 0)
            WriteInner(writer, route.Inner);
        writer.WriteEndObject();
    }

    private static void WriteInner(Utf8JsonWriter writer, in InnerFlow flow)
    {
        writer.WriteStartObject(Inner);
        WriteAddress(writer, SourceAddress, flow.Source, flow.Version == 4);
        writer.WriteNumber(SourcePort, flow.Source.Port);
        WriteAddress(writer, DestinationAddress, flow.Destination, flow.Version == 4);
        writer.WriteNumber(DestinationPort, flow.Destination.Port);
        writer.WriteNumber(Version, flow.Version);
        writer.WriteNumber(Protocol, UdpHeader.Protocol);
        writer.WriteEndObject();
    }

    private static void WriteAddress(Utf8JsonWriter writer, JsonEncodedText name, in PeerEndpoint endpoint, bool isIPv4)
    {
        Span<byte> bytes = stackalloc byte[16];
        Span<byte> text = stackalloc byte[64];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(bytes, endpoint.High);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], endpoint.Low);
        // Per packet of a delivery, off the packet path: IPAddress knows the canonical text forms.
        var address = new System.Net.IPAddress(isIPv4 ? bytes[12..] : bytes);
        address.TryFormat(text, out var length);
        writer.WriteString(name, text[..length]);
    }

    /// <summary>Writes the longest packet that can be, but for its payload.</summary>
    private int MeasureOverhead()
    {
        var longest = new PeerEndpoint(ulong.MaxValue, ulong.MaxValue, ushort.MaxValue);
        var flow = _facts.Protocol == ListenerProtocol.WireGuard ? new InnerFlow(6, longest, longest) : default;
        var form = _facts.Protocol == ListenerProtocol.WireGuard ? Replies.ReplyForm.TunnelUdp : Replies.ReplyForm.Datagram;
        var origin = new PacketOrigin { Route = new Replies.ReplyRoute(form, longest, default, 0, flow) };
        var output = new ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(output, Options))
            WritePacket(writer, ulong.MaxValue, int.MaxValue, origin, _facts.Formatter == PayloadFormatter.Coap ? CoapMessage.Shortest : []);
        return output.WrittenCount + 1; // and the comma
    }
}
