using System.Net;
using UdpGateway.WireGuard.Tests.Vectors;

namespace UdpGateway.WireGuard.Tests.Scenarios;

public sealed class HandshakeScenarios
{
    [Theory]
    [MemberData(nameof(Backends.All), MemberType = typeof(Backends))]
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

    [Theory]
    [MemberData(nameof(Backends.All), MemberType = typeof(Backends))]
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

    [Theory]
    [MemberData(nameof(Backends.All), MemberType = typeof(Backends))]
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

    [Theory]
    [MemberData(nameof(Backends.All), MemberType = typeof(Backends))]
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

    [Theory]
    [MemberData(nameof(Backends.All), MemberType = typeof(Backends))]
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

    [Theory]
    [MemberData(nameof(Backends.All), MemberType = typeof(Backends))]
    public void Client_keeps_its_session_when_its_source_changes(string backend)
    {
        using var tunnels = new Tunnels(backend);
        var client = tunnels.NewClient();
        var peer = tunnels.Connect(client);

        tunnels.Source = PeerEndpoint.From(IPEndPoint.Parse("[2001:db8::9]:5000"));
        client.Send("moved"u8, pad: false, tunnels.Now);
        var received = tunnels.Exchange(client).Single();
        var (sealing, _) = tunnels.Seal(peer, "found"u8);

        Assert.Equal(peer, received.Result.Peer);
        Assert.Equal(tunnels.Source, sealing.Endpoint);
    }

    [Theory]
    [MemberData(nameof(Backends.All), MemberType = typeof(Backends))]
    public void Replayed_packets_and_initiations_are_dropped(string backend)
    {
        using var tunnels = new Tunnels(backend);
        var client = tunnels.NewClient();
        client.Connect(tunnels.Now);
        var initiation = tunnels.Take(client).Single();
        tunnels.Deliver(initiation, client);
        var confirmation = tunnels.Take(client).Single();

        var first = tunnels.Deliver(confirmation);
        var second = tunnels.Deliver(confirmation);
        tunnels.Now += TimeSpan.FromSeconds(1);
        var again = tunnels.Deliver(initiation);

        Assert.Equal(ReceiveVerdict.Keepalive, first.Verdict);
        Assert.Equal(ReceiveVerdict.Replayed, second.Verdict);
        Assert.Equal(ReceiveVerdict.TimestampReplayed, again.Verdict);
        Assert.Empty(again.Answer);
    }

    [Theory]
    [MemberData(nameof(Backends.All), MemberType = typeof(Backends))]
    public void Client_with_either_key_connects_within_one_retry_during_a_rotation(string backend)
    {
        using var tunnels = new Tunnels(backend);
        var (older, newer) = (tunnels.NewKey(), tunnels.NewKey());
        var until = tunnels.Now + TimeSpan.FromHours(24);
        tunnels.Engine.Apply([Rotating(tunnels, newer, older, until)], tunnels.Now);
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

    [Theory]
    [MemberData(nameof(Backends.All), MemberType = typeof(Backends))]
    public void Removed_peer_loses_its_session_at_once_and_others_keep_theirs(string backend)
    {
        using var tunnels = new Tunnels(backend);
        var (leaving, staying) = (tunnels.NewClient(), tunnels.NewClient());
        var named = new[] { leaving, staying }.Select(client => new NamedPeer { PublicKey = client.PublicKey.ToArray() }).ToArray();
        tunnels.Engine.Apply([new TunnelConfiguration { TunnelId = 7, PrivateKeys = [tunnels.ServerKey], Peers = named }], tunnels.Now);
        var (gone, kept) = (tunnels.Connect(leaving), tunnels.Connect(staying));

        tunnels.Engine.Apply([new TunnelConfiguration { TunnelId = 7, PrivateKeys = [tunnels.ServerKey], Peers = named[1..] }], tunnels.Now);
        leaving.Send("anybody?"u8, pad: false, tunnels.Now);

        Assert.Equal(SealVerdict.UnknownPeer, tunnels.Seal(gone, "gone"u8).Result.Verdict);
        Assert.Equal(SealVerdict.Sealed, tunnels.Seal(kept, "kept"u8).Result.Verdict);
        Assert.Equal(ReceiveVerdict.UnknownIndex, tunnels.Exchange(leaving).Single().Verdict);
    }

    [Theory]
    [MemberData(nameof(Backends.All), MemberType = typeof(Backends))]
    public void Session_ends_180_seconds_after_its_derivation_even_under_traffic(string backend)
    {
        using var tunnels = new Tunnels(backend);
        var client = tunnels.NewClient();
        var peer = tunnels.Connect(client);
        client.Send("early"u8, pad: false, tunnels.Now);
        client.Send("late"u8, pad: false, tunnels.Now);
        var datagrams = tunnels.Take(client);

        tunnels.Now += TimeSpan.FromSeconds(179.9);
        var early = tunnels.Deliver(datagrams[0]);
        tunnels.Now += TimeSpan.FromSeconds(0.2);
        var late = tunnels.Deliver(datagrams[1]);

        Assert.Equal(ReceiveVerdict.Data, early.Verdict);
        Assert.Equal(ReceiveVerdict.SessionExpired, late.Verdict);
        Assert.Equal(SealVerdict.NoSession, tunnels.Seal(peer, "too late"u8).Result.Verdict);
    }

    [Theory]
    [MemberData(nameof(Backends.All), MemberType = typeof(Backends))]
    public void Passive_keepalive_answers_data_after_ten_seconds_and_is_not_answered_itself(string backend)
    {
        using var tunnels = new Tunnels(backend);
        var client = tunnels.NewClient();
        tunnels.Connect(client);
        client.Send("one way"u8, pad: false, tunnels.Now);
        tunnels.Exchange(client);
        var datagram = new byte[64];

        tunnels.Now += TimeSpan.FromSeconds(9.9);
        var tooEarly = tunnels.Engine.TryTakeDue(tunnels.Now, datagram, out _, out _);
        tunnels.Now += TimeSpan.FromSeconds(0.2);
        var due = tunnels.Engine.TryTakeDue(tunnels.Now, datagram, out var length, out var endpoint);
        tunnels.Open(client, datagram[..length]);
        tunnels.Now += TimeSpan.FromSeconds(30);

        Assert.False(tooEarly);
        Assert.True(due);
        Assert.Equal((32, tunnels.Source), (length, endpoint));
        Assert.Empty(tunnels.Take(client));
        Assert.False(tunnels.Engine.TryTakeDue(tunnels.Now, datagram, out _, out _));
    }

    private static TunnelConfiguration Rotating(Tunnels tunnels, SecretKey current, SecretKey previous, TimeSpan until) => new()
    {
        TunnelId = 7,
        PrivateKeys = [tunnels.ServerKey],
        AllowUnknownPeers = true,
        UnknownPeerPresharedKey = new PresharedKey(current, previous, until),
    };
}
