using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using UdpGateway.Listeners;

namespace UdpGateway.Gateway.Packets;

/// <summary>Payload bytes as the <c>Data</c> string of packets, and back.</summary>
internal static class PayloadEncoding
{
    /// <summary>The greatest expansion of one byte of text: a control character as <c>\u0001</c>.</summary>
    private const int EscapedSize = 6;

    /// <summary>False for a payload that the formatter has no form for: what is no CoAP message.</summary>
    public static bool CanEncode(PayloadFormatter formatter, ReadOnlySpan<byte> payload) =>
        formatter != PayloadFormatter.Coap || CoapMessage.TryRead(payload, out _);

    /// <summary>An upper bound of the bytes that the payload takes within a JSON string.</summary>
    public static long EncodedSize(PayloadFormatter formatter, ReadOnlySpan<byte> payload) => formatter switch
    {
        PayloadFormatter.Base64 => Base64.GetMaxEncodedToUtf8Length(payload.Length),
        PayloadFormatter.Hex => payload.Length * 2L,
        PayloadFormatter.Coap => CoapMessage.TryRead(payload, out var message) ? CoapJsonWriter.EncodedSize(message) : 0,
        _ => TextSize(payload),
    };

    /// <summary>The payload as a property of type string. Only what <see cref="CanEncode"/>.</summary>
    public static void Write(Utf8JsonWriter writer, JsonEncodedText name, PayloadFormatter formatter, ReadOnlySpan<byte> payload)
    {
        switch (formatter)
        {
            case PayloadFormatter.Base64:
                writer.WriteBase64String(name, payload);
                break;
            case PayloadFormatter.Hex:
                WriteText(writer, name, payload, payload.Length * 2, static (bytes, text) => Convert.TryToHexString(bytes, text, out var written) ? written : 0);
                break;
            case PayloadFormatter.Ascii:
                WriteText(writer, name, payload, payload.Length, DecodeAscii);
                break;
            case PayloadFormatter.Utf8:
                WriteText(writer, name, payload, payload.Length, static (bytes, text) => Encoding.UTF8.GetChars(bytes, text));
                break;
            case PayloadFormatter.Coap:
                CoapJsonWriter.Write(writer, name, CoapMessage.TryRead(payload, out var message) ? message : throw new ArgumentException("The payload is no CoAP message.", nameof(payload)));
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(formatter), formatter, "Unknown formatter.");
        }
    }

    /// <summary>The same text by itself, as UTF-8.</summary>
    public static void Write(IBufferWriter<byte> output, PayloadFormatter formatter, ReadOnlySpan<byte> payload)
    {
        switch (formatter)
        {
            case PayloadFormatter.Base64 or PayloadFormatter.Hex:
                output.Advance(WritePlain(formatter, payload, output.GetSpan((int)EncodedSize(formatter, payload))));
                break;
            case PayloadFormatter.Ascii:
                var ascii = output.GetSpan(payload.Length);
                for (var i = 0; i < payload.Length; i++)
                    ascii[i] = payload[i] < 0x80 ? payload[i] : (byte)'?';
                output.Advance(payload.Length);
                break;
            case PayloadFormatter.Utf8:
                var text = ArrayPool<char>.Shared.Rent(payload.Length);
                var length = Encoding.UTF8.GetChars(payload, text);
                Encoding.UTF8.GetBytes(text.AsSpan(0, length), output);
                ArrayPool<char>.Shared.Return(text);
                break;
            case PayloadFormatter.Coap:
                CoapJsonWriter.Write(output, CoapMessage.TryRead(payload, out var message) ? message : throw new ArgumentException("The payload is no CoAP message.", nameof(payload)));
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(formatter), formatter, "Unknown formatter.");
        }
    }

    /// <summary>The same text in a form of which JSON escapes nothing: base64 or hex. Returns its length.</summary>
    public static int WritePlain(PayloadFormatter formatter, ReadOnlySpan<byte> payload, Span<byte> text)
    {
        int length;
        if (formatter == PayloadFormatter.Base64)
            Base64.EncodeToUtf8(payload, text, out _, out length);
        else
            Convert.TryToHexString(payload, text, out length);
        return length;
    }

    /// <summary>The greatest number of bytes that <paramref name="data"/> can stand for.</summary>
    public static int MaxDecodedSize(PayloadFormatter formatter, string data) =>
        formatter == PayloadFormatter.Utf8 ? Encoding.UTF8.GetMaxByteCount(data.Length) : data.Length;

    /// <summary>
    /// Reads a reply's <c>Data</c>: base64 of either alphabet with or without padding, hex of either case, text, the JSON
    /// object of a CoAP message.
    /// False when it is none.
    /// </summary>
    public static bool TryRead(PayloadFormatter formatter, string data, Span<byte> payload, out int length)
    {
        length = 0;
        switch (formatter)
        {
            case PayloadFormatter.Base64:
                return TryReadBase64(data, payload, out length);
            case PayloadFormatter.Hex:
                return data.Length % 2 == 0
                    && Convert.FromHexString(data, payload, out _, out length) == OperationStatus.Done;
            case PayloadFormatter.Ascii:
                return Ascii.FromUtf16(data, payload, out length) == OperationStatus.Done;
            case PayloadFormatter.Utf8:
                length = Encoding.UTF8.GetBytes(data, payload);
                return true;
            case PayloadFormatter.Coap:
                return CoapJsonReader.TryRead(data, payload, out length);
            default:
                throw new ArgumentOutOfRangeException(nameof(formatter), formatter, "Unknown formatter.");
        }
    }

    private static bool TryReadBase64(string data, Span<byte> payload, out int length)
    {
        if (data.AsSpan().IndexOfAny('-', '_') < 0 && data.Length % 4 == 0)
            return Convert.TryFromBase64String(data, payload, out length);

        length = 0;
        var urlSafe = data.Replace('+', '-').Replace('/', '_').TrimEnd('=');
        return Base64Url.IsValid(urlSafe) && Base64Url.TryDecodeFromChars(urlSafe, payload, out length);
    }

    private static long TextSize(ReadOnlySpan<byte> payload)
    {
        var size = 0L;
        foreach (var letter in payload)
        {
            size += letter switch
            {
                < 0x20 or 0x7f => EscapedSize,
                (byte)'"' or (byte)'\\' => 2,
                < 0x7f => 1,
                _ => EscapedSize,
            };
        }

        return size;
    }

    private static int DecodeAscii(ReadOnlySpan<byte> bytes, Span<char> text)
    {
        for (var i = 0; i < bytes.Length; i++)
            text[i] = bytes[i] < 0x80 ? (char)bytes[i] : '?';
        return bytes.Length;
    }

    private delegate int Decode(ReadOnlySpan<byte> bytes, Span<char> text);

    private static void WriteText(Utf8JsonWriter writer, JsonEncodedText name, ReadOnlySpan<byte> payload, int maxLength, Decode decode)
    {
        var text = ArrayPool<char>.Shared.Rent(maxLength);
        var length = decode(payload, text);
        writer.WriteString(name, text.AsSpan(0, length));
        ArrayPool<char>.Shared.Return(text);
    }
}
