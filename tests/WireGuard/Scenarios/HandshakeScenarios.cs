using System.Net;
using UdpGateway.WireGuard.Crypto;
using UdpGateway.WireGuard.Tests.Crypto;

namespace UdpGateway.WireGuard.Tests.Scenarios;

public sealed class HandshakeScenarios
{
    [Theory, OnOpenSsl, OnPortable]
    public void Unknown_peer_connects_and_data_flows_both_ways(string backend)
    {
        using var tunnels = new Tunnels(backend);
        var client = tunnels.NewClient();

        client.Send("not an IP packet"u8, pad: false, tunnels.Now);
        var received = tunnels.Exchange(client);
        var (sealing, datagram) = tunnels.Seal(received[1].Result.Peer, "nor is this"u8);

        Assert.Equal([ReceiveVerdict.InitiationAnswered, ReceiveVerdict.Data], received.Select(r => r.Verdict));
        Assert.True(received[1].Result.HandshakeCompleted);
        Assert.Equal("not an IP packet"u8.ToArray(), received[1].Payload);
        Assert.Equal(SealVerdict.Sealed, sealing.Verdict);
        Assert.Equal(tunnels.Source, sealing.Endpoint);
        Assert.Equal("nor is this"u8.ToArray(), tunnels.Open(client, datagram));
        Assert.Equal((0, 1), (tunnels.Engine.HalfOpenCount, tunnels.Engine.PeerCount));
    }

    [Theory, OnOpenSsl, OnPortable]
    public void Unknown_peer_hears_nothing_when_unknown_peers_are_refused(string backend)
    {
        using var tunnels = new Tunnels(backend, configure: c => new TunnelConfiguration { TunnelId = c.TunnelId, PrivateKeys = c.PrivateKeys });
        var client = tunnels.NewClient();

        client.Connect(tunnels.Now);
        var received = tunnels.Exchange(client).Single();

        Assert.Equal(ReceiveVerdict.UnknownPeer, received.Verdict);
        Assert.Empty(received.Answer);
        Assert.Equal((0, 0, 0), (tunnels.Engine.HalfOpenCount, tunnels.Engine.PeerCount, tunnels.Engine.SessionCount));
    }

    [Theory, OnOpenSsl, OnPortable]
    public void Nothing_is_sealed_for_a_session_that_the_client_has_not_confirmed(string backend)
    {
        using var tunnels = new Tunnels(backend);
        var client = tunnels.NewClient();
        var peer = tunnels.Connect(client);

        tunnels.Now += TimeSpan.FromSeconds(121);
        client.Connect(tunnels.Now);
        var initiation = tunnels.Take(client).Single();
        tunnels.Deliver(initiation);
        var (sealing, datagram) = tunnels.Seal(peer, "on the old session"u8);

        Assert.Equal(SealVerdict.Sealed, sealing.Verdict);
        Assert.Equal("on the old session"u8.ToArray(), tunnels.Open(client, datagram));
    }

    [Theory, OnOpenSsl, OnPortable]
    public void Initiation_from_elsewhere_draws_nothing_but_its_response_until_it_is_confirmed(string backend)
    {
        using var tunnels = new Tunnels(backend);
        var client = tunnels.NewClient();
        var peer = tunnels.Connect(client);
        var home = tunnels.Source;

        tunnels.Now += TimeSpan.FromSeconds(1);
        client.Connect(tunnels.Now);
        tunnels.Source = PeerEndpoint.From(IPEndPoint.Parse("[2001:db8::9]:5000"));
        tunnels.Deliver(tunnels.Take(client).Single(), client);
        var (unconfirmed, _) = tunnels.Seal(peer, "to the live session"u8);
        tunnels.Exchange(client);
        var (confirmed, _) = tunnels.Seal(peer, "to the new one"u8);

        Assert.Equal(home, unconfirmed.Endpoint);
        Assert.Equal(tunnels.Source, confirmed.Endpoint);
    }

    [Theory, OnOpenSsl, OnPortable]
    public void Points_of_low_order_are_refused_as_ephemeral_and_as_static(string backend)
    {
        using var tunnels = new Tunnels(backend);
        var client = tunnels.NewHandmadeClient();

        foreach (var point in Paper.LowOrderPoints.Select(Convert.FromHexString))
        {
            var asEphemeral = client.Initiate();
            point.CopyTo(asEphemeral, 8);
            HandmadeClient.Sign(asEphemeral, tunnels.ServerPublicKey);

            Assert.Equal(ReceiveVerdict.LowOrderPoint, tunnels.Deliver(asEphemeral).Verdict);
            Assert.Equal(ReceiveVerdict.LowOrderPoint, tunnels.Deliver(client.Initiate(claimedStatic: point)).Verdict);
        }

        Assert.Equal((0, 0), (tunnels.Engine.HalfOpenCount, tunnels.Engine.SessionCount));
    }

    [Theory, OnOpenSsl, OnPortable]
    public void Initiation_that_was_changed_anywhere_is_never_answered(string backend)
    {
        using var tunnels = new Tunnels(backend);
        var initiation = tunnels.NewHandmadeClient().Initiate();
        const int FirstAuthenticated = 8;
        const int Mac1 = 116;

        for (var position = 0; position < Mac1 + 16; position++)
        {
            var changed = initiation.ToArray();
            changed[position] ^= 0x40;
            Assert.Empty(tunnels.Deliver(changed).Answer);
            if (position is < FirstAuthenticated or >= Mac1)
                continue;
            var verdict = tunnels.Deliver(HandmadeClient.Sign(changed, tunnels.ServerPublicKey)).Verdict;
            Assert.Contains(verdict, new[] { ReceiveVerdict.StaticKeyNotAuthentic, ReceiveVerdict.TimestampNotAuthentic });
        }

        Assert.Equal(0, tunnels.Engine.HalfOpenCount);
        Assert.Equal(ReceiveVerdict.InitiationAnswered, tunnels.Deliver(initiation).Verdict);
    }

    [Theory, OnOpenSsl, OnPortable]
    public void Response_that_was_changed_anywhere_leaves_the_pending_handshake_alone(string backend)
    {
        using var tunnels = new Tunnels(backend);
        var client = tunnels.NewClient();
        client.Connect(tunnels.Now);
        var response = tunnels.Deliver(tunnels.Take(client).Single()).Answer;

        // The sender index is covered by mac1 alone.
        for (var position = 8; position < Paper.ResponseSize - 16; position++)
        {
            var changed = response.ToArray();
            changed[position] ^= 1;
            tunnels.Open(client, changed);
            Assert.False(client.IsConnected);
        }

        tunnels.Open(client, response);
        Assert.True(client.IsConnected);
    }

    [Fact]
    public void Client_refuses_a_response_with_a_point_of_low_order()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewClient();
        client.Connect(tunnels.Now);
        var response = tunnels.Deliver(tunnels.Take(client).Single()).Answer;
        var key = new byte[32];
        Blake2s.Hash("mac1----"u8, client.PublicKey, key);

        foreach (var point in Paper.LowOrderPoints)
        {
            var forged = response.ToArray();
            Convert.FromHexString(point).CopyTo(forged, 12);
            Blake2s.Mac(key, forged.AsSpan(0, 60), forged.AsSpan(60, 16));
            tunnels.Open(client, forged);
            Assert.False(client.IsConnected);
        }

        tunnels.Open(client, response);
        Assert.True(client.IsConnected);
    }

    [Fact]
    public void Response_is_accepted_until_the_next_retransmission_is_due()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewClient();
        client.Connect(tunnels.Now);
        var response = tunnels.Deliver(tunnels.Take(client).Single()).Answer;

        tunnels.Now += Paper.RekeyTimeout - TimeSpan.FromMilliseconds(1);
        Assert.Empty(tunnels.Take(client));
        tunnels.Open(client, response);

        Assert.True(client.IsConnected);
        Assert.Equal(1, client.InitiationsSent);
    }

    [Fact]
    public void Delayed_response_to_a_superseded_initiation_changes_nothing_and_the_newer_handshake_completes()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewClient();
        client.Connect(tunnels.Now);
        var delayed = tunnels.Deliver(tunnels.Take(client).Single()).Answer;
        tunnels.Now += Paper.RekeyTimeout + Paper.MaximumJitter;
        var second = tunnels.Deliver(tunnels.Take(client).Single()).Answer;

        tunnels.Open(client, delayed);
        var connectedByTheDelayedOne = client.IsConnected;
        tunnels.Open(client, second);
        var confirmation = tunnels.Exchange(client).Single();

        Assert.False(connectedByTheDelayedOne);
        Assert.True(confirmation.Result.HandshakeCompleted);
        Assert.Equal((1, 0, 1), (tunnels.Engine.PeerCount, tunnels.Engine.HalfOpenCount, tunnels.Engine.SessionCount));
    }

    [Fact]
    public void Packet_of_a_superseded_handshake_finds_no_session()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewHandmadeClient();
        client.Handshake();
        var superseded = client.Seal(0, "too late"u8);
        tunnels.Now += TimeSpan.FromSeconds(5);
        client.Handshake();

        Assert.Equal(ReceiveVerdict.UnknownIndex, tunnels.Deliver(superseded).Verdict);
        Assert.Equal(ReceiveVerdict.Data, tunnels.Deliver(client.Seal(0, "in time"u8)).Verdict);
    }

    [Fact]
    public void New_handshake_ends_the_previous_session_and_leaves_the_current_one_alone()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewHandmadeClient();
        client.Connect();
        var onPrevious = client.Seal(1, "previous"u8);
        tunnels.Now += TimeSpan.FromSeconds(5);
        client.Connect();
        var onCurrent = client.Seal(1, "current"u8);
        tunnels.Now += TimeSpan.FromSeconds(5);

        client.Handshake();

        Assert.Equal(2, tunnels.Engine.SessionCount);
        Assert.Equal(ReceiveVerdict.UnknownIndex, tunnels.Deliver(onPrevious).Verdict);
        Assert.Equal(ReceiveVerdict.Data, tunnels.Deliver(onCurrent).Verdict);
    }

    [Fact]
    public void Data_that_overtakes_the_confirmation_confirms_and_is_delivered()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewHandmadeClient();
        client.Handshake();

        var data = tunnels.Deliver(client.Seal(1, "overtaking"u8));
        var keepalive = tunnels.Deliver(client.Seal(0, []));

        Assert.Equal((ReceiveVerdict.Data, true), (data.Verdict, data.Result.HandshakeCompleted));
        Assert.Equal((ReceiveVerdict.Keepalive, false), (keepalive.Verdict, keepalive.Result.HandshakeCompleted));
    }

    [Fact]
    public void Packets_are_sealed_under_the_new_session_once_the_client_has_confirmed_it()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewHandmadeClient();
        var peer = client.Connect();
        var before = tunnels.Seal(peer, "old"u8).Datagram;
        var underOldKeys = client.Open(before);
        tunnels.Now += Paper.RekeyAfterTime;

        client.Connect();
        var after = tunnels.Seal(peer, "new"u8).Datagram;

        Assert.Equal("old"u8.ToArray(), underOldKeys);
        Assert.Equal("new"u8.ToArray(), client.Open(after));
        Assert.Equal(0UL, HandmadeClient.CounterOf(after));
    }

    [Fact]
    public void Failed_initiations_change_nothing_of_a_live_session()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewHandmadeClient();
        var peer = client.Connect();
        tunnels.Now += TimeSpan.FromSeconds(1);
        var forged = client.Initiate();
        forged[90] ^= 1;
        HandmadeClient.Sign(forged, tunnels.ServerPublicKey);

        tunnels.Source = Tunnels.Endpoint("203.0.113.66:666");
        Assert.Equal(ReceiveVerdict.TimestampNotAuthentic, tunnels.Deliver(forged).Verdict);

        Assert.Equal(Tunnels.Endpoint("198.51.100.7:40112"), tunnels.Seal(peer, "still here"u8).Result.Endpoint);
        Assert.Equal(1, tunnels.Engine.SessionCount);
    }

    [Fact]
    public void Every_wrong_length_and_every_reserved_bit_is_malformed()
    {
        using var tunnels = new Tunnels();
        var initiation = tunnels.NewHandmadeClient().Initiate();
        var sizes = new Dictionary<int, int> { [1] = Paper.InitiationSize, [2] = Paper.ResponseSize, [3] = Paper.CookieReplySize };

        for (var type = 0; type < 256; type++)
        {
            for (var length = 0; length <= 200; length++)
            {
                var datagram = new byte[length];
                initiation.AsSpan(0, Math.Min(length, initiation.Length)).CopyTo(datagram);
                if (length > 0)
                    datagram[0] = (byte)type;
                var isWellFormed = sizes.TryGetValue(type, out var size) ? length == size : type == 4 && length >= Paper.KeepaliveSize;
                var received = tunnels.Deliver(datagram);
                Assert.Equal(!isWellFormed, received.Verdict == ReceiveVerdict.Malformed);
                Assert.Equal(type == 1 && isWellFormed, received.Answer.Length > 0);
            }
        }

        for (var bit = 8; bit < 32; bit++)
        {
            var reserved = initiation.ToArray();
            reserved[bit / 8] ^= (byte)(1 << (bit % 8));
            HandmadeClient.Sign(reserved, tunnels.ServerPublicKey);
            Assert.Equal(ReceiveVerdict.Malformed, tunnels.Deliver(reserved).Verdict);
        }
    }

    [Fact]
    public void Responses_and_cookie_replies_to_the_gateway_are_dropped_because_it_never_initiates()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewHandmadeClient();
        var response = client.Handshake().Answer;
        var cookieReply = new byte[Paper.CookieReplySize];
        cookieReply[0] = 3;

        Assert.Equal(ReceiveVerdict.UnexpectedType, tunnels.Deliver(response).Verdict);
        Assert.Equal(ReceiveVerdict.UnexpectedType, tunnels.Deliver(cookieReply).Verdict);
    }

    [Fact]
    public void Session_indices_neither_repeat_nor_count()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewHandmadeClient();
        var indices = new List<uint>();

        for (var i = 0; i < 200; i++)
        {
            client.Handshake();
            indices.Add(client.RemoteIndex);
            tunnels.Now += TimeSpan.FromSeconds(1);
        }

        var differences = indices.Zip(indices.Skip(1), (first, second) => second - first).ToList();
        Assert.Equal(indices.Count, indices.Distinct().Count());
        Assert.Equal(differences.Count, differences.Distinct().Count());
    }
}
