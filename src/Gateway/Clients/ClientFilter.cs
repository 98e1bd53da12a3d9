using System.Net;
using System.Net.Sockets;
using UdpGateway.Gateway.Observability;
using UdpGateway.WireGuard;

namespace UdpGateway.Gateway.Clients;

/// <summary>
/// Who may send to a listener: its AllowedNetworks as masks over the outer source, and its AllowedDomains. Without
/// either everybody may.
/// </summary>
internal sealed class ClientFilter
{
    private readonly Network[] _networks;

    private readonly DomainFilter? _domains;

    public ClientFilter(IReadOnlyList<IPNetwork> allowedNetworks, DomainFilter? domains = null)
    {
        _networks = [.. allowedNetworks.Select(Network.From)];
        _domains = domains;
    }

    /// <summary>Null when the source may send.</summary>
    public DropReason? Check(in PeerEndpoint source)
    {
        if (IsInNetwork(source))
            return null;
        if (_domains is not null)
            return _domains.Check(source);
        return _networks.Length == 0 ? null : DropReason.SourceNotAllowed;
    }

    private bool IsInNetwork(in PeerEndpoint source)
    {
        foreach (ref readonly var network in _networks.AsSpan())
        {
            if ((source.High & network.MaskHigh) == network.High && (source.Low & network.MaskLow) == network.Low)
                return true;
        }

        return false;
    }

    /// <summary>IPv4 networks are kept in the IPv4-mapped form that <see cref="PeerEndpoint"/> uses.</summary>
    private readonly record struct Network(ulong High, ulong Low, ulong MaskHigh, ulong MaskLow)
    {
        public static Network From(IPNetwork network)
        {
            var prefix = network.PrefixLength + (network.BaseAddress.AddressFamily == AddressFamily.InterNetwork ? 96 : 0);
            var start = PeerEndpoint.From(new IPEndPoint(network.BaseAddress, 0));
            var maskHigh = Mask(Math.Min(prefix, 64));
            var maskLow = Mask(Math.Max(prefix - 64, 0));
            return new Network(start.High & maskHigh, start.Low & maskLow, maskHigh, maskLow);
        }

        private static ulong Mask(int bits) => bits == 0 ? 0 : ulong.MaxValue << (64 - bits);
    }
}
