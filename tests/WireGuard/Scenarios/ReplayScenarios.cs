using UdpGateway.WireGuard.Handshake;
using UdpGateway.WireGuard.Tests.Crypto;

namespace UdpGateway.WireGuard.Tests.Scenarios;

public sealed class ReplayScenarios
{
    private const ulong Limit = 8129;
    private const ulong Reject = Paper.RejectAfterMessages;

    /// <summary>Counters in the order of their arrival, and whether each is new (wireguard-go's list, MIT).</summary>
    private static readonly (ulong Counter, bool IsAccepted)[] Cases =
    [
        (0, true), (1, true), (1, false), (9, true), (8, true), (7, true), (7, false),
        (Limit, true), (Limit - 1, true), (Limit - 1, false), (Limit - 2, true), (2, true), (2, false),
        (Limit + 16, true), (3, false), (Limit + 16, false),
        (Limit * 4, true), ((Limit * 4) - (Limit - 1), true), (10, false), ((Limit * 4) - Limit, false),
        ((Limit * 4) - (Limit + 1), false), ((Limit * 4) - (Limit - 2), true), ((Limit * 4) + 1 - Limit, false), (0, false),
        (Reject, false), (Reject - 1, true), (Reject, false), (Reject - 1, false), (Reject - 2, true),
        (Reject + 1, false), (Reject + 2, false), (Reject - 2, false), (Reject - 3, true), (0, false),
    ];

    [Theory, OnOpenSsl, OnPortable]
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

    [Theory, OnOpenSsl, OnPortable]
    public void Counters_are_accepted_once_within_the_window_and_below_the_limit(string backend)
    {
        using var tunnels = new Tunnels(backend);
        var client = tunnels.NewHandmadeClient();
        client.Handshake();

        for (var i = 0; i < Cases.Length; i++)
        {
            var (counter, isAccepted) = Cases[i];
            Assert.Equal((i, counter, isAccepted), (i, counter, IsAccepted(tunnels, client, counter)));
        }
    }

    [Fact]
    public void Runs_forward_and_backward_over_the_edge_of_the_window_are_told_apart()
    {
        const int Window = 8128;
        var upward = Enumerable.Range(1, Window).Select(i => ((ulong)i, true));
        var downward = Enumerable.Range(1, Window).Reverse().Select(i => ((ulong)i, true));
        (ulong, bool)[][] runs =
        [
            [.. upward, (0, true), (0, false)],
            [.. Enumerable.Range(2, Window).Select(i => ((ulong)i, true)), (1, true), (0, false)],
            [.. downward, (0, true)],
            [(Window + 1, true), .. downward, (0, false)],
            [.. downward, (Window + 1, true), (0, false)],
            [.. downward, (0, true), (Window + 1, true)],
        ];

        foreach (var run in runs)
        {
            using var tunnels = new Tunnels();
            var client = tunnels.NewHandmadeClient();
            client.Handshake();
            foreach (var (counter, isAccepted) in run)
                Assert.Equal((counter, isAccepted), (counter, IsAccepted(tunnels, client, counter)));
        }
    }

    [Fact]
    public void Used_up_counters_expire_the_session_in_that_direction_only()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewHandmadeClient();
        var peer = client.Connect();

        Assert.Equal(ReceiveVerdict.SessionExpired, tunnels.Deliver(client.Seal(Reject, "no"u8)).Verdict);
        Assert.Equal(ReceiveVerdict.SessionExpired, tunnels.Deliver(client.Seal(ulong.MaxValue, "no"u8)).Verdict);
        Assert.Equal(ReceiveVerdict.Data, tunnels.Deliver(client.Seal(Reject - 1, "yes"u8)).Verdict);
        Assert.Equal(SealVerdict.Sealed, tunnels.Seal(peer, "our counter is young"u8).Result.Verdict);
    }

    [Fact]
    public void Forged_packet_with_a_great_counter_does_not_move_the_window()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewHandmadeClient();
        client.Connect();
        var forged = client.Seal(1_000_000, "forged"u8);
        forged[^1] ^= 1;

        Assert.Equal(ReceiveVerdict.NotAuthentic, tunnels.Deliver(forged).Verdict);
        Assert.Equal(ReceiveVerdict.Data, tunnels.Deliver(client.Seal(1, "genuine"u8)).Verdict);
    }

    [Fact]
    public void Initiations_with_an_equal_or_older_timestamp_are_replays_whatever_the_clock_says()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewHandmadeClient();
        var timestamp = new Tai64n(0x400000000000000a, 500);
        tunnels.Deliver(client.Initiate(timestamp));

        foreach (var older in new[] { timestamp, timestamp with { Nanoseconds = 499 }, new Tai64n(timestamp.Seconds - 1, uint.MaxValue), default })
        {
            tunnels.Now += TimeSpan.FromSeconds(1);
            var received = tunnels.Deliver(client.Initiate(older));
            Assert.Equal(ReceiveVerdict.TimestampReplayed, received.Verdict);
            Assert.Empty(received.Answer);
        }

        foreach (var newer in new[] { timestamp with { Nanoseconds = 501 }, new Tai64n(timestamp.Seconds + 1, 0), new Tai64n(ulong.MaxValue, uint.MaxValue) })
        {
            tunnels.Now += TimeSpan.FromSeconds(1);
            Assert.Equal(ReceiveVerdict.InitiationAnswered, tunnels.Deliver(client.Initiate(newer)).Verdict);
        }
    }

    [Fact]
    public void Replayed_initiation_neither_cancels_the_handshake_in_flight_nor_moves_the_endpoint()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewHandmadeClient();
        var peer = client.Connect();
        tunnels.Now += Paper.RekeyAfterTime;
        var initiation = client.Initiate();
        client.TryConsume(tunnels.Deliver(initiation).Answer);

        tunnels.Now += TimeSpan.FromSeconds(1);
        tunnels.Source = Tunnels.Endpoint("203.0.113.66:666");
        Assert.Equal(ReceiveVerdict.TimestampReplayed, tunnels.Deliver(initiation).Verdict);

        Assert.Equal(Tunnels.Endpoint("198.51.100.7:40112"), tunnels.Seal(peer, "to the client"u8).Result.Endpoint);
        Assert.True(tunnels.Deliver(client.Seal(0, [])).Result.HandshakeCompleted);
    }

    [Fact]
    public void Initiations_of_one_key_are_consumed_at_most_every_20_milliseconds()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewHandmadeClient();
        var stranger = tunnels.NewHandmadeClient();
        var first = client.Initiate(new Tai64n(1, 0));
        var second = client.Initiate(new Tai64n(2, 0));
        var third = client.Initiate(new Tai64n(3, 0));

        Assert.Equal(ReceiveVerdict.InitiationAnswered, tunnels.Deliver(first).Verdict);
        tunnels.Now += Paper.InitiationInterval - TimeSpan.FromTicks(1);
        Assert.Equal(ReceiveVerdict.InitiationFlood, tunnels.Deliver(second).Verdict);
        Assert.Equal(ReceiveVerdict.InitiationAnswered, tunnels.Deliver(stranger.Initiate()).Verdict);
        tunnels.Now += TimeSpan.FromTicks(1);
        Assert.Equal(ReceiveVerdict.InitiationAnswered, tunnels.Deliver(second).Verdict);
        tunnels.Now += Paper.InitiationInterval;
        Assert.Equal(ReceiveVerdict.InitiationAnswered, tunnels.Deliver(third).Verdict);
    }

    [Fact]
    public void Device_whose_clock_starts_anew_is_refused_by_the_strict_policy_for_good()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewHandmadeClient();
        client.Connect();

        tunnels.Now += TimeSpan.FromHours(10);
        tunnels.TakeDue();

        Assert.Equal(ReceiveVerdict.TimestampReplayed, tunnels.Deliver(client.Initiate(new Tai64n(0x400000000000000a, 0))).Verdict);
    }

    [Fact]
    public void Device_whose_clock_starts_anew_connects_once_its_session_is_gone_if_the_policy_allows_it()
    {
        using var tunnels = new Tunnels(options: new WireGuardEngineOptions { TimestampPolicy = TimestampPolicy.AcceptOlderWhenIdle });
        var client = tunnels.NewHandmadeClient();
        client.Connect();
        var reset = new Tai64n(0x400000000000000a, 0);

        tunnels.Now += TimeSpan.FromSeconds(30);
        Assert.Equal(ReceiveVerdict.TimestampReplayed, tunnels.Deliver(client.Initiate(reset)).Verdict);
        tunnels.Now += Paper.RejectAfterTime;
        tunnels.TakeDue();
        var received = tunnels.Deliver(client.Initiate(reset));
        client.TryConsume(received.Answer);

        Assert.Equal(ReceiveVerdict.InitiationAnswered, received.Verdict);
        Assert.True(tunnels.Deliver(client.Seal(0, [])).Result.HandshakeCompleted);
    }

    [Fact]
    public void Captured_initiation_of_a_device_whose_clock_started_anew_redirects_nothing()
    {
        using var tunnels = new Tunnels(options: new WireGuardEngineOptions { TimestampPolicy = TimestampPolicy.AcceptOlderWhenIdle });
        var client = tunnels.NewHandmadeClient();
        var captured = client.Initiate();
        client.TryConsume(tunnels.Deliver(captured).Answer);
        tunnels.Deliver(client.Seal(0, []));
        tunnels.Now += Paper.RejectAfterTime + TimeSpan.FromSeconds(1);
        tunnels.TakeDue();
        client.TryConsume(tunnels.Deliver(client.Initiate(new Tai64n(0x400000000000000a, 0))).Answer);
        var peer = tunnels.Deliver(client.Seal(0, [])).Result.Peer;
        tunnels.Now += TimeSpan.FromSeconds(1);

        tunnels.Source = Tunnels.Endpoint("203.0.113.66:666");
        var replayed = tunnels.Deliver(captured);

        // Its timestamp is greater than the one that counts now; the policy's price is this response.
        Assert.Equal(ReceiveVerdict.InitiationAnswered, replayed.Verdict);
        Assert.Equal(Tunnels.Endpoint("198.51.100.7:40112"), tunnels.Seal(peer, "to the device"u8).Result.Endpoint);
        Assert.Equal(ReceiveVerdict.Data, tunnels.Deliver(client.Seal(1, "lives on"u8)).Verdict);
    }

    [Fact]
    public void Evicted_peer_s_old_initiation_stays_a_replay()
    {
        using var tunnels = new Tunnels(options: new WireGuardEngineOptions { MaxPeers = 1 });
        var evicted = tunnels.NewHandmadeClient();
        var captured = evicted.Initiate();
        evicted.TryConsume(tunnels.Deliver(captured).Answer);
        tunnels.Deliver(evicted.Seal(0, []));
        tunnels.Now += Paper.RejectAfterTime + TimeSpan.FromSeconds(1);
        tunnels.TakeDue();

        tunnels.NewHandmadeClient().Connect();

        Assert.Equal(ReceiveVerdict.TimestampReplayed, tunnels.Deliver(captured).Verdict);
        Assert.Equal(ReceiveVerdict.InitiationAnswered, tunnels.Deliver(evicted.Initiate()).Verdict);
    }

    [Fact]
    public void Evicted_device_whose_clock_starts_anew_connects_if_the_policy_allows_it()
    {
        using var tunnels = new Tunnels(options: new WireGuardEngineOptions { MaxPeers = 1, TimestampPolicy = TimestampPolicy.AcceptOlderWhenIdle });
        var evicted = tunnels.NewHandmadeClient();
        evicted.Connect();
        tunnels.Now += Paper.RejectAfterTime + TimeSpan.FromSeconds(1);
        tunnels.TakeDue();
        tunnels.NewHandmadeClient().Connect();

        Assert.Equal(ReceiveVerdict.InitiationAnswered, tunnels.Deliver(evicted.Initiate(new Tai64n(0x400000000000000a, 0))).Verdict);
    }

    private static bool IsAccepted(Tunnels tunnels, HandmadeClient client, ulong counter) =>
        tunnels.Deliver(client.Seal(counter, "x"u8)).Verdict == ReceiveVerdict.Data;
}
