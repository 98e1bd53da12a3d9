using System.Buffers;
using System.Buffers.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace UdpGateway.Gateway.Packets;

/// <summary>
/// A received CoAP message as the JSON object that the <c>coap</c> formatter puts, as a string, into <c>Data</c>. It
/// has only ASCII and no backslash, so that as a string it grows by its quotation marks alone.
/// </summary>
internal static class CoapJsonWriter
{
    // Names, numbers, token and method at their longest, all quotation marks escaped.
    private const int EnvelopeSize = 192;
    private const int OptionSize = 40;
    private const int MaxKeptScratch = 64 * 1024;

    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    private static readonly JsonEncodedText Version = JsonEncodedText.Encode("Version");
    private static readonly JsonEncodedText Type = JsonEncodedText.Encode("Type");
    private static readonly JsonEncodedText Code = JsonEncodedText.Encode("Code");
    private static readonly JsonEncodedText MessageId = JsonEncodedText.Encode("MessageId");
    private static readonly JsonEncodedText Token = JsonEncodedText.Encode("Token");
    private static readonly JsonEncodedText Method = JsonEncodedText.Encode("Method");
    private static readonly JsonEncodedText Path = JsonEncodedText.Encode("Path");
    private static readonly JsonEncodedText OptionList = JsonEncodedText.Encode("Options");
    private static readonly JsonEncodedText Number = JsonEncodedText.Encode("Number");
    private static readonly JsonEncodedText Value = JsonEncodedText.Encode("Value");
    private static readonly JsonEncodedText Payload = JsonEncodedText.Encode("Payload");

    /// <summary>By code, from 0.01: RFC 7252 §5.8 and RFC 8132 §4.</summary>
    private static readonly JsonEncodedText[] Methods =
        [.. new[] { "GET", "POST", "PUT", "DELETE", "FETCH", "PATCH", "iPATCH" }.Select(name => JsonEncodedText.Encode(name))];

    /// <summary>RFC 7252 §6.5: what a path segment may hold as it is.</summary>
    private static readonly SearchValues<byte> PathBytes =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@"u8);

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? _scratch;

    [ThreadStatic]
    private static Utf8JsonWriter? _scratchWriter;

    /// <summary>An upper bound of the bytes within a JSON string.</summary>
    public static long EncodedSize(in CoapMessage message)
    {
        var size = EnvelopeSize + (long)Base64.GetMaxEncodedToUtf8Length(message.Payload.Length);
        foreach (var option in message.Options)
        {
            size += OptionSize + Base64.GetMaxEncodedToUtf8Length(option.Value.Length);
            if (option.Number == CoapOption.UriPath)
                size += SegmentSize(option.Value);
        }

        return size;
    }

    /// <summary>Writes the message as a property of type string.</summary>
    public static void Write(Utf8JsonWriter writer, JsonEncodedText name, in CoapMessage message)
    {
        var scratch = _scratch ??= new ArrayBufferWriter<byte>();
        var inner = _scratchWriter ??= new Utf8JsonWriter(scratch, Options);
        scratch.ResetWrittenCount();
        inner.Reset(scratch);
        WriteObject(inner, message);
        inner.Flush();
        writer.WriteString(name, scratch.WrittenSpan);
        if (scratch.Capacity > MaxKeptScratch)
            (_scratch, _scratchWriter) = (null, null);
    }

    private static void WriteObject(Utf8JsonWriter writer, in CoapMessage message)
    {
        writer.WriteStartObject();
        writer.WriteNumber(Version, CoapMessage.Version);
        writer.WriteNumber(Type, message.Type);
        writer.WriteNumber(Code, message.Code);
        writer.WriteNumber(MessageId, message.MessageId);
        writer.WriteBase64String(Token, message.Token);
        // Class 0 are requests, but for the empty message.
        if (message.Code is > CoapMessage.EmptyCode and < 32)
        {
            if (message.Code <= Methods.Length)
                writer.WriteString(Method, Methods[message.Code - 1]);
            WritePath(writer, message);
        }

        writer.WriteStartArray(OptionList);
        foreach (var option in message.Options)
        {
            writer.WriteStartObject();
            writer.WriteNumber(Number, option.Number);
            writer.WriteBase64String(Value, option.Value);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        if (!message.Payload.IsEmpty)
            writer.WriteBase64String(Payload, message.Payload);
        writer.WriteEndObject();
    }

    private static void WritePath(Utf8JsonWriter writer, in CoapMessage message)
    {
        var size = 1;
        foreach (var option in message.Options)
            size += option.Number == CoapOption.UriPath ? SegmentSize(option.Value) : 0;
        var path = ArrayPool<byte>.Shared.Rent(size);
        var length = 0;
        foreach (var option in message.Options)
        {
            if (option.Number == CoapOption.UriPath)
                length += WriteSegment(path.AsSpan(length), option.Value);
        }

        if (length == 0)
            path[length++] = (byte)'/';
        writer.WriteString(Path, path.AsSpan(0, length));
        ArrayPool<byte>.Shared.Return(path);
    }

    private static int SegmentSize(ReadOnlySpan<byte> segment) => 1 + (segment.Length * "%XX".Length);

    private static int WriteSegment(Span<byte> path, ReadOnlySpan<byte> segment)
    {
        path[0] = (byte)'/';
        var length = 1;
        foreach (var letter in segment)
        {
            if (PathBytes.Contains(letter))
            {
                path[length++] = letter;
                continue;
            }

            path[length] = (byte)'%';
            letter.TryFormat(path[(length + 1)..], out _, "X2");
            length += "%XX".Length;
        }

        return length;
    }
}
