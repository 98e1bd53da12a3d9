using System.Net;
using UdpGateway.WireGuard.Handshake;
using UdpGateway.WireGuard.Sessions;
using UdpGateway.WireGuard.Tests.Crypto;
using UdpGateway.WireGuard.Tests.Scenarios;

namespace UdpGateway.WireGuard.Tests.Regressions;

/// <summary>
/// One test for each published bug of another WireGuard implementation (gotatun, boringtun and its forks, wireguard-go,
/// the Linux kernel) that an engine without sockets can have. Missing numbers are bugs of sockets.
/// </summary>
public sealed class KnownBugs
{
    private static readonly TimeSpan Retry = Paper.RekeyTimeout + Paper.MaximumJitter;

    [Theory, OnOpenSsl, OnPortable]
    public void B01_Responder_sends_nothing_on_its_first_session_before_it_is_confirmed(string backend)
    {
        using var tunnels = new Tunnels(backend);
        tunnels.NewHandmadeClient().Handshake();

        // The only peer there is has slot 0, and its first generation is 1.
        Assert.Equal(SealVerdict.NoSession, tunnels.Seal(new PeerId(0, 1), "unconfirmed"u8).Result.Verdict);
        Assert.False(tunnels.Engine.TryGetPeer(new PeerId(0, 0), new byte[32], out _, out _));
    }

    [Theory, OnOpenSsl, OnPortable]
    public void B01_Unconfirmed_handshakes_in_a_row_never_wrap_onto_the_live_session(string backend)
    {
        using var tunnels = new Tunnels(backend);
        var clientKey = tunnels.NewKey();
        var client = tunnels.NewHandmadeClient(clientKey);
        var peer = client.Connect();
        var sameKeyWithoutConfirmation = tunnels.NewHandmadeClient(clientKey);

        for (var i = 1; i <= 30; i++)
        {
            tunnels.Now += Retry;
            Assert.Equal(ReceiveVerdict.InitiationAnswered, tunnels.Deliver(sameKeyWithoutConfirmation.Initiate()).Verdict);
            Assert.Equal("live"u8.ToArray(), client.Open(tunnels.Seal(peer, "live"u8).Datagram));
            Assert.Equal(ReceiveVerdict.Data, tunnels.Deliver(client.Seal((ulong)i, "live"u8)).Verdict);
        }
    }

    [Fact]
    public void B02_Oversized_datagram_harms_nobody()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewHandmadeClient();
        client.Connect();

        Assert.Equal(ReceiveVerdict.Data, tunnels.Deliver(client.Seal(1, new byte[65_535 - Paper.TransportOverhead])).Verdict);
        Assert.Equal(ReceiveVerdict.UnknownIndex, tunnels.Deliver([4, .. new byte[65_534]]).Verdict);
        Assert.Equal(ReceiveVerdict.Data, tunnels.Deliver(client.Seal(2, "alive"u8)).Verdict);
    }

    [Fact]
    public void B03_Peer_with_a_wide_prefix_cannot_speak_for_another_peer_s_narrower_one()
    {
        using var tunnels = new Tunnels();
        var (wide, narrow) = (tunnels.NewHandmadeClient(), tunnels.NewHandmadeClient());
        tunnels.Engine.Apply(
            [
                new TunnelConfiguration
                {
                    TunnelId = 7,
                    PrivateKeys = [tunnels.ServerKey],
                    Peers =
                    [
                        new NamedPeer { PublicKey = wide.PublicKey, AllowedIPs = [IPNetwork.Parse("10.0.0.0/8")] },
                        new NamedPeer { PublicKey = narrow.PublicKey, AllowedIPs = [IPNetwork.Parse("10.1.0.0/16")] },
                    ],
                },
            ],
            tunnels.Now);
        wide.Connect();

        Assert.Equal(ReceiveVerdict.InnerSourceNotAllowed, tunnels.Deliver(wide.Seal(1, TestPackets.IPv4("10.1.0.1"))).Verdict);
        Assert.Equal(ReceiveVerdict.Data, tunnels.Deliver(wide.Seal(2, TestPackets.IPv4("10.2.0.1"))).Verdict);
    }

    [Theory, OnOpenSsl, OnPortable]
    public void B04_Counter_has_64_bits_and_sending_stops_before_it_is_used_up(string backend)
    {
        using var crypto = TestBackends.Create(backend);
        var session = default(Session);
        session.Start(1, 2, 0, TimeSpan.Zero);
        var datagram = new byte[64];

        session.SetSendingCounter(uint.MaxValue);
        session.Seal(crypto, datagram, 0);
        session.Seal(crypto, datagram, 0);
        Assert.Equal(1UL << 32, HandmadeClient.CounterOf(datagram));

        session.SetSendingCounter(Paper.RejectAfterMessages - 1);
        Assert.True(session.CanSend(TimeSpan.Zero));
        session.Seal(crypto, datagram, 0);
        Assert.Equal(Paper.RejectAfterMessages - 1, HandmadeClient.CounterOf(datagram));
        Assert.False(session.CanSend(TimeSpan.Zero));
    }

    [Fact]
    public void B05_Number_of_handshakes_alone_puts_nobody_into_cookie_mode()
    {
        using var tunnels = new Tunnels(crypto: new MultiplicativeAgreement());

        for (var i = 0; i < 2_000; i++)
            Assert.Equal(ReceiveVerdict.InitiationAnswered, tunnels.NewHandmadeClient().Handshake().Verdict);
    }

    [Fact]
    public void B05_Source_that_uses_up_its_rate_does_not_use_up_another_s()
    {
        using var simulation = new Simulation(5, new LinkConditions());
        var crowd = Enumerable.Range(0, 30).Select(_ => simulation.AddClient()).ToList();
        var other = simulation.AddClient();
        other.Endpoint = Tunnels.Endpoint("203.0.113.9:9");
        foreach (var client in crowd.Append(other))
            client.Client.Connect(simulation.Now);

        for (var step = 0; step < 14; step++)
        {
            simulation.Engines[0].AccountHandshake(TimeSpan.FromMilliseconds(50), simulation.Now);
            simulation.RunFor(TimeSpan.FromMilliseconds(500));
        }

        Assert.True(simulation.Verdicts[ReceiveVerdict.RateLimited] > 0);
        Assert.True(other.Client.IsConnected);
    }

    [Fact]
    public void B06_Cookie_of_one_port_is_worthless_at_another()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewClient();
        tunnels.PutUnderLoad();
        client.Connect(tunnels.Now);
        tunnels.Exchange(client);
        tunnels.Now += Retry;
        tunnels.PutUnderLoad();
        var initiation = tunnels.Take(client).Single();

        tunnels.Source = tunnels.Source with { Port = 1 };

        Assert.Equal(ReceiveVerdict.CookieReplied, tunnels.Deliver(initiation).Verdict);
    }

    [Fact]
    public void B09_Slow_network_causes_neither_lost_responses_nor_spurious_rekeys()
    {
        using var simulation = new Simulation(9, new LinkConditions { Delay = TimeSpan.FromSeconds(2.4), Jitter = TimeSpan.Zero });
        var client = simulation.AddClient();
        simulation.SendRegularly(client, TimeSpan.FromSeconds(1), simulation.Now + TimeSpan.FromSeconds(110));

        simulation.RunFor(TimeSpan.FromSeconds(119));

        Assert.Equal((1, 1), (client.Client.InitiationsSent, client.Client.HandshakesCompleted));
        Assert.Equal(client.Sent, client.Received.Count);
    }

    [Fact]
    public void B10_Keepalives_are_never_answered_with_keepalives()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewClient();
        var peer = tunnels.Connect(client);
        tunnels.Open(client, tunnels.Seal(peer, []).Datagram);

        tunnels.Now += TimeSpan.FromSeconds(100);

        Assert.Empty(tunnels.Take(client));
        Assert.Empty(tunnels.TakeDue());
    }

    [Fact]
    public void B10_Passive_keepalive_is_measured_from_the_data_received_and_not_from_the_last_packet_sent()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewHandmadeClient();
        var peer = client.Connect();
        tunnels.Seal(peer, "sent long before"u8);
        tunnels.Now += TimeSpan.FromSeconds(60);
        tunnels.Deliver(client.Seal(1, "data"u8));

        tunnels.Now += Paper.KeepaliveTimeout - TimeSpan.FromMilliseconds(1);
        Assert.Empty(tunnels.TakeDue());
        tunnels.Now += TimeSpan.FromMilliseconds(40);
        Assert.Single(tunnels.TakeDue());
    }

    [Fact]
    public void B10_Persistent_keepalive_stays_silent_while_there_is_traffic()
    {
        using var simulation = new Simulation(10, new LinkConditions());
        var client = simulation.AddClient(TimeSpan.FromSeconds(5));
        simulation.SendRegularly(client, TimeSpan.FromSeconds(1), simulation.Now + TimeSpan.FromSeconds(100));

        simulation.RunFor(TimeSpan.FromSeconds(100));

        Assert.False(simulation.Verdicts.ContainsKey(ReceiveVerdict.Keepalive));
    }

    [Fact]
    public void B11_Clients_that_lose_the_gateway_together_do_not_come_back_together()
    {
        using var tunnels = new Tunnels();
        var clients = Enumerable.Range(0, 20).Select(_ => tunnels.NewClient()).ToList();
        foreach (var client in clients)
        {
            client.Connect(tunnels.Now);
            tunnels.Take(client);
        }

        var retries = clients.Select(client => client.NextDeadline - tunnels.Now).ToList();

        Assert.All(retries, retry => Assert.InRange(retry, Paper.RekeyTimeout, Paper.RekeyTimeout + Paper.MaximumJitter));
        Assert.Equal(20, retries.Distinct().Count());
        Assert.True(retries.Max() - retries.Min() > Paper.MaximumJitter / 2);
    }

    [Fact]
    public void B12_Clock_that_goes_backwards_breaks_no_session()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewClient(persistentKeepalive: TimeSpan.FromSeconds(25));
        var peer = tunnels.Connect(client);
        client.Send("before"u8, pad: false, tunnels.Now);
        tunnels.Exchange(client);

        tunnels.Now -= TimeSpan.FromHours(1);
        client.Send("after"u8, pad: false, tunnels.Now);

        Assert.Equal("after"u8.ToArray(), tunnels.Exchange(client).Single().Payload);
        Assert.Equal("too"u8.ToArray(), tunnels.Open(client, tunnels.Seal(peer, "too"u8).Datagram));
        Assert.Empty(tunnels.TakeDue());
        Assert.Equal(ReceiveVerdict.InitiationAnswered, tunnels.NewHandmadeClient().Handshake().Verdict);
        tunnels.Now -= TimeSpan.FromHours(100);
        tunnels.TakeDue();
        tunnels.Exchange(client);
        Assert.Equal(ReceiveVerdict.InitiationAnswered, tunnels.NewHandmadeClient().Handshake().Verdict);
    }

    [Fact]
    public void B13_Changed_preshared_key_is_used_at_the_next_handshake_and_drops_no_session()
    {
        using var tunnels = new Tunnels();
        var newer = tunnels.NewKey();
        var client = tunnels.NewHandmadeClient();
        client.Connect();

        tunnels.Engine.Apply(
            [new TunnelConfiguration { TunnelId = 7, PrivateKeys = [tunnels.ServerKey], AllowUnknownPeers = true, UnknownPeerPresharedKey = new PresharedKey(newer) }],
            tunnels.Now);

        Assert.Equal(ReceiveVerdict.Data, tunnels.Deliver(client.Seal(1, "still here"u8)).Verdict);
        tunnels.Now += Retry;
        var answer = tunnels.Deliver(client.Initiate()).Answer;
        Assert.False(client.TryConsume(answer));
        Assert.True(client.TryConsume(answer, newer));
    }

    [Fact]
    public void B14_Initiation_that_arrives_twice_at_once_is_answered_once()
    {
        using var tunnels = new Tunnels();
        var initiation = tunnels.NewHandmadeClient().Initiate();

        Assert.Equal(ReceiveVerdict.InitiationAnswered, tunnels.Deliver(initiation).Verdict);
        Assert.Equal(ReceiveVerdict.TimestampReplayed, tunnels.Deliver(initiation).Verdict);
    }

    [Fact]
    public void B15_New_server_key_answers_at_once()
    {
        using var tunnels = new Tunnels();
        var (newKey, clientKey) = (tunnels.NewKey(), tunnels.NewKey());
        tunnels.NewHandmadeClient(clientKey).Connect();

        tunnels.Engine.Apply([new TunnelConfiguration { TunnelId = 7, PrivateKeys = [newKey], AllowUnknownPeers = true }], tunnels.Now);
        tunnels.Now += TimeSpan.FromSeconds(1);

        tunnels.NewHandmadeClient(clientKey, tunnels.PublicKeyOf(newKey)).Connect();
        Assert.Equal(ReceiveVerdict.Mac1Invalid, tunnels.NewHandmadeClient(clientKey).Handshake().Verdict);
    }

    [Theory, OnOpenSsl, OnPortable]
    public void B16_Points_of_low_order_agree_on_nothing(string backend)
    {
        using var crypto = TestBackends.Create(backend);
        var key = crypto.ImportPrivateKey(Enumerable.Repeat((byte)7, 32).ToArray(), new byte[32]);
        var shared = new byte[32];

        foreach (var point in Paper.LowOrderPoints)
        {
            shared[0] = 1;
            Assert.False(crypto.TryAgree(key, Convert.FromHexString(point), shared));
            Assert.Equal(new byte[32], shared);
        }

        crypto.Release(key);
    }

    [Fact]
    public void B18_Engine_and_client_end_cleanly_in_the_middle_of_everything()
    {
        using var tunnels = new Tunnels();
        var pending = tunnels.NewClient();
        pending.Connect(tunnels.Now);
        tunnels.Take(pending);
        var client = tunnels.NewHandmadeClient();
        client.Connect();
        tunnels.Deliver(client.Seal(5_000, "takes the big window"u8));
        tunnels.NewHandmadeClient().Handshake();

        pending.Dispose();
        pending.Dispose();
        tunnels.Engine.Dispose();
        tunnels.Engine.Dispose();

        Assert.Equal(0, tunnels.Engine.SessionCount);
    }

    [Fact]
    public void B19_Rekey_is_measured_from_the_derivation_of_the_keys_and_not_from_a_packet()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewClient();
        var peer = tunnels.Connect(client);
        var initiations = 0;

        for (var second = 1; second < 120; second++)
        {
            tunnels.Now += TimeSpan.FromSeconds(1);
            client.Send("busy"u8, pad: false, tunnels.Now);
            tunnels.Exchange(client);
            tunnels.Open(client, tunnels.Seal(peer, "busy too"u8).Datagram);
            initiations = client.InitiationsSent;
        }

        tunnels.Now += TimeSpan.FromSeconds(1);
        client.Send("old"u8, pad: false, tunnels.Now);
        tunnels.Exchange(client);
        Assert.Equal((1, 2), (initiations, client.InitiationsSent));
    }

    [Fact]
    public void B20_Ends_never_fight_for_the_initiator_s_role()
    {
        using var simulation = new Simulation(20, new LinkConditions());
        var client = simulation.AddClient(TimeSpan.FromSeconds(25));
        simulation.SendRegularly(client, TimeSpan.FromSeconds(10), simulation.Now + TimeSpan.FromHours(1));

        simulation.RunFor(TimeSpan.FromHours(1));

        Assert.InRange(client.Client.InitiationsSent, 25, 31);
        Assert.Equal(client.Client.InitiationsSent, simulation.Verdicts[ReceiveVerdict.InitiationAnswered]);
        Assert.False(simulation.Verdicts.ContainsKey(ReceiveVerdict.UnexpectedType));
    }

    [Fact]
    public void B21_Index_is_known_before_the_response_that_tells_it_leaves()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewHandmadeClient();
        var answer = tunnels.Deliver(client.Initiate()).Answer;

        client.TryConsume(answer);

        Assert.Equal(ReceiveVerdict.Data, tunnels.Deliver(client.Seal(0, "at the same instant"u8)).Verdict);
    }

    [Fact]
    public void B22_Invalid_response_does_not_clear_the_pending_handshake()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewClient();
        client.Connect(tunnels.Now);
        var response = tunnels.Deliver(tunnels.Take(client).Single()).Answer;
        var invalid = response.ToArray();
        invalid[50] ^= 1;

        tunnels.Open(client, invalid);
        tunnels.Open(client, invalid);
        tunnels.Open(client, response);

        Assert.True(client.IsConnected);
    }

    [Fact]
    public void B23_Peers_that_never_finish_their_handshake_are_reaped()
    {
        using var tunnels = new Tunnels(crypto: new MultiplicativeAgreement());
        for (var i = 0; i < 1_000; i++)
            tunnels.NewHandmadeClient().Handshake();

        tunnels.Now += Paper.RejectAfterTime + TimeSpan.FromSeconds(1);
        tunnels.TakeDue();

        Assert.Equal((0, 0, 0), (tunnels.Engine.HalfOpenCount, tunnels.Engine.PeerCount, tunnels.Engine.SessionCount));
    }

    [Theory]
    [InlineData(65_496)]
    [InlineData(65_525)]
    [InlineData(65_535)]
    public void B25_Length_of_an_IPv6_packet_does_not_wrap_at_16_bits(int payloadLength)
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewHandmadeClient();
        tunnels.Engine.Apply(
            [
                new TunnelConfiguration
                {
                    TunnelId = 7,
                    PrivateKeys = [tunnels.ServerKey],
                    Peers = [new NamedPeer { PublicKey = client.PublicKey, AllowedIPs = [IPNetwork.Parse("fd00::/8")] }],
                },
            ],
            tunnels.Now);
        client.Connect();
        // A header whose end may pass for padding, so that nothing but the length speaks against it.
        var packet = TestPackets.IPv6("fd00::1", payloadLength: 0);
        packet.AsSpan(24).Clear();
        (packet[4], packet[5]) = ((byte)(payloadLength >> 8), (byte)payloadLength);

        Assert.Equal(ReceiveVerdict.RawNotAllowed, tunnels.Deliver(client.Seal(1, packet)).Verdict);
    }

    [Fact]
    public void B27_Cookie_reply_moves_no_endpoint()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewHandmadeClient();
        var peer = client.Connect();
        var before = tunnels.Source;
        tunnels.Source = Tunnels.Endpoint("203.0.113.66:666");
        var reply = new byte[Paper.CookieReplySize];
        reply[0] = 3;
        BitConverter.TryWriteBytes(reply.AsSpan(4), client.RemoteIndex);

        tunnels.Deliver(reply);
        tunnels.PutUnderLoad();
        var asked = tunnels.Deliver(client.Initiate(Tai64n.From(tunnels.WallClock.AddSeconds(9))));

        Assert.Equal(ReceiveVerdict.CookieReplied, asked.Verdict);
        Assert.Equal(before, tunnels.Seal(peer, "where?"u8).Result.Endpoint);
    }
}
