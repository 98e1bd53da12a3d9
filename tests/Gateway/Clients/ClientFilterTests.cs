using System.Net;
using UdpGateway.Gateway.Clients;
using UdpGateway.Gateway.Observability;
using UdpGateway.WireGuard;

namespace UdpGateway.Gateway.Tests.Clients;

public sealed class ClientFilterTests
{
    [Theory]
    [InlineData("", "203.0.113.9", true)]
    [InlineData("203.0.113.0/24", "203.0.113.9", true)]
    [InlineData("203.0.113.0/24", "203.0.114.9", false)]
    [InlineData("203.0.113.9/32", "203.0.113.9", true)]
    [InlineData("203.0.113.9/32", "203.0.113.8", false)]
    [InlineData("0.0.0.0/0", "203.0.113.9", true)]
    [InlineData("0.0.0.0/0", "2001:db8::1", false)]
    [InlineData("::/0", "2001:db8::1", true)]
    [InlineData("2001:db8::/32", "2001:db8:ffff::1", true)]
    [InlineData("2001:db8::/32", "2001:db9::1", false)]
    [InlineData("2001:db8::/127", "2001:db8::1", true)]
    [InlineData("2001:db8::/127", "2001:db8::2", false)]
    [InlineData("10.0.0.0/8 203.0.113.0/24", "203.0.113.1", true)]
    [InlineData("10.0.0.0/8 203.0.113.0/24", "::1", false)]
    public void Allows_sources_within_a_network(string networks, string source, bool allowed)
    {
        var filter = new ClientFilter([.. networks.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(network => IPNetwork.Parse(network))]);

        Assert.Equal(allowed ? null : DropReason.SourceNotAllowed, filter.Check(PeerEndpoint.From(new IPEndPoint(IPAddress.Parse(source), 5000))));
    }
}
