using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace UdpGateway.Gateway.Packets;

/// <summary>
/// A reply's JSON object to the bytes of its CoAP message. Handlers write options in any order, leave out empty values,
/// repeat what the request had beside its fields, and give the code as <c>"2.05"</c> or as an integer.
/// </summary>
internal static class CoapJsonReader
{
    /// <summary>
    /// False when it is no such object. The message is never longer than <paramref name="json"/>: the shortest option,
    /// <c>{"Number":1}</c>, becomes one byte.
    /// </summary>
    public static bool TryRead(string json, Span<byte> datagram, out int length)
    {
        length = 0;
        // Not JsonDocument.Parse(string), which throws for half of a surrogate pair.
        var utf8 = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(json.Length));
        try
        {
            using var document = JsonDocument.Parse(utf8.AsMemory(0, Encoding.UTF8.GetBytes(json, utf8)));
            return TryReadObject(document.RootElement, datagram, out length);
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            // The latter for an escaped half of a surrogate pair, which is JSON but no text.
            return false;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(utf8);
        }
    }

    private static bool TryReadObject(JsonElement root, Span<byte> datagram, out int length)
    {
        length = 0;
        if (root.ValueKind != JsonValueKind.Object
            || !HasVersion(root)
            || !TryGetInteger(root, "Type", 0b11, out var type)
            || !TryGetCode(root, out var code)
            || !TryGetInteger(root, "MessageId", ushort.MaxValue, out var messageId))
            return false;

        datagram[0] = (byte)((CoapMessage.Version << 6) | (type << 4));
        datagram[1] = (byte)code;
        BinaryPrimitives.WriteUInt16BigEndian(datagram[2..], (ushort)messageId);
        length = CoapMessage.HeaderSize;
        if (!TryWriteToken(root, datagram, ref length) || !TryWriteOptions(root, datagram, ref length) || !TryWritePayload(root, datagram, ref length))
            return false;
        if (code != CoapMessage.EmptyCode)
            return true;

        // Handlers copy the request's token into an empty ACK; RFC 7252 §4.1 forbids everything behind the header.
        var isEmpty = length == CoapMessage.HeaderSize + (datagram[0] & 0b1111);
        datagram[0] &= 0b1111_0000;
        length = CoapMessage.HeaderSize;
        return isEmpty;
    }

    private static bool HasVersion(JsonElement root) =>
        !TryGetPresent(root, "Version", out var version) || (version.ValueKind == JsonValueKind.Number && version.TryGetInt32(out var number) && number == CoapMessage.Version);

    private static bool TryGetCode(JsonElement root, out int code)
    {
        code = 0;
        if (!TryGetPresent(root, "Code", out var element) || element.ValueKind != JsonValueKind.String)
            return TryGetInteger(root, "Code", byte.MaxValue, out code);

        // c.dd; the quotation marks are part of the raw value.
        var text = JsonMarshal.GetRawUtf8Value(element);
        if (text is not [(byte)'"', >= (byte)'0' and <= (byte)'7', (byte)'.', >= (byte)'0' and <= (byte)'3', >= (byte)'0' and <= (byte)'9', (byte)'"'])
            return false;
        var detail = ((text[3] - '0') * 10) + text[4] - '0';
        code = ((text[1] - '0') << 5) | detail;
        return detail < 32;
    }

    private static bool TryWriteToken(JsonElement root, Span<byte> datagram, ref int length)
    {
        if (!TryGetPresent(root, "Token", out var token))
            return true;
        if (!TryDecodeBase64(token, datagram[length..], out var size) || size > CoapMessage.MaxTokenLength)
            return false;
        datagram[0] |= (byte)size;
        length += size;
        return true;
    }

    private static bool TryWriteOptions(JsonElement root, Span<byte> datagram, ref int length)
    {
        if (!TryGetPresent(root, "Options", out var list))
            return true;
        var options = new List<(int Number, int Index, JsonElement Value)>();
        if (list.ValueKind == JsonValueKind.Object)
        {
            // JSONata turns an array of one into its element.
            if (!TryAddOption(list, options))
                return false;
        }
        else if (list.ValueKind != JsonValueKind.Array)
        {
            return false;
        }
        else
        {
            foreach (var element in list.EnumerateArray())
            {
                if (element.ValueKind != JsonValueKind.Null && !TryAddOption(element, options))
                    return false;
            }
        }

        // Options of one number keep their order: they are the segments of a path.
        options.Sort(static (left, right) => left.Number != right.Number ? left.Number.CompareTo(right.Number) : left.Index.CompareTo(right.Index));
        var previous = 0;
        foreach (var (number, _, value) in options)
        {
            if (!TryWriteOption(number - previous, value, datagram[length..], out var size))
                return false;
            previous = number;
            length += size;
        }

        return true;
    }

    private static bool TryAddOption(JsonElement element, List<(int Number, int Index, JsonElement Value)> options)
    {
        if (element.ValueKind != JsonValueKind.Object || !TryGetInteger(element, "Number", CoapOption.MaxNumber, out var number))
            return false;
        TryGetPresent(element, "Value", out var value);
        options.Add((number, options.Count, value));
        return true;
    }

    private static bool TryWriteOption(int delta, JsonElement value, Span<byte> bytes, out int size)
    {
        size = 0;
        // The value's length is part of the header, so the value is decoded behind the longest one and moved.
        if (bytes.Length < CoapOption.MaxHeaderSize || !TryDecodeValue(value, bytes[CoapOption.MaxHeaderSize..], out var length) || length > ushort.MaxValue)
            return false;
        size = CoapOption.WriteHeader(bytes, delta, length);
        bytes.Slice(CoapOption.MaxHeaderSize, length).CopyTo(bytes[size..]);
        size += length;
        return true;
    }

    private static bool TryWritePayload(JsonElement root, Span<byte> datagram, ref int length)
    {
        if (!TryGetPresent(root, "Payload", out var payload))
            return true;
        if (!TryDecodeBase64(payload, datagram[(length + 1)..], out var size))
            return false;
        if (size == 0)
            return true;
        datagram[length] = CoapMessage.PayloadMarker;
        length += 1 + size;
        return true;
    }

    /// <summary>Base64; or a number, as the shortest big-endian form that RFC 7252 §3.2 asks for; or nothing.</summary>
    private static bool TryDecodeValue(JsonElement value, Span<byte> bytes, out int length)
    {
        length = 0;
        switch (value.ValueKind)
        {
            case JsonValueKind.Undefined:
                return true;
            case JsonValueKind.Number:
                if (!value.TryGetUInt64(out var number))
                    return false;
                Span<byte> digits = stackalloc byte[sizeof(ulong)];
                BinaryPrimitives.WriteUInt64BigEndian(digits, number);
                var shortest = digits.TrimStart((byte)0);
                shortest.CopyTo(bytes);
                length = shortest.Length;
                return true;
            default:
                return TryDecodeBase64(value, bytes, out length);
        }
    }

    private static bool TryDecodeBase64(JsonElement element, Span<byte> bytes, out int length)
    {
        length = 0;
        if (element.ValueKind != JsonValueKind.String)
            return false;
        var raw = JsonMarshal.GetRawUtf8Value(element)[1..^1];
        var text = ArrayPool<byte>.Shared.Rent(raw.Length);
        try
        {
            // Some serializers escape + and /.
            var size = raw.Contains((byte)'\\') ? Encoding.UTF8.GetBytes(element.GetString()!, text) : Copy(raw, text);
            return TryDecodeBase64(text.AsSpan(0, size), bytes, out length);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(text);
        }
    }

    private static int Copy(ReadOnlySpan<byte> raw, Span<byte> text)
    {
        raw.CopyTo(text);
        return raw.Length;
    }

    private static bool TryDecodeBase64(Span<byte> text, Span<byte> bytes, out int length)
    {
        // Of either alphabet, with or without padding.
        text.Replace((byte)'+', (byte)'-');
        text.Replace((byte)'/', (byte)'_');
        return Base64Url.DecodeFromUtf8(text.TrimEnd((byte)'='), bytes, out _, out length) == OperationStatus.Done;
    }

    private static bool TryGetInteger(JsonElement element, string name, int max, out int number)
    {
        number = 0;
        return TryGetPresent(element, name, out var value)
            && value.ValueKind == JsonValueKind.Number
            && value.TryGetInt32(out number)
            && number >= 0
            && number <= max;
    }

    /// <summary>Null is the same as missing; <paramref name="value"/> is undefined then.</summary>
    private static bool TryGetPresent(JsonElement element, string name, out JsonElement value)
    {
        if (element.TryGetProperty(name, out value) && value.ValueKind != JsonValueKind.Null)
            return true;
        value = default;
        return false;
    }
}
