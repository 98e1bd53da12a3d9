using System.Globalization;
using System.Text;

namespace UdpGateway.Cli.Client;

/// <summary>How payload bytes are typed and printed: as UTF-8 text, or as hexadecimal digits.</summary>
internal sealed class PayloadText(bool hex)
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <exception cref="UserErrorException">Not hexadecimal.</exception>
    public byte[] Read(string text)
    {
        if (!hex)
            return Encoding.UTF8.GetBytes(text);
        try
        {
            return Convert.FromHexString(text);
        }
        catch (FormatException)
        {
            throw new UserErrorException($"'{text}' is not hexadecimal: expected an even number of digits, such as 0a1b2c.");
        }
    }

    /// <summary>
    /// One line; a line end at the end of the text is this line's. Bytes that a terminal cannot show as text appear as <c>hex:</c> and digits.
    /// </summary>
    public string Write(ReadOnlySpan<byte> payload)
    {
        if (hex)
            return Convert.ToHexStringLower(payload);
        try
        {
            var text = StrictUtf8.GetString(payload);
            var line = text.EndsWith('\n') ? text[..^1] : text;
            return line.All(IsPrintable) ? line : Hex(payload);
        }
        catch (DecoderFallbackException)
        {
            return Hex(payload);
        }
    }

    private static string Hex(ReadOnlySpan<byte> payload) => "hex:" + Convert.ToHexStringLower(payload);

    /// <summary>A control character of a stranger must not reach the terminal.</summary>
    public static bool IsPrintable(char character) =>
        char.GetUnicodeCategory(character) is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
}
