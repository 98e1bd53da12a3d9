using UdpGateway.WireGuard.Tests.Crypto;

namespace UdpGateway.WireGuard.Tests.Scenarios;

public sealed class CookieScenarios
{
    [Theory, OnOpenSsl, OnPortable]
    public void Client_proves_its_address_with_a_cookie_and_gets_through_under_load(string backend)
    {
        using var tunnels = new Tunnels(backend);
        var client = tunnels.NewClient();
        tunnels.PutUnderLoad();

        client.Connect(tunnels.Now);
        var first = tunnels.Exchange(client).Single();
        tunnels.Now += Paper.RekeyTimeout + Paper.MaximumJitter;
        tunnels.PutUnderLoad();
        var rest = tunnels.Exchange(client);

        Assert.Equal((ReceiveVerdict.CookieReplied, Paper.CookieReplySize), (first.Verdict, first.Answer.Length));
        Assert.Equal([ReceiveVerdict.InitiationAnswered, ReceiveVerdict.Keepalive], rest.Select(received => received.Verdict));
        Assert.Equal((0, 1), (tunnels.Engine.HalfOpenCount, tunnels.Engine.PeerCount));
    }

    [Fact]
    public void Cookie_counts_for_the_address_and_the_port_that_it_was_sent_to()
    {
        using var tunnels = new Tunnels();
        var initiation = WithCookie(tunnels, out _);

        foreach (var elsewhere in new[] { "198.51.100.7:40113", "198.51.100.8:40112", "[2001:db8::7]:40112" })
        {
            tunnels.Source = Tunnels.Endpoint(elsewhere);
            Assert.Equal(ReceiveVerdict.CookieReplied, tunnels.Deliver(initiation).Verdict);
        }

        tunnels.Source = Tunnels.Endpoint("[::ffff:198.51.100.7]:40112");
        Assert.Equal(ReceiveVerdict.InitiationAnswered, tunnels.Deliver(initiation).Verdict);
    }

    [Fact]
    public void Changed_mac2_is_worth_no_more_than_none()
    {
        using var tunnels = new Tunnels();
        var initiation = WithCookie(tunnels, out _);
        initiation[^1] ^= 1;

        Assert.Equal(ReceiveVerdict.CookieReplied, tunnels.Deliver(initiation).Verdict);
    }

    [Fact]
    public void Cookie_is_refused_once_the_secret_behind_it_is_two_minutes_old()
    {
        using var tunnels = new Tunnels();
        var initiation = WithCookie(tunnels, out _);

        tunnels.Now += Paper.CookieSecretMaxAge;
        tunnels.PutUnderLoad();

        Assert.Equal(ReceiveVerdict.CookieReplied, tunnels.Deliver(initiation).Verdict);
    }

    [Fact]
    public void Junk_without_mac1_gets_no_cookie_even_under_load()
    {
        using var tunnels = new Tunnels();
        var initiation = tunnels.NewHandmadeClient().Initiate();
        initiation[130] ^= 1;
        tunnels.PutUnderLoad();

        var received = tunnels.Deliver(initiation);

        Assert.Equal((ReceiveVerdict.Mac1Invalid, 0), (received.Verdict, received.Answer.Length));
    }

    [Fact]
    public void Without_load_neither_cookies_nor_rates_are_asked_for()
    {
        using var tunnels = new Tunnels();

        for (var i = 0; i < 40; i++)
            Assert.Equal(ReceiveVerdict.InitiationAnswered, tunnels.NewHandmadeClient().Handshake().Verdict);
    }

    [Fact]
    public void Load_is_remembered_for_a_second_and_handshakes_are_free_again_once_it_subsides()
    {
        using var tunnels = new Tunnels();
        tunnels.PutUnderLoad();
        Assert.Equal(ReceiveVerdict.CookieReplied, tunnels.NewHandmadeClient().Handshake().Verdict);

        tunnels.Now += TimeSpan.FromSeconds(1);

        Assert.Equal(ReceiveVerdict.InitiationAnswered, tunnels.NewHandmadeClient().Handshake().Verdict);
    }

    [Fact]
    public void Sixth_handshake_of_a_burst_is_limited_and_twenty_a_second_pass_afterwards()
    {
        using var tunnels = new Tunnels();
        tunnels.PutUnderLoad();
        var cookied = new Cookied(tunnels);

        Assert.Equal([.. Enumerable.Repeat(ReceiveVerdict.InitiationAnswered, 5), ReceiveVerdict.RateLimited], Verdicts(cookied, 6));
        tunnels.Now += TimeSpan.FromMilliseconds(50);
        Assert.Equal([ReceiveVerdict.InitiationAnswered, ReceiveVerdict.RateLimited], Verdicts(cookied, 2));
        tunnels.Now += TimeSpan.FromMilliseconds(250);
        Assert.Equal([.. Enumerable.Repeat(ReceiveVerdict.InitiationAnswered, 5), ReceiveVerdict.RateLimited], Verdicts(cookied, 6));
    }

    [Theory]
    [InlineData("[2001:db8:0:1::1]:1", "[2001:db8:0:1:ffff::2]:2", true)]
    [InlineData("[2001:db8:0:1::1]:1", "[2001:db8:0:2::1]:1", false)]
    [InlineData("198.51.100.7:1", "198.51.100.7:2", true)]
    [InlineData("198.51.100.7:1", "198.51.100.8:1", false)]
    [InlineData("[::ffff:198.51.100.7]:1", "[::ffff:198.51.100.8]:1", false)]
    [InlineData("[::ffff:198.51.100.7]:1", "198.51.100.7:1", true)]
    public void Sources_share_a_limit_by_IPv4_address_or_IPv6_network_of_64_bits(string first, string second, bool areOne)
    {
        using var tunnels = new Tunnels();
        tunnels.PutUnderLoad();
        tunnels.Source = Tunnels.Endpoint(first);
        Verdicts(new Cookied(tunnels), 6);

        tunnels.Source = Tunnels.Endpoint(second);
        var verdict = Verdicts(new Cookied(tunnels), 1).Single();

        Assert.Equal(areOne ? ReceiveVerdict.RateLimited : ReceiveVerdict.InitiationAnswered, verdict);
    }

    [Fact]
    public void Established_sessions_flow_unhindered_under_load_and_beyond_the_budget()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewHandmadeClient();
        var peer = client.Connect();
        var waiting = WithCookie(tunnels, out _);
        tunnels.Engine.AccountHandshake(TimeSpan.FromMilliseconds(500), tunnels.Now);

        Assert.Equal(ReceiveVerdict.HandshakeBudgetExhausted, tunnels.Deliver(waiting).Verdict);
        Assert.Equal(ReceiveVerdict.Data, tunnels.Deliver(client.Seal(1, "flows"u8)).Verdict);
        Assert.Equal(SealVerdict.Sealed, tunnels.Seal(peer, "both ways"u8).Result.Verdict);
    }

    [Fact]
    public void Cookie_reply_out_of_the_blue_is_rejected()
    {
        using var tunnels = new Tunnels();
        var (client, other) = (tunnels.NewClient(), tunnels.NewClient());
        tunnels.PutUnderLoad();
        other.Connect(tunnels.Now);
        var forOther = tunnels.Deliver(tunnels.Take(other).Single()).Answer;

        tunnels.Open(client, forOther);
        client.Connect(tunnels.Now);
        tunnels.Open(client, forOther);

        Assert.All(RetriesOf(tunnels, client), HasNoMac2);
    }

    [Fact]
    public void Cookie_reply_that_was_changed_is_rejected()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewClient();
        tunnels.PutUnderLoad();
        client.Connect(tunnels.Now);
        var reply = tunnels.Deliver(tunnels.Take(client).Single()).Answer;

        for (var position = 4; position < reply.Length; position++)
        {
            var changed = reply.ToArray();
            changed[position] ^= 1;
            tunnels.Open(client, changed);
        }

        Assert.All(RetriesOf(tunnels, client), HasNoMac2);
    }

    [Fact]
    public void Cookie_reply_counts_once_for_each_initiation()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewClient();
        tunnels.PutUnderLoad();
        client.Connect(tunnels.Now);
        var initiation = tunnels.Take(client).Single();
        var first = tunnels.Deliver(initiation).Answer;
        tunnels.Source = Tunnels.Endpoint("203.0.113.66:666");
        var second = tunnels.Deliver(initiation).Answer;
        tunnels.Source = Tunnels.Endpoint("198.51.100.7:40112");

        tunnels.Open(client, first);
        tunnels.Open(client, second);
        tunnels.Now += Paper.RekeyTimeout + Paper.MaximumJitter;
        tunnels.PutUnderLoad();

        Assert.Equal(ReceiveVerdict.InitiationAnswered, tunnels.Deliver(tunnels.Take(client).First()).Verdict);
    }

    [Fact]
    public void Client_forgets_a_cookie_before_the_gateway_does()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewClient();
        tunnels.PutUnderLoad();
        client.Connect(tunnels.Now);
        tunnels.Exchange(client);
        tunnels.Now += Paper.CookieSecretMaxAge - TimeSpan.FromSeconds(5);

        client.Connect(tunnels.Now);

        Assert.All(tunnels.Take(client), HasNoMac2);
    }

    [Fact]
    public void Cookie_reply_neither_completes_the_handshake_nor_stops_its_retransmission()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewClient();
        tunnels.PutUnderLoad();
        client.Connect(tunnels.Now);
        var deadline = client.NextDeadline;
        tunnels.Exchange(client);

        Assert.False(client.IsConnected);
        Assert.InRange(client.NextDeadline - tunnels.Now, Paper.RekeyTimeout, Paper.RekeyTimeout + Paper.MaximumJitter);
        Assert.True(deadline >= client.NextDeadline);
    }

    [Fact]
    public void One_slow_handshake_does_not_lock_the_others_out_for_longer_than_its_share()
    {
        using var tunnels = new Tunnels();
        tunnels.Engine.AccountHandshake(TimeSpan.FromMinutes(1), tunnels.Now);

        tunnels.Now += TimeSpan.FromSeconds(1);

        Assert.Equal(ReceiveVerdict.InitiationAnswered, tunnels.NewHandmadeClient().Handshake().Verdict);
    }

    private static void HasNoMac2(byte[] initiation) => Assert.Equal(new byte[16], initiation[132..]);

    private static List<byte[]> RetriesOf(Tunnels tunnels, WireGuardClient client)
    {
        var datagrams = tunnels.Take(client);
        tunnels.Now += Paper.RekeyTimeout + Paper.MaximumJitter;
        datagrams.AddRange(tunnels.Take(client));
        return [.. datagrams.Where(datagram => datagram[0] == Paper.InitiationType)];
    }

    /// <summary>An initiation with a valid mac2 for the present source; the engine is under load.</summary>
    private static byte[] WithCookie(Tunnels tunnels, out WireGuardClient client)
    {
        client = tunnels.NewClient();
        tunnels.PutUnderLoad();
        client.Connect(tunnels.Now);
        tunnels.Exchange(client);
        tunnels.Now += Paper.RekeyTimeout + Paper.MaximumJitter;
        tunnels.PutUnderLoad();
        return tunnels.Take(client).Single();
    }

    private static List<ReceiveVerdict> Verdicts(Cookied cookied, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => cookied.InitiateAsSomebodyNew())];

    /// <summary>A source that knows its cookie, and many keys behind it.</summary>
    private sealed class Cookied(Tunnels tunnels)
    {
        public ReceiveVerdict InitiateAsSomebodyNew()
        {
            var client = tunnels.NewClient();
            var before = tunnels.Now;
            client.Connect(tunnels.Now);
            tunnels.Exchange(client);
            tunnels.Now = before + Paper.RekeyTimeout + Paper.MaximumJitter;
            var initiation = tunnels.Take(client).Single();
            tunnels.Now = before;
            return tunnels.Deliver(initiation).Verdict;
        }
    }
}
