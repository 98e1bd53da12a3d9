namespace UdpGateway.Listeners;

/// <summary>The formatter's names in templates.</summary>
internal static class Formatters
{
    public static bool TryParse(string name, out PayloadFormatter formatter)
    {
        // Enum.TryParse alone would also take numbers.
        formatter = PayloadFormatter.Base64;
        return name.Length > 0 && char.IsAsciiLetter(name[0]) && !name.Contains(',', StringComparison.Ordinal)
            && Enum.TryParse(name, ignoreCase: true, out formatter);
    }

    /// <summary>Of the formatters only those that the results of expressions can have.</summary>
    public static bool TryParseText(string name, out PayloadFormatter formatter) => TryParse(name, out formatter) && formatter != PayloadFormatter.Coap;
}
