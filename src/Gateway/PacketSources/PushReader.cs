using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Text.Json;
using UdpGateway.Gateway.InnerPackets;
using UdpGateway.Gateway.Packets;
using UdpGateway.Listeners;
using UdpGateway.WireGuard;

namespace UdpGateway.Gateway.PacketSources;

/// <summary>
/// Reads <c>{"Messages":[{"Data":…,"Remote":{…},"Inner":{…},"Formatter":…}]}</c>, bare or in the envelope in which SNS delivers it, with
/// the tolerance that existing applications need: <c>Address</c>, <c>IpAddress</c> or <c>IP</c>, an empty <c>PeerKey</c>, numbers as
/// strings, nulls, and one packet without an array.
/// </summary>
internal static class PushReader
{
    private const int KeySize = 32;

    public static PushDocument Read(string message)
    {
        var document = new PushDocument();
        try
        {
            using var json = JsonDocument.Parse(message);
            ReadRoot(json.RootElement, document, isInner: false);
        }
        catch (JsonException)
        {
            document.AddProblem("the message is not JSON");
        }
        catch (InvalidOperationException)
        {
            // Half of an escaped surrogate pair, which is no text; the reader finds out when it is asked for it.
            document.AddProblem("the message has text that is none");
        }

        return document;
    }

    private static void ReadRoot(JsonElement root, PushDocument document, bool isInner)
    {
        if (root.ValueKind != JsonValueKind.Object)
        {
            document.AddProblem("the message is no object");
        }
        else if (root.TryGetProperty("Messages", out var messages))
        {
            ReadMessages(messages, document, depth: 0);
        }
        else if (!isInner && TryGetText(root, "Message", out var text) && root.TryGetProperty("TopicArn", out _))
        {
            using var json = JsonDocument.Parse(text);
            ReadRoot(json.RootElement, document, isInner: true);
        }
        else if (root.TryGetProperty("Data", out _))
        {
            ReadPacket(root, document);
        }
        else
        {
            document.AddProblem("the message has no Messages");
        }
    }

    private static void ReadMessages(JsonElement messages, PushDocument document, int depth)
    {
        switch (messages.ValueKind)
        {
            case JsonValueKind.Null:
                return;
            case JsonValueKind.Object:
                ReadPacket(messages, document);
                return;
            case JsonValueKind.Array when depth < 2:
                foreach (var element in messages.EnumerateArray())
                    ReadMessages(element, document, depth + 1);
                return;
            default:
                document.AddProblem("an entry of Messages is no object");
                return;
        }
    }

    private static void ReadPacket(JsonElement packet, PushDocument document)
    {
        if (Find(packet, out var problem) is { } found)
            document.Packets.Add(found);
        else
            document.AddProblem(problem);
    }

    private static PushedPacket? Find(JsonElement packet, out string problem)
    {
        problem = string.Empty;
        if (!packet.TryGetProperty("Data", out var data) || data.ValueKind != JsonValueKind.String)
        {
            problem = "a packet has no Data of type string";
        }
        else if (!TryReadFormatter(packet, out var formatter))
        {
            problem = "a Formatter is none of base64, hex, ascii, utf8 and coap";
        }
        else if (!packet.TryGetProperty("Remote", out var remote) || remote.ValueKind != JsonValueKind.Object)
        {
            problem = "a packet has no Remote of type object";
        }
        else if (!TryReadKey(remote, out var key))
        {
            problem = "a Remote.PeerKey is not the base64 of 32 bytes";
        }
        else if (!TryReadEndpoint(remote, ["Address", "IpAddress", "IP"], "Port", out var endpoint) && key is null)
        {
            problem = "a Remote needs Address (an IP address) and Port (1 to 65535)";
        }
        else if (!TryReadInner(packet, out var inner))
        {
            problem = "an Inner needs SourceAddress, SourcePort, DestinationAddress and DestinationPort of one IP version";
        }
        else if (Decode(formatter, data.GetString()!) is { } payload)
        {
            return new PushedPacket(endpoint, key, inner, payload);
        }
        else
        {
            problem = $"the Data of a packet is no {formatter} text";
        }

        return null;
    }

    private static bool TryReadFormatter(JsonElement packet, out PayloadFormatter formatter)
    {
        formatter = PayloadFormatter.Base64;
        return !TryGetText(packet, "Formatter", out var name)
            || (char.IsAsciiLetter(name[0]) && !name.Contains(',', StringComparison.Ordinal) && Enum.TryParse(name, ignoreCase: true, out formatter));
    }

    // Templates give an empty key for plain UDP.
    private static bool TryReadKey(JsonElement remote, out byte[]? key)
    {
        key = null;
        if (!TryGetText(remote, "PeerKey", out var text))
            return true;
        var bytes = new byte[KeySize];
        if (!Convert.TryFromBase64String(text, bytes, out var length) || length != KeySize)
            return false;
        key = bytes;
        return true;
    }

    private static bool TryReadInner(JsonElement packet, out InnerFlow? inner)
    {
        inner = null;
        if (!packet.TryGetProperty("Inner", out var element) || element.ValueKind == JsonValueKind.Null)
            return true;
        if (element.ValueKind != JsonValueKind.Object)
            return false;
        if (!element.EnumerateObject().Any())
            return true;
        if (!TryReadEndpoint(element, ["SourceAddress"], "SourcePort", out var source) || !TryReadEndpoint(element, ["DestinationAddress"], "DestinationPort", out var destination)
            || source!.Value.IsIPv4 != destination!.Value.IsIPv4)
            return false;
        inner = new InnerFlow((byte)(source.Value.IsIPv4 ? 4 : 6), source.Value, destination.Value);
        return true;
    }

    private static bool TryReadEndpoint(JsonElement element, ReadOnlySpan<string> addressNames, string portName, [NotNullWhen(true)] out PeerEndpoint? endpoint)
    {
        endpoint = null;
        var text = string.Empty;
        foreach (var name in addressNames)
        {
            if (TryGetText(element, name, out text))
                break;
        }

        if (!IPAddress.TryParse(text, out var address) || !TryReadPort(element, portName, out var port))
            return false;
        endpoint = PeerEndpoint.From(new IPEndPoint(address, port));
        return true;
    }

    private static bool TryReadPort(JsonElement element, string name, out ushort port)
    {
        port = 0;
        if (!element.TryGetProperty(name, out var value))
            return false;
        return value.ValueKind switch
        {
            JsonValueKind.Number => value.TryGetUInt16(out port) && port > 0,
            JsonValueKind.String => ushort.TryParse(value.GetString(), NumberStyles.None, CultureInfo.InvariantCulture, out port) && port > 0,
            _ => false,
        };
    }

    private static byte[]? Decode(PayloadFormatter formatter, string data)
    {
        var bytes = new byte[PayloadEncoding.MaxDecodedSize(formatter, data)];
        return PayloadEncoding.TryRead(formatter, data, bytes, out var length) ? bytes[..length] : null;
    }

    /// <summary>A string with something in it.</summary>
    private static bool TryGetText(JsonElement element, string name, out string text)
    {
        text = element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : string.Empty;
        return text.Length > 0;
    }
}
