using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace UdpGateway.Listeners;

/// <summary>
/// Reads a CIDR block as WireGuard and AWS templates write it: host bits are cleared, an address without prefix
/// is a single host. Legacy IPv4 forms (<c>10.1</c>, <c>010.0.0.1</c>) and scope ids are refused.
/// </summary>
internal static class NetworkText
{
    public static bool TryParse(string text, out IPNetwork network)
    {
        network = default;
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        var addressText = slash < 0 ? text : text[..slash];
        if (addressText.Contains('%', StringComparison.Ordinal) || !IPAddress.TryParse(addressText, out var address))
            return false;
        if (address.AddressFamily is AddressFamily.InterNetwork && address.ToString() != addressText)
            return false;

        var bytes = address.GetAddressBytes();
        var prefixLength = bytes.Length * 8;
        if (slash >= 0 && (!int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out prefixLength) || prefixLength > bytes.Length * 8))
            return false;
        if (address.IsIPv4MappedToIPv6 && prefixLength >= 96)
        {
            bytes = address.MapToIPv4().GetAddressBytes();
            prefixLength -= 96;
        }

        for (var index = 0; index < bytes.Length; index++)
            bytes[index] &= (byte)(0xFF00 >> Math.Clamp(prefixLength - (index * 8), 0, 8));
        network = new IPNetwork(new IPAddress(bytes), prefixLength);
        return true;
    }
}
