using UdpGateway.WireGuard.Tests.Crypto;

namespace UdpGateway.WireGuard.Tests.Scenarios;

public sealed class PresharedKeyScenarios
{
    private static readonly TimeSpan Retry = Paper.RekeyTimeout + Paper.MaximumJitter;

    [Theory, OnOpenSsl, OnPortable]
    public void Wrong_preshared_key_is_answered_once_and_never_confirmed(string backend)
    {
        using var tunnels = new Tunnels(backend);
        var right = new PresharedKey(tunnels.NewKey());
        tunnels.Engine.Apply([new TunnelConfiguration { TunnelId = 7, PrivateKeys = [tunnels.ServerKey], AllowUnknownPeers = true, UnknownPeerPresharedKey = right }], tunnels.Now);
        var withRightKey = tunnels.NewClient(right.Current);
        var withWrongKey = tunnels.NewClient(tunnels.NewKey());
        var withoutKey = tunnels.NewClient();

        tunnels.Connect(withRightKey);
        withWrongKey.Connect(tunnels.Now);
        withoutKey.Connect(tunnels.Now);
        tunnels.Exchange(withWrongKey);
        tunnels.Exchange(withoutKey);

        Assert.True(withRightKey.IsConnected);
        Assert.False(withWrongKey.IsConnected);
        Assert.False(withoutKey.IsConnected);
        Assert.Equal((2, 1), (tunnels.Engine.HalfOpenCount, tunnels.Engine.PeerCount));
    }

    [Theory, OnOpenSsl, OnPortable]
    public void Client_with_either_key_connects_within_one_retry_during_a_rotation(string backend)
    {
        using var tunnels = new Tunnels(backend);
        var (older, newer) = (tunnels.NewKey(), tunnels.NewKey());
        var until = tunnels.Now + TimeSpan.FromHours(24);
        tunnels.Engine.Apply([With(tunnels, new PresharedKey(newer, older, until))], tunnels.Now);
        var behind = tunnels.NewClient(older);
        var ahead = tunnels.NewClient(newer);

        ahead.Connect(tunnels.Now);
        tunnels.Exchange(ahead);
        behind.Connect(tunnels.Now);
        tunnels.Exchange(behind);
        var connectedAtOnce = behind.IsConnected;
        tunnels.Now += TimeSpan.FromSeconds(6);
        tunnels.Exchange(behind);
        var connectedWithinOneRetry = behind.IsConnected;
        tunnels.Now += TimeSpan.FromSeconds(121);
        behind.Connect(tunnels.Now);
        tunnels.Exchange(behind);
        var rekeysAtTheFirstAttempt = behind.HandshakesCompleted == 2;

        Assert.True(ahead.IsConnected);
        Assert.False(connectedAtOnce);
        Assert.True(connectedWithinOneRetry);
        Assert.True(rekeysAtTheFirstAttempt);
    }

    [Theory, OnOpenSsl, OnPortable]
    public void Response_under_the_wrong_key_never_opens_and_never_becomes_a_peer(string backend)
    {
        using var tunnels = new Tunnels(backend);
        tunnels.Engine.Apply([With(tunnels, new PresharedKey(tunnels.NewKey()))], tunnels.Now);
        var client = tunnels.NewHandmadeClient();

        for (var attempt = 0; attempt < 20; attempt++)
        {
            var received = tunnels.Deliver(client.Initiate());
            Assert.Equal(ReceiveVerdict.InitiationAnswered, received.Verdict);
            Assert.False(client.TryConsume(received.Answer, tunnels.NewKey()));
            Assert.False(client.TryConsume(received.Answer));
            tunnels.Now += Retry;
        }

        Assert.Equal((0, 1, 1), (tunnels.Engine.PeerCount, tunnels.Engine.HalfOpenCount, tunnels.Engine.SessionCount));
    }

    [Fact]
    public void Responses_that_nobody_confirms_are_counted_until_somebody_does()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewHandmadeClient();

        for (var attempt = 1; attempt <= 300; attempt++)
        {
            Assert.Equal(Math.Min(attempt, 255), client.Handshake().Result.UnconfirmedResponses);
            tunnels.Now += Retry;
        }

        client.Connect();
        tunnels.Now += Retry;
        Assert.Equal(1, client.Handshake().Result.UnconfirmedResponses);
    }

    [Fact]
    public void Named_peers_and_unknown_peers_have_keys_of_their_own()
    {
        using var tunnels = new Tunnels();
        var (unknownKey, namedKey, clientKey) = (tunnels.NewKey(), tunnels.NewKey(), tunnels.NewKey());
        var bare = tunnels.NewKey();
        tunnels.Engine.Apply(
            [
                new TunnelConfiguration
                {
                    TunnelId = 7,
                    PrivateKeys = [tunnels.ServerKey],
                    AllowUnknownPeers = true,
                    UnknownPeerPresharedKey = new PresharedKey(unknownKey),
                    Peers =
                    [
                        new NamedPeer { PublicKey = tunnels.PublicKeyOf(clientKey), PresharedKey = new PresharedKey(namedKey) },
                        new NamedPeer { PublicKey = tunnels.PublicKeyOf(bare) },
                    ],
                },
            ],
            tunnels.Now);

        tunnels.Connect(tunnels.NewClient(unknownKey));
        tunnels.Connect(tunnels.NewClient(namedKey, clientKey));
        tunnels.Connect(tunnels.NewClient(privateKey: bare));
        var mixedUp = tunnels.NewClient(namedKey);
        mixedUp.Connect(tunnels.Now);
        tunnels.Exchange(mixedUp);

        Assert.False(mixedUp.IsConnected);
    }

    [Fact]
    public void Peer_whose_key_cannot_be_read_is_refused_and_never_served_without_one()
    {
        using var tunnels = new Tunnels();
        tunnels.Engine.Apply([With(tunnels, PresharedKey.Unavailable)], tunnels.Now);

        var received = tunnels.Deliver(tunnels.NewHandmadeClient().Initiate());

        Assert.Equal((ReceiveVerdict.PresharedKeyUnavailable, 0), (received.Verdict, received.Answer.Length));
        Assert.Equal((0, 0), (tunnels.Engine.HalfOpenCount, tunnels.Engine.SessionCount));
    }

    [Fact]
    public void Changed_key_lets_live_sessions_run_to_their_next_rekey()
    {
        using var tunnels = new Tunnels();
        var (older, newer) = (tunnels.NewKey(), tunnels.NewKey());
        tunnels.Engine.Apply([With(tunnels, new PresharedKey(older))], tunnels.Now);
        var client = tunnels.NewHandmadeClient();
        var peer = client.Connect(older);

        tunnels.Engine.Apply([With(tunnels, new PresharedKey(newer))], tunnels.Now);
        var duringTheSession = tunnels.Deliver(client.Seal(1, "still fine"u8)).Verdict;
        var reply = client.Open(tunnels.Seal(peer, "both ways"u8).Datagram);
        tunnels.Now += Paper.RekeyAfterTime;
        var answer = tunnels.Deliver(client.Initiate()).Answer;

        Assert.Equal(ReceiveVerdict.Data, duringTheSession);
        Assert.Equal("both ways"u8.ToArray(), reply);
        Assert.True(client.TryConsume(answer, newer));
    }

    [Fact]
    public void Client_with_the_previous_key_is_refused_once_the_grace_period_is_over()
    {
        using var tunnels = new Tunnels();
        var (older, newer) = (tunnels.NewKey(), tunnels.NewKey());
        var until = tunnels.Now + TimeSpan.FromHours(1);
        tunnels.Engine.Apply([With(tunnels, new PresharedKey(newer, older, until))], tunnels.Now);
        var behind = tunnels.NewHandmadeClient();
        Assert.False(behind.TryConsume(tunnels.Deliver(behind.Initiate()).Answer, older));
        tunnels.Now += Retry;
        var peer = behind.Connect(older);

        tunnels.Now = until - TimeSpan.FromSeconds(1);
        tunnels.TakeDue();
        Assert.Equal(peer, behind.Connect(older));
        tunnels.Now = until;
        Assert.Equal(ReceiveVerdict.Data, tunnels.Deliver(behind.Seal(1, "the session runs on"u8)).Verdict);

        for (var attempt = 0; attempt < 4; attempt++)
        {
            tunnels.Now += Retry;
            var answer = tunnels.Deliver(behind.Initiate()).Answer;
            Assert.False(behind.TryConsume(answer, older));
        }

        tunnels.Now += Retry;
        Assert.Equal(peer, behind.Connect(newer));
    }

    [Fact]
    public void Key_that_worked_is_tried_first_at_every_rekey()
    {
        using var tunnels = new Tunnels();
        var (older, newer) = (tunnels.NewKey(), tunnels.NewKey());
        tunnels.Engine.Apply([With(tunnels, new PresharedKey(newer, older, tunnels.Now + TimeSpan.FromHours(24)))], tunnels.Now);
        var client = tunnels.NewHandmadeClient();
        tunnels.Deliver(client.Initiate());
        tunnels.Now += Retry;
        client.Connect(older);

        for (var i = 0; i < 3; i++)
        {
            tunnels.Now += Paper.RekeyAfterTime;
            client.Connect(older);
        }

        tunnels.Now += Paper.RekeyAfterTime;
        Assert.False(client.TryConsume(tunnels.Deliver(client.Initiate()).Answer, newer));
        tunnels.Now += Retry;
        client.Connect(newer);
        tunnels.Now += Paper.RekeyAfterTime;
        client.Connect(newer);
    }

    [Fact]
    public void Session_of_a_client_is_untouched_while_the_keys_are_tried_in_turn()
    {
        using var tunnels = new Tunnels();
        var (older, newer) = (tunnels.NewKey(), tunnels.NewKey());
        tunnels.Engine.Apply([With(tunnels, new PresharedKey(older))], tunnels.Now);
        var client = tunnels.NewClient(older);
        var peer = tunnels.Connect(client);
        tunnels.Engine.Apply([With(tunnels, new PresharedKey(newer, older, tunnels.Now + TimeSpan.FromHours(24)))], tunnels.Now);
        var delivered = 0;

        for (var second = 0; second < 300; second++)
        {
            tunnels.Now += TimeSpan.FromSeconds(1);
            tunnels.TakeDue();
            client.Send("tick"u8, pad: false, tunnels.Now);
            delivered += tunnels.Exchange(client).Count(received => received.Verdict == ReceiveVerdict.Data);
            Assert.Equal("tock"u8.ToArray(), tunnels.Open(client, tunnels.Seal(peer, "tock"u8).Datagram));
        }

        Assert.Equal(300, delivered);
        Assert.True(client.HandshakesCompleted >= 3);
    }

    [Fact]
    public void Keys_never_show_themselves()
    {
        var bytes = Enumerable.Repeat((byte)0x41, 32).ToArray();
        using var key = new SecretKey(bytes);
        var text = $"{key} {new PresharedKey(key)} {new PresharedKey(key, key, TimeSpan.Zero)}";

        Assert.DoesNotContain("AAAA", text, StringComparison.Ordinal);
        Assert.DoesNotContain("41", text, StringComparison.Ordinal);
        Assert.DoesNotContain(Convert.ToBase64String(bytes), text, StringComparison.Ordinal);
    }

    private static TunnelConfiguration With(Tunnels tunnels, PresharedKey key) => new()
    {
        TunnelId = 7,
        PrivateKeys = [tunnels.ServerKey],
        AllowUnknownPeers = true,
        UnknownPeerPresharedKey = key,
    };
}
