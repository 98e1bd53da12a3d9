using System.Net;

namespace UdpGateway.WireGuard.Tests.Scenarios;

public sealed class AllowedIPsScenarios
{
    [Theory]
    [InlineData("10.1.0.0/16", "10.1.2.3", ReceiveVerdict.Data)]
    [InlineData("10.1.0.0/16", "10.2.0.1", ReceiveVerdict.InnerSourceNotAllowed)]
    [InlineData("10.1.2.3/32", "10.1.2.3", ReceiveVerdict.Data)]
    [InlineData("10.1.2.3/32", "10.1.2.4", ReceiveVerdict.InnerSourceNotAllowed)]
    [InlineData("fd00:1::/32", "fd00:1::7", ReceiveVerdict.Data)]
    [InlineData("fd00:1::/32", "fd00:2::7", ReceiveVerdict.InnerSourceNotAllowed)]
    [InlineData("10.1.0.0/16", "fd00:1::7", ReceiveVerdict.InnerSourceNotAllowed)]
    [InlineData("fd00:1::/32", "10.1.2.3", ReceiveVerdict.InnerSourceNotAllowed)]
    [InlineData("0.0.0.0/0", "203.0.113.9", ReceiveVerdict.Data)]
    [InlineData("0.0.0.0/0", "fd00::1", ReceiveVerdict.InnerSourceNotAllowed)]
    [InlineData("::/0", "fd00::1", ReceiveVerdict.Data)]
    [InlineData("", "203.0.113.9", ReceiveVerdict.Data)]
    [InlineData("", "fd00::1", ReceiveVerdict.Data)]
    public void Inner_source_is_judged_by_the_peer_s_prefixes(string allowedIPs, string source, ReceiveVerdict expected)
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewHandmadeClient();
        Apply(tunnels, (client, allowedIPs));
        client.Connect();

        Assert.Equal(expected, tunnels.Deliver(client.Seal(1, Packet(source))).Verdict);
    }

    [Fact]
    public void Longest_prefix_over_the_whole_listener_decides_whose_source_it_is()
    {
        using var tunnels = new Tunnels();
        var (wide, narrow, host) = (tunnels.NewHandmadeClient(), tunnels.NewHandmadeClient(), tunnels.NewHandmadeClient());
        Apply(tunnels, (wide, "10.0.0.0/8 fd00::/16"), (narrow, "10.1.0.0/16 fd00:0:1::/48"), (host, "10.1.1.1/32"));
        foreach (var client in new[] { wide, narrow, host })
            client.Connect();

        foreach (var (source, owner) in new[]
        {
            ("10.9.9.9", wide), ("10.1.9.9", narrow), ("10.1.1.1", host), ("10.0.255.255", wide), ("10.2.0.0", wide), ("10.1.1.0", narrow),
            ("fd00:0:2::1", wide), ("fd00:0:1::1", narrow),
        })
        {
            foreach (var client in new[] { wide, narrow, host })
            {
                tunnels.Now += TimeSpan.FromMilliseconds(100);
                client.Connect();
                var expected = client == owner ? ReceiveVerdict.Data : ReceiveVerdict.InnerSourceNotAllowed;
                Assert.Equal((source, expected), (source, tunnels.Deliver(client.Seal(1, Packet(source))).Verdict));
            }
        }
    }

    [Fact]
    public void Everything_prefix_is_shared_by_any_number_of_peers_but_covers_no_other_peer_s_longer_one()
    {
        using var tunnels = new Tunnels();
        var (first, second, owner, stranger) =
            (tunnels.NewHandmadeClient(), tunnels.NewHandmadeClient(), tunnels.NewHandmadeClient(), tunnels.NewHandmadeClient());
        Apply(tunnels, (first, "0.0.0.0/0 ::/0"), (second, "0.0.0.0/0 ::/0"), (owner, "10.7.0.0/24 fd07::/64"));

        foreach (var client in new[] { first, second, stranger })
        {
            client.Connect();
            Assert.Equal(ReceiveVerdict.Data, tunnels.Deliver(client.Seal(1, Packet("203.0.113.9"))).Verdict);
            Assert.Equal(ReceiveVerdict.Data, tunnels.Deliver(client.Seal(2, Packet("2001:db8::9"))).Verdict);
            Assert.Equal(ReceiveVerdict.InnerSourceNotAllowed, tunnels.Deliver(client.Seal(3, Packet("10.7.0.9"))).Verdict);
            Assert.Equal(ReceiveVerdict.InnerSourceNotAllowed, tunnels.Deliver(client.Seal(4, Packet("fd07::9"))).Verdict);
        }

        owner.Connect();
        Assert.Equal(ReceiveVerdict.Data, tunnels.Deliver(owner.Seal(1, Packet("10.7.0.9"))).Verdict);
    }

    [Theory]
    [InlineData("", true)]
    [InlineData("0.0.0.0/0", true)]
    [InlineData("::/0", true)]
    [InlineData("10.0.0.0/8", false)]
    [InlineData("0.0.0.0/1 128.0.0.0/1", false)]
    public void Raw_payloads_need_a_peer_that_may_send_from_anywhere(string allowedIPs, bool isAllowed)
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewHandmadeClient();
        Apply(tunnels, (client, allowedIPs));
        client.Connect();

        var received = tunnels.Deliver(client.Seal(1, "no IP packet"u8));

        Assert.Equal(isAllowed ? ReceiveVerdict.Data : ReceiveVerdict.RawNotAllowed, received.Verdict);
    }

    [Fact]
    public void Packet_that_only_looks_like_IP_does_not_slip_through_a_narrow_peer_s_prefixes()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewHandmadeClient();
        Apply(tunnels, (client, "10.0.0.0/8"));
        client.Connect();
        var truncated = Packet("10.0.0.1")[..^1];

        Assert.Equal(ReceiveVerdict.RawNotAllowed, tunnels.Deliver(client.Seal(1, truncated)).Verdict);
    }

    [Fact]
    public void Refused_inner_source_is_still_an_authenticated_packet_of_its_peer()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewHandmadeClient();
        Apply(tunnels, (client, "10.0.0.0/8"));
        client.Handshake();

        var refused = tunnels.Deliver(client.Seal(0, Packet("203.0.113.9")));

        Assert.True(refused.Result.HandshakeCompleted);
        Assert.True(refused.Result.IsDrop);
        Assert.Equal(ReceiveVerdict.Replayed, tunnels.Deliver(client.Seal(0, Packet("10.0.0.1"))).Verdict);
        Assert.Equal(ReceiveVerdict.Data, tunnels.Deliver(client.Seal(1, Packet("10.0.0.1"))).Verdict);
    }

    private static byte[] Packet(string source) => source.Contains(':', StringComparison.Ordinal) ? TestPackets.IPv6(source) : TestPackets.IPv4(source);

    private static void Apply(Tunnels tunnels, params (HandmadeClient Client, string AllowedIPs)[] peers) => tunnels.Engine.Apply(
        [
            new TunnelConfiguration
            {
                TunnelId = 7,
                PrivateKeys = [tunnels.ServerKey],
                AllowUnknownPeers = true,
                Peers =
                [
                    .. peers.Select(peer => new NamedPeer
                    {
                        PublicKey = peer.Client.PublicKey,
                        AllowedIPs = [.. peer.AllowedIPs.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(text => IPNetwork.Parse(text))],
                    }),
                ],
            },
        ],
        tunnels.Now);
}
