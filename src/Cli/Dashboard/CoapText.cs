using System.Globalization;
using System.Text;
using UdpGateway.Gateway.Packets;

namespace UdpGateway.Cli.Dashboard;

/// <summary>A CoAP message (RFC 7252) as a person reads it.</summary>
internal static class CoapText
{
    private const int PlainPort = 5683;
    private const int SecurePort = 5684;
    private const int ContentFormat = 12;
    private const int Accept = 17;
    private const int UriQuery = 15;

    private static readonly string[] Types = ["confirmable", "non-confirmable", "acknowledgement", "reset"];
    private static readonly string[] Methods = ["GET", "POST", "PUT", "DELETE", "FETCH", "PATCH", "iPATCH"];
    private static readonly Dictionary<int, string> OptionNames = new()
    {
        [1] = "If-Match",
        [3] = "Uri-Host",
        [4] = "ETag",
        [5] = "If-None-Match",
        [6] = "Observe",
        [7] = "Uri-Port",
        [8] = "Location-Path",
        [CoapOption.UriPath] = "Uri-Path",
        [ContentFormat] = "Content-Format",
        [14] = "Max-Age",
        [UriQuery] = "Uri-Query",
        [Accept] = "Accept",
        [20] = "Location-Query",
        [23] = "Block2",
        [27] = "Block1",
        [28] = "Size2",
        [35] = "Proxy-Uri",
        [39] = "Proxy-Scheme",
        [60] = "Size1",
    };

    public static bool IsPort(int port) => port is PlainPort or SecurePort;

    /// <param name="isLikely">By port or destination; without that, only what no text looks like is taken for CoAP.</param>
    public static bool TryRead(ReadOnlySpan<byte> payload, bool isLikely, out PacketLayer layer, out string line, out int payloadLength)
    {
        layer = null!;
        line = "";
        payloadLength = 0;
        if (!CoapMessage.TryRead(payload, out var message) || (!isLikely && !LooksLikeCoap(payload, message)))
            return false;

        var path = new StringBuilder();
        var fields = new List<KeyValuePair<string, string>>
        {
            new("Type", Types[message.Type]),
            new("Code", CodeName(message.Code)),
            new("Message id", message.MessageId.ToString(CultureInfo.InvariantCulture)),
        };
        if (!message.Token.IsEmpty)
            fields.Add(new("Token", Convert.ToHexStringLower(message.Token)));
        foreach (var option in message.Options)
        {
            if (option.Number == CoapOption.UriPath)
                path.Append('/').Append(Encoding.UTF8.GetString(option.Value));
            fields.Add(new(OptionNames.GetValueOrDefault(option.Number, $"Option {option.Number}"), Value(option)));
        }

        payloadLength = message.Payload.Length;
        layer = new PacketLayer("CoAP", fields);
        line = $"{CodeName(message.Code)} {path}".TrimEnd();
        return true;
    }

    private static bool LooksLikeCoap(ReadOnlySpan<byte> payload, in CoapMessage message)
    {
        var kind = message.Code >> 5;
        if (message.Code == CoapMessage.EmptyCode || kind is 1 or 3 or > 5 || (kind == 0 && message.Code > Methods.Length))
            return false;
        foreach (var letter in payload)
        {
            if (letter is (< 0x20 or > 0x7e) and not (byte)'\n' and not (byte)'\r' and not (byte)'\t')
                return true;
        }

        return false;
    }

    private static string CodeName(int code) => code switch
    {
        CoapMessage.EmptyCode => "empty",
        _ when code <= Methods.Length => Methods[code - 1],
        _ => $"{code >> 5}.{code & 0x1f:00}",
    };

    private static string Value(in CoapOption option)
    {
        if (option.Number is ContentFormat or Accept or 6 or 7 or 14 or 23 or 27 or 28 or 60 && option.Value.Length <= sizeof(uint))
        {
            var number = 0u;
            foreach (var digit in option.Value)
                number = (number << 8) | digit;
            return number.ToString(CultureInfo.InvariantCulture);
        }

        return option.Number is 1 or 4 || !OptionNames.ContainsKey(option.Number)
            ? Convert.ToHexStringLower(option.Value)
            : Encoding.UTF8.GetString(option.Value);
    }
}
