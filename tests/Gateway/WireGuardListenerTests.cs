using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using UdpGateway.Gateway.InnerPackets;
using UdpGateway.Gateway.Tests.TestDoubles;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;
using UdpGateway.WireGuard;

namespace UdpGateway.Gateway.Tests;

public sealed class WireGuardListenerTests
{
    private static readonly InnerFlow FlowIPv4 = new(4, Endpoint("10.8.0.1", 5683), Endpoint("10.8.0.2", 40001));
    private static readonly InnerFlow FlowIPv6 = new(6, Endpoint("fd00::1", 5683), Endpoint("fd00::2", 40001));

    public static TheoryData<SocketBackend> Backends => TestGateway.Backends;

    [Theory]
    [MemberData(nameof(Backends))]
    public async Task An_unknown_peer_gets_its_packets_delivered_and_answered(SocketBackend backend)
    {
        await using var gateway = await TestGateway.StartAsync(backend);
        var record = await ServeAsync(gateway, Open());
        using var client = new WireGuardTestClient(record.Port, record.WireGuardPublicKey!);
        var packet = InnerUdp(FlowIPv4, "ping"u8);

        var reply = await client.ExchangeAsync(packet, pad: true);

        var delivered = Assert.Single(gateway.Lambda().Packets);
        Assert.Equal(packet, Convert.FromBase64String(delivered["Data"]!.GetValue<string>())); // without the padding
        Assert.Equal(client.PublicKey, delivered["Remote"]!["PeerKey"]!.GetValue<string>());
        Assert.Equal("127.0.0.1", delivered["Remote"]!["IpAddress"]!.GetValue<string>());
        Assert.Equal("wg", delivered["Local"]!["Protocol"]!.GetValue<string>());
        Assert.False(delivered.ContainsKey("Inner"));
        Assert.Equal(packet, reply![..packet.Length]);
        Assert.Equal(0, reply.Length % 16); // an IP packet is padded
        Assert.Equal(1, await gateway.MetricAsync("""udpgw_handshakes_total{listener="test",result="answered"}"""));
        Assert.Equal(1, await gateway.MetricAsync("""udpgw_handshakes_total{listener="test",result="completed"}"""));
        Assert.Equal(1, await gateway.MetricAsync("""udpgw_peers{listener="test",state="confirmed"}"""));
    }

    [Theory]
    [MemberData(nameof(Backends))]
    public async Task A_payload_that_is_no_IP_packet_goes_through_untouched_both_ways(SocketBackend backend)
    {
        await using var gateway = await TestGateway.StartAsync(backend);
        foreach (var decapsulated in new[] { false, true })
        {
            var record = await ServeAsync(gateway, Open() with { DecapsulatedDelivery = decapsulated });
            using var client = new WireGuardTestClient(record.Port, record.WireGuardPublicKey!);
            foreach (var payload in new[] { "E"u8.ToArray(), "1234 GET key"u8.ToArray(), [0], new byte[1400] })
                Assert.Equal(payload, await client.ExchangeAsync(payload));
        }

        Assert.All(gateway.Lambda().Packets, packet => Assert.False(packet.ContainsKey("Inner")));
    }

    [Theory]
    [InlineData(4)]
    [InlineData(6)]
    public async Task Decapsulated_delivery_gives_the_inner_payload_and_wraps_the_reply(int version)
    {
        await using var gateway = await TestGateway.StartAsync();
        var record = await ServeAsync(gateway, Open() with { DecapsulatedDelivery = true });
        using var client = new WireGuardTestClient(record.Port, record.WireGuardPublicKey!);
        var flow = version == 4 ? FlowIPv4 : FlowIPv6;

        var reply = await client.ExchangeAsync(InnerUdp(flow, "ping"u8), pad: true);

        var delivered = Assert.Single(gateway.Lambda().Packets);
        Assert.Equal("ping"u8.ToArray(), Convert.FromBase64String(delivered["Data"]!.GetValue<string>()));
        var expected = new JsonObject
        {
            ["SourceAddress"] = version == 4 ? "10.8.0.2" : "fd00::2",
            ["SourcePort"] = 40001,
            ["DestinationAddress"] = version == 4 ? "10.8.0.1" : "fd00::1",
            ["DestinationPort"] = 5683,
            ["Version"] = version,
            ["Protocol"] = 17,
        };
        Assert.Equal(expected.ToJsonString(), delivered["Inner"]!.ToJsonString());
        var packet = reply![..(flow.HeaderSize + 4)];
        Assert.Equal(InnerVerdict.Udp, InnerDatagram.Read(packet, out var back, out var payload));
        Assert.Equal("ping"u8, packet.AsSpan(payload.Offset, payload.Length));
        Assert.Equal(flow, back); // as if the gateway's side had sent it
    }

    [Fact]
    public async Task A_filter_sees_what_is_delivered()
    {
        await using var gateway = await TestGateway.StartAsync();
        var filtered = TestGateway.Destination() with { FilterExpression = "[0] == 0x70" }; // p
        var record = await ServeAsync(gateway, Open() with { DecapsulatedDelivery = true, Destinations = [filtered] });
        using var client = new WireGuardTestClient(record.Port, record.WireGuardPublicKey!);

        client.Send(InnerUdp(FlowIPv4, "ding"u8), pad: true);
        await client.ExchangeAsync(InnerUdp(FlowIPv4, "ping"u8), pad: true);

        var delivered = Assert.Single(gateway.Lambda().Packets);
        Assert.Equal("ping"u8.ToArray(), Convert.FromBase64String(delivered["Data"]!.GetValue<string>()));
    }

    [Fact]
    public async Task Decapsulated_delivery_drops_and_counts_what_is_not_UDP()
    {
        await using var gateway = await TestGateway.StartAsync();
        var record = await ServeAsync(gateway, Open() with { DecapsulatedDelivery = true });
        using var client = new WireGuardTestClient(record.Port, record.WireGuardPublicKey!);
        await client.ExchangeAsync(InnerUdp(FlowIPv4, "ping"u8), pad: true);

        var notUdp = InnerUdp(FlowIPv6, "ping"u8);
        notUdp[6] = 58;
        var malformed = InnerUdp(FlowIPv6, "ping"u8);
        malformed[^1] ^= 1;
        var fragment = InnerUdp(FlowIPv6, "ping"u8);
        fragment[6] = 44;
        client.Send(notUdp, pad: true);
        client.Send(malformed, pad: true);
        client.Send(fragment, pad: true);

        await gateway.WaitForDropsAsync("inner_not_udp", 1);
        await gateway.WaitForDropsAsync("inner_malformed", 1);
        await gateway.WaitForDropsAsync("inner_fragment", 1);
        Assert.Single(gateway.Lambda().Packets);
    }

    [Fact]
    public async Task A_stranger_gets_not_one_byte_when_unknown_peers_are_refused()
    {
        await using var gateway = await TestGateway.StartAsync();
        var record = await ServeAsync(gateway, Open() with { AllowUnknownPeers = false });
        using var client = new WireGuardTestClient(record.Port, record.WireGuardPublicKey!);

        client.Send("hello"u8);
        await gateway.WaitForDropsAsync("unknown_peer", 1);

        Assert.Null(await client.ReceiveAsync(TimeSpan.FromMilliseconds(200)));
        Assert.Equal(0, client.DatagramsReceived);
        Assert.Empty(gateway.Lambda().Packets);
    }

    [Fact]
    public async Task A_source_outside_the_allowed_networks_gets_not_one_byte()
    {
        await using var gateway = await TestGateway.StartAsync();
        var record = await ServeAsync(gateway, Open() with { AllowedNetworks = [IPNetwork.Parse("192.0.2.0/24")] });
        using var client = new WireGuardTestClient(record.Port, record.WireGuardPublicKey!);

        client.Send("hello"u8);
        await gateway.WaitForDropsAsync("source_not_allowed", 1);

        Assert.Null(await client.ReceiveAsync(TimeSpan.FromMilliseconds(200)));
        Assert.Equal(0, client.DatagramsReceived);
        Assert.Equal(0, await gateway.MetricAsync("""udpgw_packets_sent_total{listener="test"}"""));
    }

    [Fact]
    public async Task The_gate_opens_with_its_key_only_and_named_peers_keep_their_own()
    {
        await using var gateway = await TestGateway.StartAsync();
        var gate = RandomNumberGenerator.GetBytes(32);
        var own = RandomNumberGenerator.GetBytes(32);
        var named = WireGuardTestKeys.NewPrivateKey();
        await gateway.Store.WriteAsync("gate", Convert.ToBase64String(gate) + "\n", CancellationToken.None);
        var definition = Open() with
        {
            UnknownPeerPreSharedKey = new SecretReference("gate"),
            Peers = [new PeerDefinition { PublicKey = WireGuardTestKeys.PublicKeyOf(named), SharedSecret = new ListenerSecretField("Peer0") }],
        };
        var record = await ServeAsync(gateway, definition, new { Peer0 = Convert.ToBase64String(own) });

        using var guest = new WireGuardTestClient(record.Port, record.WireGuardPublicKey!, presharedKey: gate);
        using var friend = new WireGuardTestClient(record.Port, record.WireGuardPublicKey!, named, own);
        using var wrong = new WireGuardTestClient(record.Port, record.WireGuardPublicKey!, presharedKey: own);
        using var absent = new WireGuardTestClient(record.Port, record.WireGuardPublicKey!);
        wrong.Send("wrong"u8);
        absent.Send("absent"u8);

        Assert.Equal("guest"u8.ToArray(), await guest.ExchangeAsync("guest"u8.ToArray()));
        Assert.Equal("friend"u8.ToArray(), await friend.ExchangeAsync("friend"u8.ToArray()));
        Assert.Null(await wrong.ReceiveAsync(TimeSpan.FromMilliseconds(200)));
        Assert.Null(await absent.ReceiveAsync(TimeSpan.FromMilliseconds(200)));
        Assert.Equal(2, gateway.Lambda().Packets.Count);
    }

    [Fact]
    public async Task A_key_that_cannot_be_read_refuses_its_peers_until_it_can()
    {
        await using var gateway = await TestGateway.StartAsync(configure: options => options with { SecretRefreshInterval = TimeSpan.FromMilliseconds(50), PollInterval = TimeSpan.FromMilliseconds(20) });
        var gate = RandomNumberGenerator.GetBytes(32);
        var record = await ServeAsync(gateway, Open() with { UnknownPeerPreSharedKey = new SecretReference("gate") });
        using var zero = new WireGuardTestClient(record.Port, record.WireGuardPublicKey!);
        using var guest = new WireGuardTestClient(record.Port, record.WireGuardPublicKey!, presharedKey: gate);

        zero.Send("zero"u8);
        await gateway.WaitForDropsAsync("preshared_key_unavailable", 1);
        Assert.Equal(0, await gateway.MetricAsync("""udpgw_packets_sent_total{listener="test"}"""));
        await gateway.Store.WriteAsync("gate", Convert.ToBase64String(gate), CancellationToken.None);
        await Eventually.TrueAsync(() => gateway.LogLines.Any(line => line.Contains("Serving changed pre-shared keys", StringComparison.Ordinal)), "the key was read");

        Assert.Equal("guest"u8.ToArray(), await guest.ExchangeAsync("guest"u8.ToArray()));
    }

    [Fact]
    public async Task The_previous_key_is_accepted_for_the_grace_period_only_if_there_is_one()
    {
        foreach (var grace in new[] { TimeSpan.FromHours(1), TimeSpan.Zero })
        {
            await using var gateway = await TestGateway.StartAsync(configure: options => options with
            {
                SecretRefreshInterval = TimeSpan.FromMilliseconds(50),
                PollInterval = TimeSpan.FromMilliseconds(20),
                RotationGrace = grace,
            });
            var before = RandomNumberGenerator.GetBytes(32);
            var after = RandomNumberGenerator.GetBytes(32);
            await gateway.Store.WriteAsync("gate", Convert.ToBase64String(before), CancellationToken.None);
            var record = await ServeAsync(gateway, Open() with { UnknownPeerPreSharedKey = new SecretReference("gate") });
            await gateway.Store.WriteAsync("gate", Convert.ToBase64String(after), CancellationToken.None);
            await Eventually.TrueAsync(() => gateway.LogLines.Any(line => line.Contains("Serving changed pre-shared keys", StringComparison.Ordinal)), "the key was read again");

            using var current = new WireGuardTestClient(record.Port, record.WireGuardPublicKey!, presharedKey: after);
            using var late = new WireGuardTestClient(record.Port, record.WireGuardPublicKey!, presharedKey: before);

            Assert.Equal("new"u8.ToArray(), await current.ExchangeAsync("new"u8.ToArray()));
            late.Send("old"u8);
            Assert.Equal(grace > TimeSpan.Zero, await late.ReceiveAsync(grace > TimeSpan.Zero ? null : TimeSpan.FromMilliseconds(300)) is not null);
        }
    }

    [Fact]
    public async Task The_former_listener_key_answers_for_the_grace_period_only_if_there_is_one()
    {
        foreach (var grace in new[] { TimeSpan.FromHours(1), TimeSpan.Zero })
        {
            await using var gateway = await TestGateway.StartAsync(configure: options => options with { RotationGrace = grace });
            var before = WireGuardTestKeys.NewPrivateKey();
            var after = WireGuardTestKeys.NewPrivateKey();
            await gateway.Store.WriteAsync("before", JsonSerializer.Serialize(new { PrivateKey = Convert.ToBase64String(before) }), default);
            await gateway.Store.WriteAsync("after", Rotated(before, after, DateTimeOffset.UtcNow), default);
            var record = await gateway.ServeAsync(Open(), publicKey: WireGuardTestKeys.PublicKeyOf(before), secretId: "before");
            using var session = new WireGuardTestClient(record.Port, record.WireGuardPublicKey!);
            await session.ExchangeAsync("1"u8.ToArray());

            await gateway.ServeAsync(Open() with { KeyRotationToken = "2" }, publicKey: WireGuardTestKeys.PublicKeyOf(after), secretId: "after");
            using var current = new WireGuardTestClient(record.Port, WireGuardTestKeys.PublicKeyOf(after));
            using var late = new WireGuardTestClient(record.Port, WireGuardTestKeys.PublicKeyOf(before));

            Assert.Equal("new"u8.ToArray(), await current.ExchangeAsync("new"u8.ToArray()));
            late.Send("old"u8);
            Assert.Equal(grace > TimeSpan.Zero, await late.ReceiveAsync(grace > TimeSpan.Zero ? null : TimeSpan.FromMilliseconds(300)) is not null);
            if (grace > TimeSpan.Zero)
                Assert.Equal("2"u8.ToArray(), await session.ExchangeAsync("2"u8.ToArray()));
            Assert.DoesNotContain(gateway.LogLines, line => line.Contains("is no key of 32 bytes", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task The_former_listener_key_is_dropped_when_its_time_is_over()
    {
        await using var gateway = await TestGateway.StartAsync(configure: options => options with
        {
            SecretRefreshInterval = TimeSpan.FromMilliseconds(50),
            PollInterval = TimeSpan.FromMilliseconds(20),
            RotationGrace = TimeSpan.FromHours(1),
        });
        var before = WireGuardTestKeys.NewPrivateKey();
        var after = WireGuardTestKeys.NewPrivateKey();
        // The hour is over in a moment.
        await gateway.Store.WriteAsync("after", Rotated(before, after, DateTimeOffset.UtcNow.AddHours(-1).AddSeconds(3)), default);
        var record = await gateway.ServeAsync(Open(), publicKey: WireGuardTestKeys.PublicKeyOf(after), secretId: "after");

        await Eventually.TrueAsync(() => gateway.LogLines.Any(line => line.Contains("Serving changed", StringComparison.Ordinal)), "the former key was dropped");

        using var late = new WireGuardTestClient(record.Port, WireGuardTestKeys.PublicKeyOf(before));
        using var current = new WireGuardTestClient(record.Port, WireGuardTestKeys.PublicKeyOf(after));
        late.Send("old"u8);
        Assert.Null(await late.ReceiveAsync(TimeSpan.FromMilliseconds(300)));
        Assert.Equal("new"u8.ToArray(), await current.ExchangeAsync("new"u8.ToArray()));
    }

    [Fact]
    public async Task A_session_survives_a_new_source_port_and_replies_follow_it()
    {
        await using var gateway = await TestGateway.StartAsync();
        var record = await ServeAsync(gateway, Open());
        using var client = new WireGuardTestClient(record.Port, record.WireGuardPublicKey!);
        await client.ExchangeAsync("1"u8.ToArray());

        client.Roam();

        Assert.Equal("2"u8.ToArray(), await client.ExchangeAsync("2"u8.ToArray()));
        Assert.Equal(1, await gateway.MetricAsync("""udpgw_handshakes_total{listener="test",result="answered"}"""));
    }

    [Fact]
    public async Task Sessions_survive_changes_that_do_not_concern_them_and_end_with_their_permission()
    {
        await using var gateway = await TestGateway.StartAsync();
        var record = await ServeAsync(gateway, Open());
        using var client = new WireGuardTestClient(record.Port, record.WireGuardPublicKey!);
        await client.ExchangeAsync("1"u8.ToArray());

        await gateway.ServeAsync(Open() with { Destinations = [TestGateway.Destination("Other")], Peers = [new PeerDefinition { PublicKey = WireGuardTestKeys.PublicKeyOf(WireGuardTestKeys.NewPrivateKey()) }] });
        Assert.Equal("2"u8.ToArray(), await client.ExchangeAsync("2"u8.ToArray()));
        Assert.Equal(1, await gateway.MetricAsync("""udpgw_handshakes_total{listener="test",result="answered"}"""));

        await gateway.ServeAsync(Open() with { AllowUnknownPeers = false });
        client.Send("3"u8);
        await gateway.WaitForDropsAsync("unknown_index", 1);
        Assert.Single(gateway.Lambda("Other").Packets);
    }

    [Fact]
    public async Task A_removed_peer_is_gone_within_two_seconds_also_where_every_other_peer_has_a_secret_to_be_read()
    {
        // One after the other would take six seconds.
        await using var gateway = await TestGateway.StartAsync(wrapSecrets: store => new DistantSecrets(store, TimeSpan.FromMilliseconds(100)));
        PeerDefinition[] others = [.. Enumerable.Range(0, 60).Select(index => new PeerDefinition
        {
            PublicKey = WireGuardTestKeys.PublicKeyOf(WireGuardTestKeys.NewPrivateKey()),
            SharedSecret = new SecretReference($"shared-{index}"),
        })];
        var leaving = WireGuardTestKeys.NewPrivateKey();
        var named = Open() with { AllowUnknownPeers = false, Peers = [.. others, new PeerDefinition { PublicKey = WireGuardTestKeys.PublicKeyOf(leaving) }] };
        var record = await ServeAsync(gateway, named);
        using var client = new WireGuardTestClient(record.Port, record.WireGuardPublicKey!, leaving);
        Assert.Equal("1"u8.ToArray(), await client.ExchangeAsync("1"u8.ToArray()));

        var removed = await gateway.WriteAsync(named with { Peers = others });

        Assert.True(await gateway.Host.WaitUntilServedAsync("test", removed.Version, TimeSpan.FromSeconds(2), CancellationToken.None));
        client.Send("2"u8);
        await gateway.WaitForDropsAsync("unknown_index", 1);
    }

    [Fact]
    public async Task A_listener_may_change_its_protocol_in_place()
    {
        await using var gateway = await TestGateway.StartAsync();
        var record = await ServeAsync(gateway, Open());
        using var tunnel = new WireGuardTestClient(record.Port, record.WireGuardPublicKey!);
        await tunnel.ExchangeAsync("wg"u8.ToArray());

        await gateway.ServeAsync(TestGateway.Udp());
        using var plain = new UdpTestClient(record.Port);
        Assert.Equal("udp"u8.ToArray(), await plain.ExchangeAsync("udp"));

        var again = await ServeAsync(gateway, Open());
        using var next = new WireGuardTestClient(again.Port, again.WireGuardPublicKey!);
        Assert.Equal("wg"u8.ToArray(), await next.ExchangeAsync("wg"u8.ToArray()));
    }

    [Theory]
    [MemberData(nameof(Backends))]
    public async Task Garbage_is_counted_and_answered_with_silence(SocketBackend backend)
    {
        await using var gateway = await TestGateway.StartAsync(backend);
        var record = await ServeAsync(gateway, Open());
        using var noise = new UdpTestClient(record.Port);
        using var client = new WireGuardTestClient(record.Port, record.WireGuardPublicKey!);
        await client.ExchangeAsync("1"u8.ToArray());

        for (var type = 0; type < 6; type++)
        {
            foreach (var length in Enumerable.Range(0, 201))
            {
                var datagram = RandomNumberGenerator.GetBytes(length);
                if (length >= 4)
                    (datagram[0], datagram[1], datagram[2], datagram[3]) = ((byte)type, 0, 0, 0);
                noise.Send(datagram);
                if (length % 50 == 0)
                    await Eventually.TrueAsync(async () => await gateway.MetricAsync("""udpgw_packets_received_total{listener="test"}""") >= (type * 201) + length + 3, "the noise was received");
            }
        }

        noise.Send(new byte[65_507]);
        await Eventually.TrueAsync(async () => await gateway.MetricAsync("""udpgw_packets_received_total{listener="test"}""") == (6 * 201) + 3, "all the noise was received");

        Assert.Equal("2"u8.ToArray(), await client.ExchangeAsync("2"u8.ToArray()));
        Assert.False(noise.HasReply);
        var drops = await Task.WhenAll(gateway.DropsAsync("malformed"), gateway.DropsAsync("unexpected_type"), gateway.DropsAsync("mac1_invalid"), gateway.DropsAsync("unknown_index"));
        Assert.Equal((6 * 201) + 1, drops.Sum());
        Assert.All(drops, count => Assert.True(count > 0));
    }

    [LinuxFact("several workers need SO_REUSEPORT")]
    public async Task A_client_that_roams_to_another_worker_keeps_its_session()
    {
        await using var gateway = await TestGateway.StartAsync(configure: options => options with { Workers = 2 });
        var record = await ServeAsync(gateway, Open());

        for (var i = 0; i < 4; i++)
        {
            using var client = new WireGuardTestClient(record.Port, record.WireGuardPublicKey!);
            for (var port = 0; port < 5; port++)
            {
                Assert.Equal(new[] { (byte)port }, await client.ExchangeAsync([(byte)port]));
                client.Roam();
            }
        }

        Assert.Equal(4, await gateway.MetricAsync("""udpgw_handshakes_total{listener="test",result="completed"}"""));
        Assert.Equal(4, await gateway.MetricAsync("""udpgw_peers{listener="test",state="confirmed"}"""));
    }

    [Theory]
    [InlineData(null, "no secret with its private key")]
    [InlineData("missing", "cannot be read (Missing)")]
    [InlineData("text", "is no JSON object")]
    [InlineData("empty", "holds no private key")]
    [InlineData("other", "does not belong to its public key")]
    public async Task Says_why_a_listener_without_its_key_is_not_served(string? secret, string cause)
    {
        await using var gateway = await TestGateway.StartAsync();
        await gateway.Store.WriteAsync("text", "no json", CancellationToken.None);
        await gateway.Store.WriteAsync("empty", "{}", CancellationToken.None);
        await gateway.Store.WriteAsync("other", JsonSerializer.Serialize(new { PrivateKey = Convert.ToBase64String(WireGuardTestKeys.NewPrivateKey()) }), CancellationToken.None);

        var record = await gateway.WriteAsync(Open(), publicKey: WireGuardTestKeys.PublicKeyOf(WireGuardTestKeys.NewPrivateKey()), secretId: secret);
        var failure = await Assert.ThrowsAsync<ListenerNotServedException>(() => gateway.Host.WaitUntilServedAsync("test", record.Version, Eventually.Patience, CancellationToken.None));

        Assert.Contains(cause, failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("no json", string.Concat(gateway.LogLines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Clients_that_never_confirm_are_counted_and_the_log_names_the_likely_cause()
    {
        await using var gateway = await TestGateway.StartAsync();
        var gate = Convert.ToBase64String(WireGuardTestKeys.NewPrivateKey());
        var record = await ServeAsync(gateway, Open() with { UnknownPeerPreSharedKey = new ListenerSecretField("Gate") }, new { Gate = gate });
        var key = WireGuardTestKeys.NewPrivateKey();

        for (var attempt = 1; attempt <= 3; attempt++)
        {
            // Each start of the device is one more attempt of the same key.
            using var client = new WireGuardTestClient(record.Port, record.WireGuardPublicKey!, key) { ClockOffset = TimeSpan.FromSeconds(attempt) };
            client.Send("let me in"u8);
            var answered = attempt;
            await Eventually.TrueAsync(async () => await gateway.MetricAsync("""udpgw_handshakes_total{listener="test",result="answered"}""") == answered, $"answer {answered}");
            await Task.Delay(25); // the flood guard: one initiation of a key every 20 ms
        }

        Assert.Equal(1, await gateway.MetricAsync("""udpgw_handshakes_total{listener="test",result="unconfirmed"}"""));
        await Eventually.TrueAsync(() => gateway.LogLines.Any(line => line.Contains("Check their pre-shared key", StringComparison.Ordinal)), "a line that names the cause");
        Assert.DoesNotContain(gateway.LogLines, line => line.Contains(gate, StringComparison.Ordinal));
        Assert.Empty(gateway.Lambda().Packets);
    }

    [Theory]
    [InlineData(TimestampPolicy.Strict, false)]
    [InlineData(TimestampPolicy.AcceptOlderWhenIdle, true)]
    public async Task A_client_whose_clock_went_back_is_refused_with_a_line_that_says_why_or_taken_if_the_policy_says_so(TimestampPolicy policy, bool isTaken)
    {
        await using var gateway = await TestGateway.StartAsync(configure: options => options with { TimestampPolicy = policy });
        var record = await ServeAsync(gateway, Open());
        var key = WireGuardTestKeys.NewPrivateKey();
        using (var before = new WireGuardTestClient(record.Port, record.WireGuardPublicKey!, key) { ClockOffset = TimeSpan.FromDays(1) })
            before.Send("never confirmed"u8);
        await Eventually.TrueAsync(async () => await gateway.MetricAsync("""udpgw_handshakes_total{listener="test",result="answered"}""") == 1, "the first answer");
        await Task.Delay(25); // the flood guard: one initiation of a key every 20 ms

        using var after = new WireGuardTestClient(record.Port, record.WireGuardPublicKey!, key);
        after.Send("rebooted"u8);

        if (isTaken)
        {
            Assert.Equal("rebooted"u8.ToArray(), await after.ReceiveAsync());
            return;
        }

        await gateway.WaitForDropsAsync("timestamp_replayed", 1);
        await Eventually.TrueAsync(() => gateway.LogLines.Any(line => line.Contains("clock starts anew", StringComparison.Ordinal)), "a line that names the cause");
    }

    private static ListenerDefinition Open() => TestGateway.Udp() with { Protocol = ListenerProtocol.WireGuard, AllowUnknownPeers = true };

    /// <summary>Serves with a new key, whose secret also holds the literal keys.</summary>
    private static async Task<ListenerRecord> ServeAsync(TestGateway gateway, ListenerDefinition definition, object? literals = null)
    {
        var privateKey = WireGuardTestKeys.NewPrivateKey();
        var secret = literals is null ? [] : JsonSerializer.SerializeToNode(literals)!.AsObject();
        secret["PrivateKey"] = Convert.ToBase64String(privateKey);
        var secretId = $"listener/{Guid.NewGuid()}";
        await gateway.Store.WriteAsync(secretId, secret.ToJsonString(), CancellationToken.None);
        return await gateway.ServeAsync(definition, publicKey: WireGuardTestKeys.PublicKeyOf(privateKey), secretId: secretId);
    }

    private static string Rotated(byte[] before, byte[] after, DateTimeOffset at) => JsonSerializer.Serialize(new
    {
        PrivateKey = Convert.ToBase64String(after),
        RotationToken = "2",
        FormerPrivateKey = Convert.ToBase64String(before),
        RotatedAt = at.ToString("O"),
    });

    private static PeerEndpoint Endpoint(string address, int port) => PeerEndpoint.From(new IPEndPoint(IPAddress.Parse(address), port));

    /// <summary>What a client sends: the gateway's reply in the other direction.</summary>
    private static byte[] InnerUdp(InnerFlow flow, ReadOnlySpan<byte> payload)
    {
        var packet = new byte[flow.HeaderSize + payload.Length];
        payload.CopyTo(packet.AsSpan(flow.HeaderSize));
        InnerDatagram.WriteReplyHeaders(packet, flow);
        return packet;
    }
}
