using System.Net;
using UdpGateway.WireGuard.Tests.Crypto;

namespace UdpGateway.WireGuard.Tests.Scenarios;

public sealed class ConfigurationScenarios
{
    [Fact]
    public void Several_identities_share_a_port_and_each_client_reaches_its_own()
    {
        using var tunnels = new Tunnels();
        var (secondKey, thirdKey) = (tunnels.NewKey(), tunnels.NewKey());
        tunnels.Engine.Apply(
            [
                new TunnelConfiguration { TunnelId = 1, PrivateKeys = [tunnels.ServerKey, secondKey], AllowUnknownPeers = true },
                new TunnelConfiguration { TunnelId = 2, PrivateKeys = [thirdKey], AllowUnknownPeers = true },
            ],
            tunnels.Now);

        foreach (var (key, tunnel) in new[] { (tunnels.ServerKey, 1), (secondKey, 1), (thirdKey, 2) })
        {
            var client = tunnels.NewClient(serverPublicKey: tunnels.PublicKeyOf(key));
            var peer = tunnels.Connect(client);
            Assert.Equal(tunnel, TunnelOf(tunnels, peer));
            Assert.Equal("hello"u8.ToArray(), tunnels.Open(client, tunnels.Seal(peer, "hello"u8).Datagram));
        }

        var stranger = tunnels.NewHandmadeClient(serverPublicKey: tunnels.PublicKeyOf(tunnels.NewKey()));
        Assert.Equal(ReceiveVerdict.Mac1Invalid, tunnels.Deliver(stranger.Initiate()).Verdict);
    }

    [Fact]
    public void One_client_key_is_one_peer_in_each_of_two_tunnels()
    {
        using var tunnels = new Tunnels();
        var (otherKey, clientKey) = (tunnels.NewKey(), tunnels.NewKey());
        tunnels.Engine.Apply(
            [
                new TunnelConfiguration { TunnelId = 1, PrivateKeys = [tunnels.ServerKey], AllowUnknownPeers = true },
                new TunnelConfiguration { TunnelId = 2, PrivateKeys = [otherKey], AllowUnknownPeers = true },
            ],
            tunnels.Now);

        var first = tunnels.Connect(tunnels.NewClient(privateKey: clientKey));
        var second = tunnels.Connect(tunnels.NewClient(privateKey: clientKey, serverPublicKey: tunnels.PublicKeyOf(otherKey)));

        Assert.NotEqual(first, second);
        Assert.Equal((1, 2), (TunnelOf(tunnels, first), TunnelOf(tunnels, second)));
    }

    [Fact]
    public void Client_rekeys_with_the_new_identity_while_its_session_with_the_old_one_lives()
    {
        using var tunnels = new Tunnels();
        var (newKey, clientKey) = (tunnels.NewKey(), tunnels.NewKey());
        var peer = tunnels.NewHandmadeClient(clientKey).Connect();
        tunnels.Engine.Apply([WithKeys(newKey, tunnels.ServerKey)], tunnels.Now);
        tunnels.Now += TimeSpan.FromSeconds(1);
        Assert.Equal(peer, tunnels.NewHandmadeClient(clientKey).Connect());
        tunnels.Now += TimeSpan.FromSeconds(1);

        var moved = tunnels.NewHandmadeClient(clientKey, tunnels.PublicKeyOf(newKey));
        Assert.Equal(peer, moved.Connect());
        tunnels.Engine.Apply([WithKeys(newKey)], tunnels.Now);

        Assert.Equal(ReceiveVerdict.Data, tunnels.Deliver(moved.Seal(1, "still connected"u8)).Verdict);
        tunnels.Now += TimeSpan.FromSeconds(1);
        Assert.Equal(peer, moved.Connect());
        Assert.Equal(ReceiveVerdict.Mac1Invalid, tunnels.NewHandmadeClient(clientKey).Handshake().Verdict);
    }

    [Fact]
    public void Removed_tunnel_loses_its_peers_and_the_others_keep_theirs()
    {
        using var tunnels = new Tunnels();
        var otherKey = tunnels.NewKey();
        var staying = new TunnelConfiguration { TunnelId = 2, PrivateKeys = [otherKey], AllowUnknownPeers = true };
        tunnels.Engine.Apply([tunnels.Configuration, staying], tunnels.Now);
        var gone = tunnels.NewHandmadeClient().Connect();
        var kept = tunnels.NewHandmadeClient(serverPublicKey: tunnels.PublicKeyOf(otherKey)).Connect();

        tunnels.Engine.Apply([staying], tunnels.Now);
        tunnels.Engine.Apply([staying, tunnels.Configuration], tunnels.Now);

        Assert.Equal(SealVerdict.UnknownPeer, tunnels.Seal(gone, "gone"u8).Result.Verdict);
        Assert.Equal(SealVerdict.Sealed, tunnels.Seal(kept, "kept"u8).Result.Verdict);
        Assert.Equal((1, 2), (tunnels.Engine.PeerCount, TunnelOf(tunnels, kept)));
        Assert.Equal(ReceiveVerdict.InitiationAnswered, tunnels.NewHandmadeClient().Handshake().Verdict);
    }

    [Fact]
    public void Unknown_peers_lose_their_sessions_when_they_are_no_longer_allowed()
    {
        using var tunnels = new Tunnels();
        var (stranger, named, halfOpen) = (tunnels.NewHandmadeClient(), tunnels.NewHandmadeClient(), tunnels.NewHandmadeClient());
        var peers = new[] { new NamedPeer { PublicKey = named.PublicKey } };
        tunnels.Engine.Apply([new TunnelConfiguration { TunnelId = 7, PrivateKeys = [tunnels.ServerKey], AllowUnknownPeers = true, Peers = peers }], tunnels.Now);
        stranger.Connect();
        named.Connect();
        halfOpen.Handshake();

        tunnels.Engine.Apply([new TunnelConfiguration { TunnelId = 7, PrivateKeys = [tunnels.ServerKey], Peers = peers }], tunnels.Now);

        Assert.Equal((1, 0, 1), (tunnels.Engine.PeerCount, tunnels.Engine.HalfOpenCount, tunnels.Engine.SessionCount));
        Assert.Equal(ReceiveVerdict.UnknownIndex, tunnels.Deliver(stranger.Seal(1, "me"u8)).Verdict);
        Assert.Equal(ReceiveVerdict.UnknownIndex, tunnels.Deliver(halfOpen.Seal(0, [])).Verdict);
        Assert.Equal(ReceiveVerdict.Data, tunnels.Deliver(named.Seal(1, "me"u8)).Verdict);
    }

    [Fact]
    public void Unknown_peer_that_gets_a_name_keeps_its_session_and_gets_the_name_s_rights()
    {
        using var tunnels = new Tunnels(options: new WireGuardEngineOptions { MaxPeers = 1 });
        var client = tunnels.NewHandmadeClient();
        client.Connect();
        Assert.Equal(ReceiveVerdict.Data, tunnels.Deliver(client.Seal(1, "raw"u8)).Verdict);

        tunnels.Engine.Apply(
            [
                new TunnelConfiguration
                {
                    TunnelId = 7,
                    PrivateKeys = [tunnels.ServerKey],
                    AllowUnknownPeers = true,
                    Peers = [new NamedPeer { PublicKey = client.PublicKey, AllowedIPs = [IPNetwork.Parse("10.0.0.1/32")] }],
                },
            ],
            tunnels.Now);

        Assert.Equal(ReceiveVerdict.RawNotAllowed, tunnels.Deliver(client.Seal(2, "raw"u8)).Verdict);
        Assert.Equal(ReceiveVerdict.Data, tunnels.Deliver(client.Seal(3, TestPackets.IPv4("10.0.0.1"))).Verdict);
        // The place among the unknown is free again.
        tunnels.NewHandmadeClient().Connect();
    }

    [Fact]
    public void Same_configuration_again_changes_nothing()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewHandmadeClient();
        var halfOpen = tunnels.NewHandmadeClient();
        var peer = client.Connect();
        halfOpen.Handshake();

        for (var i = 0; i < 3; i++)
            tunnels.Engine.Apply([tunnels.Configuration], tunnels.Now);

        Assert.Equal(ReceiveVerdict.Data, tunnels.Deliver(client.Seal(1, "as before"u8)).Verdict);
        Assert.Equal(SealVerdict.Sealed, tunnels.Seal(peer, "as before"u8).Result.Verdict);
        Assert.True(tunnels.Deliver(halfOpen.Seal(0, [])).Result.HandshakeCompleted);
    }

    [Fact]
    public void Nothing_is_served_before_the_first_and_after_an_empty_configuration()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewHandmadeClient();
        client.Connect();

        tunnels.Engine.Apply([], tunnels.Now);

        Assert.Equal(ReceiveVerdict.UnknownIndex, tunnels.Deliver(client.Seal(1, "me"u8)).Verdict);
        Assert.Equal(ReceiveVerdict.Mac1Invalid, tunnels.Deliver(client.Initiate()).Verdict);
        Assert.Equal((0, 0), (tunnels.Engine.PeerCount, tunnels.Engine.SessionCount));
    }

    [Theory, OnOpenSsl, OnPortable]
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

    private static int TunnelOf(Tunnels tunnels, PeerId peer) => tunnels.Engine.TryGetPeer(peer, new byte[32], out var tunnel, out _) ? tunnel : -1;

    private static TunnelConfiguration WithKeys(params SecretKey[] keys) => new() { TunnelId = 7, PrivateKeys = keys, AllowUnknownPeers = true };
}
