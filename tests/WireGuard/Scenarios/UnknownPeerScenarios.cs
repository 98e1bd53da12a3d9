namespace UdpGateway.WireGuard.Tests.Scenarios;

public sealed class UnknownPeerScenarios
{
    [Fact]
    public void Half_open_handshakes_stay_below_their_cap_and_the_oldest_gives_way()
    {
        using var tunnels = new Tunnels(options: new WireGuardEngineOptions { MaxHalfOpen = 4 });
        var clients = Enumerable.Range(0, 6).Select(_ => tunnels.NewHandmadeClient()).ToList();

        foreach (var client in clients)
        {
            Assert.Equal(ReceiveVerdict.InitiationAnswered, client.Handshake().Verdict);
            tunnels.Now += TimeSpan.FromSeconds(1);
        }

        Assert.Equal((4, 4), (tunnels.Engine.HalfOpenCount, tunnels.Engine.SessionCount));
        var verdicts = clients.Select(client => tunnels.Deliver(client.Seal(0, [])).Verdict);
        Assert.Equal(
            [ReceiveVerdict.UnknownIndex, ReceiveVerdict.UnknownIndex, ReceiveVerdict.Keepalive, ReceiveVerdict.Keepalive, ReceiveVerdict.Keepalive, ReceiveVerdict.Keepalive],
            verdicts);
    }

    [Fact]
    public void Retransmission_does_not_make_a_half_open_peer_younger_than_it_is()
    {
        using var tunnels = new Tunnels(options: new WireGuardEngineOptions { MaxHalfOpen = 2 });
        var (oldest, second) = (tunnels.NewHandmadeClient(), tunnels.NewHandmadeClient());
        oldest.Handshake();
        second.Handshake();
        tunnels.Now += TimeSpan.FromSeconds(5);
        oldest.Handshake();

        tunnels.NewHandmadeClient().Handshake();

        Assert.Equal(ReceiveVerdict.UnknownIndex, tunnels.Deliver(oldest.Seal(0, [])).Verdict);
        Assert.Equal(ReceiveVerdict.Keepalive, tunnels.Deliver(second.Seal(0, [])).Verdict);
    }

    [Fact]
    public void Strangers_displace_neither_confirmed_nor_named_peers()
    {
        using var tunnels = new Tunnels(options: new WireGuardEngineOptions { MaxHalfOpen = 3, MaxPeers = 2 });
        var (confirmed, named) = (tunnels.NewHandmadeClient(), tunnels.NewHandmadeClient());
        tunnels.Engine.Apply([With(tunnels, [new NamedPeer { PublicKey = named.PublicKey }])], tunnels.Now);
        var confirmedId = confirmed.Connect();
        named.Handshake();

        for (var i = 0; i < 20; i++)
            tunnels.NewHandmadeClient().Handshake();

        Assert.Equal(4, tunnels.Engine.HalfOpenCount);
        Assert.Equal(SealVerdict.Sealed, tunnels.Seal(confirmedId, "mine"u8).Result.Verdict);
        Assert.True(tunnels.Deliver(named.Seal(0, [])).Result.HandshakeCompleted);
        Assert.Equal(ReceiveVerdict.Data, tunnels.Deliver(confirmed.Seal(1, "still"u8)).Verdict);
    }

    [Fact]
    public void Named_peers_displace_no_stranger_either()
    {
        using var tunnels = new Tunnels(options: new WireGuardEngineOptions { MaxHalfOpen = 1 });
        var (stranger, named) = (tunnels.NewHandmadeClient(), tunnels.NewHandmadeClient());
        tunnels.Engine.Apply([With(tunnels, [new NamedPeer { PublicKey = named.PublicKey }])], tunnels.Now);
        stranger.Handshake();

        named.Handshake();

        Assert.Equal(2, tunnels.Engine.HalfOpenCount);
        Assert.True(tunnels.Deliver(stranger.Seal(0, [])).Result.HandshakeCompleted);
        Assert.True(tunnels.Deliver(named.Seal(0, [])).Result.HandshakeCompleted);
    }

    [Fact]
    public void Replay_rings_stay_below_their_cap_and_no_packet_is_accepted_twice_without_one()
    {
        using var tunnels = new Tunnels(options: new WireGuardEngineOptions { MaxReplayRings = 1 });
        var (first, second) = (tunnels.NewHandmadeClient(), tunnels.NewHandmadeClient());
        foreach (var client in new[] { first, second })
        {
            client.Connect();
            Assert.Equal(ReceiveVerdict.Data, tunnels.Deliver(client.Seal(1_000, "far ahead"u8)).Verdict);
            Assert.Equal(ReceiveVerdict.Replayed, tunnels.Deliver(client.Seal(1_000, "far ahead"u8)).Verdict);
            Assert.Equal(ReceiveVerdict.Data, tunnels.Deliver(client.Seal(940, "a little behind"u8)).Verdict);
        }

        Assert.Equal(ReceiveVerdict.Data, tunnels.Deliver(first.Seal(500, "far behind"u8)).Verdict);
        Assert.Equal(ReceiveVerdict.Replayed, tunnels.Deliver(second.Seal(500, "far behind"u8)).Verdict);
        Assert.Equal(ReceiveVerdict.Data, tunnels.Deliver(second.Seal(1_001, "goes on"u8)).Verdict);
    }

    [Fact]
    public void Confirmed_strangers_stay_below_their_cap_and_named_peers_have_room_of_their_own()
    {
        using var tunnels = new Tunnels(options: new WireGuardEngineOptions { MaxPeers = 2 });
        var named = tunnels.NewHandmadeClient();
        tunnels.Engine.Apply([With(tunnels, [new NamedPeer { PublicKey = named.PublicKey }])], tunnels.Now);
        tunnels.NewHandmadeClient().Connect();
        tunnels.NewHandmadeClient().Connect();
        var third = tunnels.NewHandmadeClient();
        third.Handshake();

        var refused = tunnels.Deliver(third.Seal(0, "let me in"u8));

        Assert.Equal((ReceiveVerdict.PeerLimit, 0), (refused.Verdict, refused.Answer.Length));
        Assert.Equal((2, 1), (tunnels.Engine.PeerCount, tunnels.Engine.HalfOpenCount));
        named.Connect();
        Assert.Equal(3, tunnels.Engine.PeerCount);
    }

    [Fact]
    public void Existing_peers_rekey_when_the_table_is_full()
    {
        using var tunnels = new Tunnels(options: new WireGuardEngineOptions { MaxPeers = 1, MaxHalfOpen = 1 });
        var client = tunnels.NewHandmadeClient();
        var peer = client.Connect();
        tunnels.NewHandmadeClient().Handshake();

        for (var i = 0; i < 5; i++)
        {
            tunnels.Now += Paper.RekeyAfterTime;
            Assert.Equal(peer, client.Connect());
        }
    }

    [Fact]
    public void Place_of_a_peer_without_sessions_goes_to_a_stranger_who_confirms()
    {
        using var tunnels = new Tunnels(options: new WireGuardEngineOptions { MaxPeers = 2 });
        var (idle, busy) = (tunnels.NewHandmadeClient(), tunnels.NewHandmadeClient());
        var (idleId, busyId) = (idle.Connect(), busy.Connect());
        tunnels.Now += Paper.RekeyAfterTime;
        busy.Connect();
        tunnels.Now += TimeSpan.FromSeconds(61);
        tunnels.TakeDue();

        tunnels.NewHandmadeClient().Connect();
        var fourth = tunnels.NewHandmadeClient();
        fourth.Handshake();

        Assert.Equal(SealVerdict.UnknownPeer, tunnels.Seal(idleId, "gone"u8).Result.Verdict);
        Assert.Equal(SealVerdict.Sealed, tunnels.Seal(busyId, "here"u8).Result.Verdict);
        Assert.Equal(ReceiveVerdict.PeerLimit, tunnels.Deliver(fourth.Seal(0, [])).Verdict);
    }

    [Fact]
    public void Named_peer_keeps_its_place_however_long_it_is_silent()
    {
        using var tunnels = new Tunnels(options: new WireGuardEngineOptions { MaxPeers = 1 });
        var named = tunnels.NewHandmadeClient();
        tunnels.Engine.Apply([With(tunnels, [new NamedPeer { PublicKey = named.PublicKey }])], tunnels.Now);
        var namedId = named.Connect();
        tunnels.Now += TimeSpan.FromDays(1);
        tunnels.TakeDue();

        tunnels.NewHandmadeClient().Connect();
        tunnels.Now += TimeSpan.FromDays(1);
        tunnels.TakeDue();
        tunnels.NewHandmadeClient().Connect();

        Assert.True(tunnels.Engine.TryGetPeer(namedId, new byte[32], out _, out _));
        Assert.Equal(2, tunnels.Engine.PeerCount);
    }

    [Fact]
    public void Nothing_is_ever_sent_to_a_half_open_peer_but_the_one_response()
    {
        using var tunnels = new Tunnels();
        tunnels.NewHandmadeClient().Handshake();

        for (var second = 0; second < 300; second++)
        {
            tunnels.Now += TimeSpan.FromSeconds(1);
            Assert.Empty(tunnels.TakeDue());
        }

        Assert.Equal((0, 0), (tunnels.Engine.PeerCount, tunnels.Engine.HalfOpenCount));
    }

    [Fact]
    public void Garbage_on_a_half_open_index_proves_nothing()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewHandmadeClient();
        client.Handshake();
        var garbage = client.Seal(0, "observed on the wire"u8);
        tunnels.Fill(garbage.AsSpan(16));

        Assert.Equal(ReceiveVerdict.NotAuthentic, tunnels.Deliver(garbage).Verdict);
        Assert.Equal((0, 1), (tunnels.Engine.PeerCount, tunnels.Engine.HalfOpenCount));
    }

    [Fact]
    public void A_hundred_thousand_half_open_handshakes_stay_within_their_bound_and_give_everything_back()
    {
        const int MaxHalfOpen = 65_536;
        using var tunnels = new Tunnels(crypto: new MultiplicativeAgreement());
        var confirmed = tunnels.NewHandmadeClient();
        var confirmedId = confirmed.Connect();
        var privateKey = new byte[32];

        for (var i = 0; i < 100_000; i++)
        {
            tunnels.Fill(privateKey);
            using var key = new SecretKey(privateKey);
            using var stranger = new HandmadeClient(tunnels, key, tunnels.ServerPublicKey, tunnels.Fill);
            if (tunnels.Deliver(stranger.Initiate()).Verdict != ReceiveVerdict.InitiationAnswered)
                Assert.Fail($"Initiation {i} was not answered.");
        }

        Assert.Equal((MaxHalfOpen, 1, MaxHalfOpen + 1), (tunnels.Engine.HalfOpenCount, tunnels.Engine.PeerCount, tunnels.Engine.SessionCount));
        Assert.Equal(ReceiveVerdict.Data, tunnels.Deliver(confirmed.Seal(1, "undisturbed"u8)).Verdict);
        Assert.Equal(SealVerdict.Sealed, tunnels.Seal(confirmedId, "likewise"u8).Result.Verdict);

        tunnels.Now += Paper.RejectAfterTime + TimeSpan.FromSeconds(1);
        tunnels.TakeDue();
        Assert.Equal((0, 1, 0), (tunnels.Engine.HalfOpenCount, tunnels.Engine.PeerCount, tunnels.Engine.SessionCount));
    }

    private static TunnelConfiguration With(Tunnels tunnels, IReadOnlyList<NamedPeer> peers) => new()
    {
        TunnelId = 7,
        PrivateKeys = [tunnels.ServerKey],
        AllowUnknownPeers = true,
        Peers = peers,
    };
}
