namespace UdpGateway.WireGuard.Tests.Scenarios;

/// <summary>Who is at an address, for what is sent there without being asked.</summary>
public sealed class EndpointScenarios
{
    private static readonly PeerEndpoint Home = Tunnels.Endpoint("198.51.100.7:40112");
    private static readonly PeerEndpoint Cafe = Tunnels.Endpoint("[2001:db8::7]:40112");

    [Fact]
    public void Peer_is_found_where_it_was_last_heard_from_and_nowhere_else()
    {
        using var tunnels = new Tunnels { Source = Home };
        var client = tunnels.NewHandmadeClient();
        var peer = client.Connect();
        Assert.Equal(peer, Find(tunnels, Home));

        tunnels.Source = Cafe;
        tunnels.Deliver(client.Seal(1, "from elsewhere"u8));

        Assert.Equal(peer, Find(tunnels, Cafe));
        Assert.Null(Find(tunnels, Home));
        Assert.Null(Find(tunnels, Tunnels.Endpoint("[2001:db8::7]:40113")));
    }

    [Fact]
    public void Handshake_from_elsewhere_moves_the_peer_with_its_first_packet_only()
    {
        using var tunnels = new Tunnels { Source = Home };
        var client = tunnels.NewHandmadeClient();
        var peer = client.Connect();
        tunnels.Now += TimeSpan.FromSeconds(120);

        tunnels.Source = Cafe;
        client.Handshake();
        Assert.Equal((peer, null), (Find(tunnels, Home), Find(tunnels, Cafe)));
        tunnels.Deliver(client.Seal(0, []));

        Assert.Equal((null, peer), (Find(tunnels, Home), Find(tunnels, Cafe)));
    }

    [Fact]
    public void Half_open_peer_is_not_found_and_one_whose_session_is_over_neither()
    {
        using var tunnels = new Tunnels { Source = Home };
        var client = tunnels.NewHandmadeClient();
        client.Handshake();
        Assert.Null(Find(tunnels, Home));
        tunnels.Deliver(client.Seal(0, []));
        Assert.NotNull(Find(tunnels, Home));

        tunnels.Now += TimeSpan.FromSeconds(180);

        Assert.Null(Find(tunnels, Home));
        tunnels.TakeDue();
        Assert.Null(Find(tunnels, Home));
        Assert.Equal(Find(tunnels, Home) ?? client.Connect(), Find(tunnels, Home));
    }

    [Fact]
    public void Of_those_at_one_endpoint_the_latest_comer_is_found_and_then_the_one_that_is_left()
    {
        using var tunnels = new Tunnels { Source = Home };
        var (first, second) = (tunnels.NewHandmadeClient(), tunnels.NewHandmadeClient());
        Know(tunnels, first, second);
        var (firstId, secondId) = (first.Connect(), second.Connect());

        Assert.Equal(secondId, Find(tunnels, Home));
        tunnels.Deliver(first.Seal(1, "is here too"u8));
        Assert.Equal(secondId, Find(tunnels, Home));
        Know(tunnels, first);

        Assert.Equal(firstId, Find(tunnels, Home));
        Know(tunnels);
        Assert.Null(Find(tunnels, Home));
    }

    private static void Know(Tunnels tunnels, params IEnumerable<HandmadeClient> clients) => tunnels.Engine.Apply(
        [new TunnelConfiguration { TunnelId = 7, PrivateKeys = [tunnels.ServerKey], Peers = [.. clients.Select(client => new NamedPeer { PublicKey = client.PublicKey })] }], tunnels.Now);

    private static PeerId? Find(Tunnels tunnels, in PeerEndpoint endpoint) =>
        tunnels.Engine.TryFindPeer(endpoint, tunnels.Now, out var peer) ? peer : null;
}
