using System.Net;
using UdpGateway.WireGuard.Tests.Crypto;

namespace UdpGateway.WireGuard.Tests.Scenarios;

public sealed class DataScenarios
{
    [Theory, OnOpenSsl, OnPortable]
    public void Packet_that_was_changed_anywhere_is_not_authentic_and_the_real_one_still_arrives(string backend)
    {
        using var tunnels = new Tunnels(backend);
        var client = tunnels.NewHandmadeClient();
        client.Connect();
        var datagram = client.Seal(1, "untouched"u8);

        for (var position = 4; position < datagram.Length; position++)
        {
            var changed = datagram.ToArray();
            changed[position] ^= 0x10;
            var verdict = tunnels.Deliver(changed).Verdict;
            Assert.Equal(position < 8 ? ReceiveVerdict.UnknownIndex : ReceiveVerdict.NotAuthentic, verdict);
        }

        var received = tunnels.Deliver(datagram);
        Assert.Equal(ReceiveVerdict.Data, received.Verdict);
        Assert.Equal("untouched"u8.ToArray(), received.Payload);
    }

    [Theory, OnOpenSsl, OnPortable]
    public void Packets_of_every_size_up_to_the_largest_datagram_pass_both_ways(string backend)
    {
        using var tunnels = new Tunnels(backend);
        var client = tunnels.NewHandmadeClient();
        var peer = client.Connect();
        ulong counter = 1;

        foreach (var length in new[] { 1, 15, 16, 17, 1279, 1280, 1419, 1420, 1421, 9000, 65_475 })
        {
            var payload = new byte[length];
            tunnels.Fill(payload);
            payload[0] = 0xff;
            Assert.Equal(payload, tunnels.Deliver(client.Seal(counter++, payload)).Payload);
            Assert.Equal(payload, client.Open(tunnels.Seal(peer, payload).Datagram));
        }
    }

    [Fact]
    public void Payload_that_fits_no_datagram_is_refused_and_costs_no_counter()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewHandmadeClient();
        var peer = client.Connect();

        Assert.Equal(SealVerdict.TooLong, tunnels.Seal(peer, new byte[65_476]).Result.Verdict);
        Assert.Equal(SealVerdict.TooLong, tunnels.Engine.Seal(peer, new byte[40], 9, pad: false, tunnels.Now).Verdict);
        Assert.Equal(0UL, HandmadeClient.CounterOf(tunnels.Seal(peer, "first"u8).Datagram));
    }

    [Fact]
    public void Datagram_far_beyond_any_packet_is_dropped_like_any_other()
    {
        using var tunnels = new Tunnels();
        var oversized = new byte[65_535];
        oversized[0] = Paper.TransportType;

        Assert.Equal(ReceiveVerdict.UnknownIndex, tunnels.Deliver(oversized).Verdict);
        oversized[0] = Paper.InitiationType;
        Assert.Equal(ReceiveVerdict.Malformed, tunnels.Deliver(oversized).Verdict);
        Assert.Equal(ReceiveVerdict.Malformed, tunnels.Deliver([]).Verdict);
    }

    [Fact]
    public void Packets_are_numbered_from_zero_in_the_order_in_which_they_were_sealed()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewHandmadeClient();
        var peer = client.Connect();

        var counters = Enumerable.Range(0, 300).Select(_ => HandmadeClient.CounterOf(tunnels.Seal(peer, "next"u8).Datagram));

        Assert.Equal(Enumerable.Range(0, 300).Select(i => (ulong)i), counters);
    }

    [Theory]
    [InlineData(28, 32)]
    [InlineData(32, 32)]
    [InlineData(33, 48)]
    [InlineData(1400, 1408)]
    [InlineData(1413, 1420)]
    [InlineData(1420, 1420)]
    [InlineData(1500, 1500)]
    public void IP_packets_are_padded_to_16_bytes_but_never_beyond_the_MTU(int length, int padded)
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewHandmadeClient();
        var peer = client.Connect();
        var packet = TestPackets.IPv4("10.0.0.1", length);

        var sent = client.Open(tunnels.Seal(peer, packet, pad: true).Datagram);

        Assert.NotNull(sent);
        Assert.Equal([.. packet, .. new byte[padded - length]], sent);
    }

    [Fact]
    public void Raw_payloads_are_never_padded()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewHandmadeClient();
        var peer = client.Connect();

        for (var length = 1; length < 64; length++)
            Assert.Equal(length + Paper.TransportOverhead, tunnels.Seal(peer, new byte[length]).Datagram.Length);
    }

    [Fact]
    public void Padding_behind_an_IP_packet_is_cut_off()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewHandmadeClient();
        client.Connect();
        ulong counter = 1;

        foreach (var packet in new[] { TestPackets.IPv4("10.0.0.1", 29), TestPackets.IPv6("fd00::1", 3) })
        {
            for (var padding = 0; padding < 16; padding++)
            {
                var received = tunnels.Deliver(client.Seal(counter++, [.. packet, .. new byte[padding]]));
                Assert.Equal(packet, received.Payload);
                Assert.NotEqual(PayloadKind.Raw, received.Result.PayloadKind);
            }
        }
    }

    public static TheoryData<string, byte[]> PayloadsThatAreNoIPPackets
    {
        get
        {
            var good = TestPackets.IPv4("10.0.0.1", 40);
            return new()
            {
                { "IPv4 longer than the payload", good[..39] },
                { "IPv4 shorter than its header", Changed(good, packet => packet[3] = 19) },
                { "IPv4 header length below 5 words", Changed(good, packet => packet[0] = 0x44) },
                { "IPv4 header longer than the packet", Changed(good, packet => packet[0] = 0x4f) },
                { "IPv4 wrong checksum", [.. good[..10], (byte)(good[10] ^ 1), .. good[11..]] },
                { "IPv4 nineteen bytes", good[..19] },
                { "IPv4 sixteen zeros behind it", [.. good, .. new byte[16]] },
                { "IPv4 something behind it", [.. good, 0, 1] },
                { "IPv6 cut off", TestPackets.IPv6("fd00::1")[..47] },
                { "IPv6 thirty-nine bytes", TestPackets.IPv6("fd00::1")[..39] },
                { "text that starts like IPv4", "E plain text, not a packet"u8.ToArray() },
                { "one byte", [0x60] },
            };
        }
    }

    [Theory]
    [MemberData(nameof(PayloadsThatAreNoIPPackets))]
    public void Payload_that_is_no_whole_IP_packet_passes_through_untouched(string what, byte[] payload)
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewHandmadeClient();
        client.Connect();

        var received = tunnels.Deliver(client.Seal(1, payload));

        Assert.Equal((what, PayloadKind.Raw), (what, received.Result.PayloadKind));
        Assert.Equal(payload, received.Payload);
    }

    [Fact]
    public void Endpoint_follows_authenticated_transport_packets_only()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewHandmadeClient();
        var peer = client.Connect();
        var old = client.Seal(1, "seen"u8);
        tunnels.Deliver(old);
        var forged = client.Seal(2, "forged"u8);
        forged[20] ^= 1;

        tunnels.Source = Tunnels.Endpoint("203.0.113.66:666");
        Assert.Equal(ReceiveVerdict.Replayed, tunnels.Deliver(old).Verdict);
        Assert.Equal(ReceiveVerdict.NotAuthentic, tunnels.Deliver(forged).Verdict);
        Assert.Equal(Tunnels.Endpoint("198.51.100.7:40112"), EndpointOf(tunnels, peer));

        foreach (var (endpoint, datagram) in new[]
        {
            ("198.51.100.7:40113", client.Seal(2, "data, another port"u8)),
            ("203.0.113.9:7", client.Seal(3, [])),
            ("[2001:db8::9]:7", client.Seal(4, "data, IPv6"u8)),
        })
        {
            tunnels.Now += TimeSpan.FromSeconds(1);
            tunnels.Source = Tunnels.Endpoint(endpoint);
            Assert.False(tunnels.Deliver(datagram).Result.IsDrop);
            Assert.Equal(Tunnels.Endpoint(endpoint), EndpointOf(tunnels, peer));
        }
    }

    [Fact]
    public void Previous_session_remains_usable_during_the_transition_to_the_next()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewHandmadeClient();
        client.Connect();
        var (late, later) = (client.Seal(1, "on the way"u8), client.Seal(2, "for long"u8));
        tunnels.Now += Paper.RekeyAfterTime;
        client.Connect();

        var received = tunnels.Deliver(late);
        tunnels.Now += Paper.RejectAfterTime - Paper.RekeyAfterTime;
        var expired = tunnels.Deliver(later);

        Assert.Equal("on the way"u8.ToArray(), received.Payload);
        Assert.Equal(ReceiveVerdict.SessionExpired, expired.Verdict);
        Assert.Equal(ReceiveVerdict.Data, tunnels.Deliver(client.Seal(1, "the new one lives"u8)).Verdict);
    }

    [Fact]
    public void Packets_of_a_dead_session_never_reach_the_slot_s_next_owner()
    {
        using var tunnels = new Tunnels(options: new WireGuardEngineOptions { MaxHalfOpen = 1 });
        var dead = tunnels.NewHandmadeClient();
        dead.Handshake();
        var late = dead.Seal(0, "whose is this?"u8);

        for (var i = 0; i < 50; i++)
        {
            tunnels.NewHandmadeClient().Handshake();
            Assert.Equal(1, tunnels.Engine.SessionCount);
            Assert.Equal(ReceiveVerdict.UnknownIndex, tunnels.Deliver(late).Verdict);
        }
    }

    [Fact]
    public void Unknown_peer_that_is_evicted_gives_its_place_to_another_generation()
    {
        using var tunnels = new Tunnels(options: new WireGuardEngineOptions { MaxPeers = 1 });
        var first = tunnels.NewHandmadeClient().Connect();
        tunnels.Now += Paper.RejectAfterTime + TimeSpan.FromSeconds(1);
        tunnels.TakeDue();

        var second = tunnels.NewHandmadeClient().Connect();

        Assert.Equal(SealVerdict.UnknownPeer, tunnels.Seal(first, "late reply"u8).Result.Verdict);
        Assert.Equal(SealVerdict.Sealed, tunnels.Seal(second, "reply"u8).Result.Verdict);
    }

    [Theory, OnOpenSsl, OnPortable]
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

    private static PeerEndpoint EndpointOf(Tunnels tunnels, PeerId peer) =>
        tunnels.Engine.TryGetPeer(peer, new byte[32], out _, out var endpoint) ? endpoint : default;

    private static byte[] Changed(byte[] packet, Action<byte[]> change)
    {
        var copy = packet.ToArray();
        change(copy);
        TestPackets.WriteChecksum(copy);
        return copy;
    }
}
