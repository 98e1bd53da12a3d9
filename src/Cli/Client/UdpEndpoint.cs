using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace UdpGateway.Cli.Client;

/// <summary><c>HOST:PORT</c> as users write it: <c>127.0.0.1:51820</c>, <c>[::1]:51820</c>, <c>gateway.example.com:51820</c>.</summary>
internal static class UdpEndpoint
{
    /// <summary>An address literal with a port; no name is looked up.</summary>
    public static bool TryParse(string text, out IPEndPoint endpoint)
    {
        endpoint = new IPEndPoint(IPAddress.None, 0);
        if (!TrySplit(text, out var host, out var port) || !IPAddress.TryParse(host, out var address))
            return false;
        endpoint = new IPEndPoint(address, port);
        return true;
    }

    /// <exception cref="UserErrorException">No endpoint, or a name without address.</exception>
    public static async Task<IPEndPoint> ResolveAsync(string text, CancellationToken cancellationToken)
    {
        if (TryParse(text, out var endpoint))
            return endpoint;
        if (!TrySplit(text, out var host, out var port))
            throw new UserErrorException($"'{text}' is no endpoint: expected HOST:PORT, for IPv6 [ADDRESS]:PORT.");
        try
        {
            var addresses = await Dns.GetHostAddressesAsync(host, cancellationToken);
            return new IPEndPoint(addresses[0], port);
        }
        catch (SocketException exception)
        {
            throw new UserErrorException($"'{host}' has no address: {exception.Message}");
        }
    }

    private static bool TrySplit(string text, out string host, out int port)
    {
        var colon = text.LastIndexOf(':');
        host = colon > 0 ? text[..colon] : "";
        port = 0;
        if (host.StartsWith('[') && host.EndsWith(']'))
            host = host[1..^1];
        else if (host.Contains(':', StringComparison.Ordinal))
            return false;
        return host.Length > 0
            && int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port)
            && port is > 0 and <= ushort.MaxValue;
    }
}
