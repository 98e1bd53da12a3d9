using UdpGateway.WireGuard.Tests.Crypto;

namespace UdpGateway.WireGuard.Tests.Scenarios;

public sealed class TimerScenarios
{
    private static readonly TimeSpan Instant = TimeSpan.FromMilliseconds(1);

    [Theory, OnOpenSsl, OnPortable]
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

    [Theory, OnOpenSsl, OnPortable]
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

    [Fact]
    public void Initiator_rekeys_when_it_sends_on_a_session_of_120_seconds()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewClient();
        tunnels.Connect(client);

        tunnels.Now += Paper.RekeyAfterTime - Instant;
        client.Send("young"u8, pad: false, tunnels.Now);
        Assert.Equal([Paper.TransportType], Types(tunnels.Take(client)));

        tunnels.Now += Instant;
        client.Send("old"u8, pad: false, tunnels.Now);
        Assert.Equal([Paper.InitiationType, Paper.TransportType], Types(tunnels.Take(client)).Order());
    }

    [Fact]
    public void Initiator_rekeys_once_when_it_receives_on_a_session_of_165_seconds()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewClient();
        var peer = tunnels.Connect(client);
        var due = Paper.RejectAfterTime - Paper.KeepaliveTimeout - Paper.RekeyTimeout;

        tunnels.Now += due - Instant;
        tunnels.Open(client, tunnels.Seal(peer, "not yet"u8).Datagram);
        Assert.Empty(tunnels.Take(client));

        tunnels.Now += Instant;
        tunnels.Open(client, tunnels.Seal(peer, "now"u8).Datagram);
        tunnels.Open(client, tunnels.Seal(peer, "and again"u8).Datagram);
        Assert.Equal([Paper.InitiationType], Types(tunnels.Take(client)));
    }

    [Fact]
    public void Initiator_rekeys_after_2_to_the_60_messages_and_stops_before_the_counter_is_used_up()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewClient();
        tunnels.Connect(client);

        client.SetSendingCounter(Paper.RekeyAfterMessages - 1);
        client.Send("last of the quiet ones"u8, pad: false, tunnels.Now);
        Assert.Equal([Paper.TransportType], Types(tunnels.Take(client)));
        client.Send("one more"u8, pad: false, tunnels.Now);
        Assert.Equal([Paper.InitiationType, Paper.TransportType], Types(tunnels.Take(client)).Order());

        client.SetSendingCounter(Paper.RejectAfterMessages - 1);
        client.Send("the very last"u8, pad: false, tunnels.Now);
        Assert.Equal([Paper.TransportType], Types(tunnels.Take(client)));
        client.Send("has to wait"u8, pad: false, tunnels.Now);
        Assert.Empty(tunnels.Take(client));
        tunnels.Now += Paper.RekeyTimeout + Paper.MaximumJitter;
        Assert.Contains("has to wait"u8.ToArray(), tunnels.Exchange(client).Select(received => received.Payload));
    }

    [Fact]
    public void Responder_does_not_rekey_based_on_session_age()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewClient();
        var peer = tunnels.Connect(client);

        for (var second = 0; second < 179; second++)
        {
            tunnels.Now += TimeSpan.FromSeconds(1);
            Assert.Equal(Paper.TransportType, tunnels.Seal(peer, "more"u8).Datagram[0]);
            Assert.Empty(tunnels.TakeDue());
        }
    }

    [Fact]
    public void Responder_never_initiates_however_long_its_data_goes_unanswered()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewClient();
        var peer = tunnels.Connect(client);
        client.Send("hello"u8, pad: false, tunnels.Now);
        tunnels.Exchange(client);
        var sent = new List<byte[]>();

        for (var second = 0; second < 600; second++)
        {
            tunnels.Now += TimeSpan.FromSeconds(1);
            sent.AddRange(tunnels.TakeDue());
            tunnels.Seal(peer, "anybody?"u8);
        }

        Assert.All(sent, datagram => Assert.Equal(Paper.TransportType, datagram[0]));
    }

    [Fact]
    public void Responder_discards_the_session_after_reject_after_time()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewHandmadeClient();
        var peer = client.Connect();
        var late = client.Seal(1, "late"u8);

        tunnels.Now += Paper.RejectAfterTime - Instant;
        tunnels.TakeDue();
        Assert.Equal(1, tunnels.Engine.SessionCount);
        Assert.Equal(SealVerdict.Sealed, tunnels.Seal(peer, "last words"u8).Result.Verdict);

        tunnels.Now += Instant;
        Assert.Equal(SealVerdict.NoSession, tunnels.Seal(peer, "too late"u8).Result.Verdict);
        Assert.Equal(ReceiveVerdict.SessionExpired, tunnels.Deliver(late).Verdict);
        tunnels.Now += TimeSpan.FromMilliseconds(50);
        tunnels.TakeDue();
        Assert.Equal(0, tunnels.Engine.SessionCount);
        Assert.Equal(ReceiveVerdict.UnknownIndex, tunnels.Deliver(late).Verdict);
    }

    [Fact]
    public void Half_open_handshake_is_forgotten_when_nobody_confirms_it()
    {
        using var tunnels = new Tunnels();
        tunnels.NewHandmadeClient().Handshake();

        tunnels.Now += Paper.RejectAfterTime - Instant;
        Assert.Empty(tunnels.TakeDue());
        Assert.Equal((1, 1), (tunnels.Engine.HalfOpenCount, tunnels.Engine.SessionCount));
        tunnels.Now += TimeSpan.FromMilliseconds(50);
        Assert.Empty(tunnels.TakeDue());

        Assert.Equal((0, 0), (tunnels.Engine.HalfOpenCount, tunnels.Engine.SessionCount));
        Assert.Equal(TimeSpan.MaxValue, tunnels.Engine.NextDeadline);
    }

    [Fact]
    public void A_single_late_poll_observes_the_expiry()
    {
        using var tunnels = new Tunnels();
        var peers = Enumerable.Range(0, 5).Select(_ => tunnels.NewHandmadeClient().Connect()).ToList();
        tunnels.NewHandmadeClient().Handshake();

        tunnels.Now += TimeSpan.FromDays(3);
        Assert.Empty(tunnels.TakeDue());

        Assert.Equal((5, 0, 0), (tunnels.Engine.PeerCount, tunnels.Engine.HalfOpenCount, tunnels.Engine.SessionCount));
        Assert.All(peers, peer => Assert.Equal(SealVerdict.NoSession, tunnels.Seal(peer, "gone"u8).Result.Verdict));
        Assert.Equal(TimeSpan.MaxValue, tunnels.Engine.NextDeadline);
    }

    [Fact]
    public void Passive_keepalive_is_sent_ten_seconds_after_the_first_unanswered_data()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewHandmadeClient();
        client.Connect();
        var start = tunnels.Now;

        tunnels.Deliver(client.Seal(1, "first"u8));
        tunnels.Now = start + TimeSpan.FromSeconds(6);
        tunnels.Deliver(client.Seal(2, "second"u8));
        tunnels.Now = start + Paper.KeepaliveTimeout - Instant;
        Assert.Empty(tunnels.TakeDue());
        tunnels.Now = start + Paper.KeepaliveTimeout + TimeSpan.FromMilliseconds(40);
        Assert.Equal([Paper.KeepaliveSize], tunnels.TakeDue().Select(datagram => datagram.Length));

        // The second packet came while the first was waiting, so another keepalive answers it.
        tunnels.Now += Paper.KeepaliveTimeout + TimeSpan.FromMilliseconds(40);
        Assert.Single(tunnels.TakeDue());
        tunnels.Now += TimeSpan.FromSeconds(60);
        Assert.Empty(tunnels.TakeDue());
    }

    [Fact]
    public void Data_that_is_sent_in_time_makes_the_passive_keepalive_unnecessary()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewHandmadeClient();
        var peer = client.Connect();

        for (ulong i = 1; i < 15; i++)
        {
            tunnels.Deliver(client.Seal(i, "question"u8));
            tunnels.Now += TimeSpan.FromSeconds(9);
            Assert.Empty(tunnels.TakeDue());
            tunnels.Seal(peer, "answer"u8);
        }
    }

    [Fact]
    public void Passive_keepalive_does_not_outlive_the_session()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewHandmadeClient();
        client.Connect();

        tunnels.Now += Paper.RejectAfterTime - TimeSpan.FromSeconds(5);
        Assert.Equal(ReceiveVerdict.Data, tunnels.Deliver(client.Seal(1, "the end is near"u8)).Verdict);
        tunnels.Now += TimeSpan.FromSeconds(30);

        Assert.Empty(tunnels.TakeDue());
        Assert.Equal(TimeSpan.MaxValue, tunnels.Engine.NextDeadline);
    }

    [Fact]
    public void Client_answers_data_with_one_passive_keepalive_and_keepalives_with_nothing()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewClient();
        var peer = tunnels.Connect(client);

        tunnels.Open(client, tunnels.Seal(peer, "data"u8).Datagram);
        tunnels.Now += Paper.KeepaliveTimeout;
        Assert.Equal([Paper.KeepaliveSize], tunnels.Take(client).Select(datagram => datagram.Length));
        tunnels.Open(client, tunnels.Seal(peer, []).Datagram);
        tunnels.Now += TimeSpan.FromSeconds(60);
        Assert.Empty(tunnels.Take(client));
    }

    [Fact]
    public void Persistent_keepalive_is_put_off_by_any_traffic()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewClient(persistentKeepalive: TimeSpan.FromSeconds(25));
        var peer = tunnels.Connect(client);

        tunnels.Now += TimeSpan.FromSeconds(20);
        tunnels.Open(client, tunnels.Seal(peer, []).Datagram);
        tunnels.Now += TimeSpan.FromSeconds(24);
        Assert.Empty(tunnels.Take(client));
        tunnels.Now += TimeSpan.FromSeconds(1);
        Assert.Equal([Paper.KeepaliveSize], tunnels.Take(client).Select(datagram => datagram.Length));
        tunnels.Now += TimeSpan.FromSeconds(25);
        Assert.Single(tunnels.Take(client));
    }

    [Fact]
    public void Initiator_retransmits_every_five_seconds_with_jitter_gives_up_after_ninety_and_drops_what_waited()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewClient();
        var start = tunnels.Now;
        client.Send("never arrives"u8, pad: false, tunnels.Now);
        var sent = new List<TimeSpan>();

        while (client.NextDeadline != TimeSpan.MaxValue || sent.Count == 0)
        {
            sent.AddRange(tunnels.Take(client).Select(_ => tunnels.Now));
            if (client.NextDeadline != TimeSpan.MaxValue)
                tunnels.Now = client.NextDeadline;
        }

        var gaps = sent.Zip(sent.Skip(1), (first, second) => second - first).ToList();
        Assert.All(gaps, gap => Assert.InRange(gap, Paper.RekeyTimeout, Paper.RekeyTimeout + Paper.MaximumJitter));
        Assert.True(gaps.Distinct().Count() > gaps.Count / 2);
        Assert.InRange(sent[^1] - start, Paper.RekeyAttemptTime, Paper.RekeyAttemptTime + (Paper.MaximumJitter * 18));
        Assert.Equal(19, sent.Count);

        client.Send("a new start"u8, pad: false, tunnels.Now);
        var arrived = tunnels.Exchange(client).Where(received => received.Verdict == ReceiveVerdict.Data);
        Assert.Equal(["a new start"u8.ToArray()], arrived.Select(received => received.Payload));
    }

    [Fact]
    public void Each_retransmission_has_a_new_ephemeral_and_a_greater_timestamp()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewClient();
        client.Connect(tunnels.Now);
        var first = tunnels.Take(client).Single();
        tunnels.Now += Paper.RekeyTimeout + Paper.MaximumJitter;
        var second = tunnels.Take(client).Single();

        Assert.NotEqual(first[8..40], second[8..40]);
        Assert.Equal(ReceiveVerdict.InitiationAnswered, tunnels.Deliver(first).Verdict);
        tunnels.Now += Paper.InitiationInterval;
        Assert.Equal(ReceiveVerdict.InitiationAnswered, tunnels.Deliver(second).Verdict);
    }

    [Fact]
    public void Initiator_starts_a_new_handshake_when_its_data_goes_unanswered_for_fifteen_seconds()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewClient();
        tunnels.Connect(client);
        client.Send("is anybody there?"u8, pad: false, tunnels.Now);
        tunnels.Take(client);
        var due = Paper.KeepaliveTimeout + Paper.RekeyTimeout;

        tunnels.Now += due - Instant;
        Assert.Empty(tunnels.Take(client));
        tunnels.Now += Paper.MaximumJitter + Instant;
        Assert.Equal([Paper.InitiationType], Types(tunnels.Take(client)));
    }

    [Fact]
    public void Answered_data_starts_no_new_handshake()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewClient();
        var peer = tunnels.Connect(client);
        client.Send("question"u8, pad: false, tunnels.Now);
        tunnels.Exchange(client);
        tunnels.Open(client, tunnels.Seal(peer, []).Datagram);

        tunnels.Now += TimeSpan.FromSeconds(100);

        Assert.Empty(tunnels.Take(client));
    }

    [Fact]
    public void Idle_client_lets_its_session_end_and_forgets_the_keys_after_540_seconds()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewClient();
        tunnels.Connect(client);

        tunnels.Now += (Paper.RejectAfterTime * 3) - Instant;
        Assert.Empty(tunnels.Take(client));
        Assert.True(client.IsConnected);
        tunnels.Now += Instant;
        Assert.Empty(tunnels.Take(client));

        Assert.False(client.IsConnected);
        Assert.Equal(TimeSpan.MaxValue, client.NextDeadline);
    }

    [Fact]
    public void Client_keeps_the_newest_128_payloads_while_it_waits_for_a_session()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewClient();
        for (byte i = 0; i < 130; i++)
            client.Send([i, 0xff], pad: false, tunnels.Now);

        var arrived = tunnels.Exchange(client).Where(received => received.Verdict == ReceiveVerdict.Data).Select(received => received.Payload[0]);

        Assert.Equal(Enumerable.Range(2, 128).Select(i => (byte)i), arrived);
    }

    [Fact]
    public void Rekey_happens_at_most_every_five_seconds()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewClient();
        tunnels.Connect(client);
        tunnels.Now += Paper.RekeyAfterTime;
        var initiations = 0;

        for (var i = 0; i < 49; i++)
        {
            client.Send("busy"u8, pad: false, tunnels.Now);
            initiations += Types(tunnels.Take(client)).Count(type => type == Paper.InitiationType);
            tunnels.Now += TimeSpan.FromMilliseconds(100);
        }

        Assert.Equal(1, initiations);
    }

    [Fact]
    public void Next_deadline_never_points_into_the_past_once_the_due_work_is_done()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewClient(persistentKeepalive: TimeSpan.FromSeconds(7));
        var peer = tunnels.Connect(client);
        var random = new Random(31);

        for (var i = 0; i < 2_000; i++)
        {
            tunnels.Now += TimeSpan.FromMilliseconds(random.Next(1, 4_000));
            tunnels.TakeDue();
            Assert.True(tunnels.Engine.NextDeadline > tunnels.Now);
            if (random.Next(3) == 0)
                client.Send("data"u8, pad: false, tunnels.Now);
            tunnels.Exchange(client);
            Assert.True(client.NextDeadline > tunnels.Now);
            if (random.Next(3) == 0 && tunnels.Seal(peer, "reply"u8) is { Result.Verdict: SealVerdict.Sealed } reply)
                tunnels.Open(client, reply.Datagram);
        }

        Assert.True(client.HandshakesCompleted > 10);
    }

    private static IEnumerable<int> Types(IEnumerable<byte[]> datagrams) => datagrams.Select(datagram => (int)datagram[0]);
}
