using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using UdpGateway.Aws;
using UdpGateway.Gateway.Tests.TestDoubles;
using UdpGateway.Listeners;

namespace UdpGateway.Gateway.Tests;

public sealed class UdpListenerTests
{
    public static TheoryData<SocketBackend> Backends => TestGateway.Backends;

    [Theory]
    [MemberData(nameof(Backends))]
    public async Task Delivers_a_packet_and_sends_the_reply_to_its_client(SocketBackend backend)
    {
        await using var gateway = await TestGateway.StartAsync(backend);
        var record = await gateway.ServeAsync(TestGateway.Udp());
        using var client = new UdpTestClient(record.Port);

        client.Send("hello");
        var reply = await client.ReceiveTextAsync();

        Assert.Equal("hello", reply);
        var packet = Assert.Single(gateway.Lambda().Packets);
        Assert.Equal(Convert.ToBase64String("hello"u8), packet["Data"]!.GetValue<string>());
        Assert.Equal("base64", packet["Formatter"]!.GetValue<string>());
        Assert.Equal("127.0.0.1", packet["Remote"]!["IpAddress"]!.GetValue<string>());
        Assert.Equal(client.Port, packet["Remote"]!["Port"]!.GetValue<int>());
        Assert.False(packet["Remote"]!.AsObject().ContainsKey("PeerKey"));
        Assert.Equal(record.Port, packet["Local"]!["Port"]!.GetValue<int>());
        Assert.Equal("udp", packet["Local"]!["Protocol"]!.GetValue<string>());
        Assert.Equal("eu-central-1", packet["IngressRegion"]!.GetValue<string>());
        Assert.False(packet.ContainsKey("Inner"));
        Assert.InRange(DateTimeOffset.Parse(packet["ReceivedAt"]!.GetValue<string>()), DateTimeOffset.UtcNow.AddMinutes(-1), DateTimeOffset.UtcNow.AddMinutes(1));
    }

    [Theory]
    [MemberData(nameof(Backends))]
    public async Task Sends_each_reply_to_the_client_with_its_tag(SocketBackend backend)
    {
        const int Clients = 40;
        await using var gateway = await TestGateway.StartAsync(backend);
        // The whole batch is answered back to front, with two replies for each packet.
        gateway.Lambda().Handler = messages => Task.FromResult(RecordingLambda.Reply(
            messages.Reverse().SelectMany(packet => new[] { Answer(packet!, "1"), Answer(packet!, "2") })));
        var record = await gateway.ServeAsync(TestGateway.Udp(TestGateway.Destination(count: Clients) with { Formatter = PayloadFormatter.Utf8 }));
        var clients = Enumerable.Range(0, Clients).Select(_ => new UdpTestClient(record.Port)).ToList();

        foreach (var client in clients)
            client.Send($"from {client.Port}");

        foreach (var client in clients)
        {
            Assert.Equal($"from {client.Port}1", await client.ReceiveTextAsync());
            Assert.Equal($"from {client.Port}2", await client.ReceiveTextAsync());
            client.Dispose();
        }

        Assert.Single(gateway.Lambda().Batches);

        static (string Tag, string Data) Answer(JsonNode packet, string suffix) => (packet["Tag"]!.GetValue<string>(), packet["Data"]!.GetValue<string>() + suffix);
    }

    [Theory]
    [MemberData(nameof(Backends))]
    public async Task Survives_datagrams_of_every_length(SocketBackend backend)
    {
        await using var gateway = await TestGateway.StartAsync(backend);
        var record = await gateway.ServeAsync(TestGateway.Udp());
        using var client = new UdpTestClient(record.Port);

        foreach (var length in Enumerable.Range(0, 201).Append(65_507))
        {
            var payload = new byte[length];
            Random.Shared.NextBytes(payload);
            client.Send(payload);
            Assert.Equal(payload, await client.ReceiveAsync());
        }

        Assert.Equal(202, await gateway.MetricAsync("""udpgw_packets_received_total{listener="test"}"""));
        Assert.Equal((200 * 201 / 2) + 65_507, await gateway.MetricAsync("""udpgw_bytes_received_total{listener="test"}"""));
        Assert.Equal(202, await gateway.MetricAsync("""udpgw_packets_sent_total{listener="test"}"""));
    }

    [Theory]
    [MemberData(nameof(Backends))]
    public async Task Drops_sources_outside_the_allowed_networks(SocketBackend backend)
    {
        await using var gateway = await TestGateway.StartAsync(backend);
        var definition = TestGateway.Udp() with { AllowedNetworks = [IPNetwork.Parse("192.0.2.0/24")] };
        var record = await gateway.ServeAsync(definition);
        using var client = new UdpTestClient(record.Port);

        client.Send("one");
        client.Send("two");
        await gateway.WaitForDropsAsync("source_not_allowed", 2);
        await gateway.ServeAsync(definition with { AllowedNetworks = [IPNetwork.Parse("192.0.2.0/24"), IPNetwork.Parse("127.0.0.0/8")] });
        client.Send("three");

        Assert.Equal("three", await client.ReceiveTextAsync());
        Assert.Single(gateway.Lambda().Packets);
    }

    [Fact]
    public async Task Sends_a_batch_as_soon_as_it_has_enough_packets()
    {
        await using var gateway = await TestGateway.StartAsync();
        var record = await gateway.ServeAsync(TestGateway.Udp(TestGateway.Destination(count: 5) with { Formatter = PayloadFormatter.Ascii }));
        using var client = new UdpTestClient(record.Port);

        for (var i = 0; i < 10; i++)
            client.Send($"{i}");
        await gateway.Lambda().WaitForBatchesAsync(2);

        Assert.Equal(["01234", "56789"], gateway.Lambda().Batches.Select(Text));
    }

    [Fact]
    public async Task Sends_a_batch_when_its_first_packet_is_old_enough()
    {
        await using var gateway = await TestGateway.StartAsync();
        var record = await gateway.ServeAsync(TestGateway.Udp(TestGateway.Destination(count: 1000, seconds: 0.2)));
        using var client = new UdpTestClient(record.Port);

        for (var i = 0; i < 3; i++)
            client.Send("x");
        await gateway.Lambda().WaitForPacketsAsync(3);

        Assert.All(gateway.Lambda().Batches, batch => Assert.InRange(batch.Count, 1, 3));
    }

    [Fact]
    public async Task Sends_a_batch_before_it_gets_too_large()
    {
        await using var gateway = await TestGateway.StartAsync();
        var record = await gateway.ServeAsync(TestGateway.Udp(TestGateway.Destination(count: 1000, seconds: 1, bytes: 4000)));
        using var client = new UdpTestClient(record.Port);

        for (var i = 0; i < 20; i++)
            client.Send(new byte[500]);
        await gateway.Lambda().WaitForPacketsAsync(20);

        Assert.All(gateway.Lambda().Batches, batch => Assert.InRange(batch.Parent!.ToJsonString().Length, 1, 4000));
        Assert.InRange(gateway.Lambda().Batches.Count, 5, 10);
    }

    [Fact]
    public async Task Sends_a_packet_that_alone_is_larger_than_the_batch_may_be()
    {
        await using var gateway = await TestGateway.StartAsync();
        var record = await gateway.ServeAsync(TestGateway.Udp(TestGateway.Destination(count: 1000, bytes: 100)));
        using var client = new UdpTestClient(record.Port);

        client.Send(new byte[5000]);

        Assert.Equal(5000, (await client.ReceiveAsync()).Length);
    }

    [Fact]
    public async Task Splits_what_is_larger_than_an_asynchronous_invocation_takes()
    {
        await using var gateway = await TestGateway.StartAsync();
        var record = await gateway.ServeAsync(TestGateway.Udp(TestGateway.Destination(count: 10_000, seconds: 2, bytes: 100_000_000) with { UseAsyncInvoke = true }));
        using var client = new UdpTestClient(record.Port);

        for (var i = 0; i < 30; i++)
        {
            client.Send(new byte[60_000]);
            await Eventually.TrueAsync(async () => await gateway.MetricAsync("""udpgw_packets_received_total{listener="test"}""") > i, "a packet was received");
        }

        await gateway.Lambda().WaitForPacketsAsync(30);

        Assert.All(gateway.Lambda().Batches, batch => Assert.InRange(batch.Parent!.ToJsonString().Length, 1, 1_048_576));
    }

    [Fact]
    public async Task Keeps_the_order_of_packets_and_with_one_delivery_at_a_time_of_batches()
    {
        const int Packets = 500;
        await using var gateway = await TestGateway.StartAsync();
        gateway.Lambda().Handler = async messages =>
        {
            await Task.Yield();
            return RecordingLambda.Echo(messages);
        };
        var record = await gateway.ServeAsync(TestGateway.Udp(TestGateway.Destination(count: 7, seconds: 0.05) with { Formatter = PayloadFormatter.Ascii, Concurrency = 1 }));
        using var client = new UdpTestClient(record.Port);

        // No more at a time than a small receive buffer of the client holds.
        foreach (var window in Enumerable.Range(0, Packets).Chunk(100))
        {
            foreach (var i in window)
                client.Send($"{i}");
            foreach (var i in window)
                Assert.Equal($"{i}", await client.ReceiveTextAsync());
        }

        Assert.Equal(Enumerable.Range(0, Packets).Select(i => $"{i}"), gateway.Lambda().Packets.Select(packet => packet["Data"]!.GetValue<string>()));
    }

    [Fact]
    public async Task Never_runs_more_deliveries_than_the_destination_allows()
    {
        var running = 0;
        var most = 0;
        await using var gateway = await TestGateway.StartAsync();
        gateway.Lambda().Handler = async messages =>
        {
            most = Math.Max(most, Interlocked.Increment(ref running));
            await Task.Delay(5);
            Interlocked.Decrement(ref running);
            return RecordingLambda.Echo(messages);
        };
        var record = await gateway.ServeAsync(TestGateway.Udp(TestGateway.Destination() with { Concurrency = 3 }));
        using var client = new UdpTestClient(record.Port);

        for (var i = 0; i < 100; i++)
            client.Send($"{i}");
        for (var i = 0; i < 100; i++)
            await client.ReceiveAsync();

        Assert.InRange(most, 1, 3);
    }

    [Fact]
    public async Task A_slow_destination_delays_no_other_and_drops_the_newest_when_its_queue_is_full()
    {
        var released = new TaskCompletionSource();
        await using var gateway = await TestGateway.StartAsync(configure: options => options with { DestinationQueuePackets = 10 });
        gateway.Lambda("Slow").Handler = async messages =>
        {
            await released.Task;
            return RecordingLambda.Answer("null");
        };
        var record = await gateway.ServeAsync(TestGateway.Udp(
            TestGateway.Destination("Slow") with { Concurrency = 1, Formatter = PayloadFormatter.Ascii },
            TestGateway.Destination("Fast") with { Formatter = PayloadFormatter.Ascii }));
        using var client = new UdpTestClient(record.Port);

        for (var i = 0; i < 50; i++)
        {
            client.Send($"{i}");
            Assert.Equal($"{i}", await client.ReceiveTextAsync());
        }

        Assert.Equal(39, await gateway.DropsAsync("destination_queue_full")); // one is under way, ten wait
        Assert.Equal(39, await gateway.MetricAsync("""udpgw_queue_refused_packets_total{listener="test",destination="Slow"}"""));
        Assert.Equal(0, await gateway.MetricAsync("""udpgw_queue_refused_packets_total{listener="test",destination="Fast"}"""));
        Assert.Equal(10, await gateway.MetricAsync("""udpgw_queue_packets{listener="test",destination="Slow"}"""));
        released.SetResult();
        await gateway.Lambda("Slow").WaitForPacketsAsync(11);
        Assert.Equal(Enumerable.Range(0, 11).Select(i => $"{i}"), gateway.Lambda("Slow").Packets.Select(packet => packet["Data"]!.GetValue<string>()));
    }

    [Fact]
    public async Task Sends_no_reply_for_asynchronous_invocations()
    {
        await using var gateway = await TestGateway.StartAsync();
        var record = await gateway.ServeAsync(TestGateway.Udp(
            TestGateway.Destination("Async") with { UseAsyncInvoke = true },
            TestGateway.Destination("Sync") with { Formatter = PayloadFormatter.Ascii }));
        using var client = new UdpTestClient(record.Port);

        client.Send("one");

        Assert.Equal("one", await client.ReceiveTextAsync());
        await gateway.Lambda("Async").WaitForPacketsAsync(1);
        Assert.Equal([InvocationType.Event], gateway.Lambda("Async").InvocationTypes);
        await Eventually.TrueAsync(async () => await gateway.MetricAsync("""udpgw_batches_total{listener="test",destination="Async",result="delivered"}""") == 1, "the batch was counted");
        Assert.False(client.HasReply);
    }

    [Fact]
    public async Task Counts_bad_replies_and_sends_the_good_ones()
    {
        await using var gateway = await TestGateway.StartAsync();
        gateway.Lambda().Handler = messages => Task.FromResult(RecordingLambda.Reply(
        [
            ("nobody", "YQ=="),
            (messages[0]!["Tag"]!.GetValue<string>(), "secret text that is not base64"),
            (messages[0]!["Tag"]!.GetValue<string>(), "Z29vZA=="),
        ]));
        var record = await gateway.ServeAsync(TestGateway.Udp());
        using var client = new UdpTestClient(record.Port);

        client.Send("x");

        Assert.Equal("good", await client.ReceiveTextAsync());
        await gateway.WaitForDropsAsync("reply_unknown_tag", 1);
        await gateway.WaitForDropsAsync("reply_malformed", 1);
        Assert.DoesNotContain(gateway.LogLines, line => line.Contains("secret text", StringComparison.Ordinal));
        Assert.Single(gateway.LogLines, line => line.Contains("were dropped", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Sends_an_empty_reply_as_an_empty_datagram()
    {
        await using var gateway = await TestGateway.StartAsync();
        gateway.Lambda().Handler = messages => Task.FromResult(RecordingLambda.Reply([(messages[0]!["Tag"]!.GetValue<string>(), "")]));
        var record = await gateway.ServeAsync(TestGateway.Udp());
        using var client = new UdpTestClient(record.Port);

        client.Send("x");

        Assert.Empty(await client.ReceiveAsync());
    }

    [Fact]
    public async Task Drops_replies_that_no_datagram_can_hold()
    {
        await using var gateway = await TestGateway.StartAsync();
        gateway.Lambda().Handler = messages => Task.FromResult(RecordingLambda.Reply([(messages[0]!["Tag"]!.GetValue<string>(), new string('x', 70_000))]));
        var record = await gateway.ServeAsync(TestGateway.Udp(TestGateway.Destination() with { Formatter = PayloadFormatter.Ascii }));
        using var client = new UdpTestClient(record.Port);

        client.Send("x");

        await gateway.WaitForDropsAsync("reply_too_long", 1);
    }

    [Fact]
    public async Task Goes_on_after_function_errors_and_faults_of_the_service()
    {
        await using var gateway = await TestGateway.StartAsync();
        gateway.Lambda().Handler = messages => Convert.FromBase64String(messages[0]!["Data"]!.GetValue<string>())[0] switch
        {
            (byte)'e' => Task.FromResult(new InvokeResponse(200, "Unhandled", """{"errorType":"KeyError","errorMessage":"secret text"}"""u8.ToArray())),
            (byte)'t' => throw new HttpRequestException("the service is away"),
            (byte)'s' => Task.FromResult(new InvokeResponse(500, null, default)),
            _ => Task.FromResult(RecordingLambda.Echo(messages)),
        };
        var record = await gateway.ServeAsync(TestGateway.Udp(TestGateway.Destination() with { Concurrency = 1 }));
        using var client = new UdpTestClient(record.Port);

        client.Send("error");
        client.Send("throw");
        client.Send("status");
        client.Send("fine");

        Assert.Equal("fine", await client.ReceiveTextAsync());
        Assert.Equal(1, await gateway.MetricAsync("""udpgw_batches_total{listener="test",destination="Echo",result="function_error"}"""));
        Assert.Equal(2, await gateway.MetricAsync("""udpgw_batches_total{listener="test",destination="Echo",result="failed"}"""));
        Assert.Contains(gateway.LogLines, line => line.Contains("KeyError", StringComparison.Ordinal));
        Assert.DoesNotContain(gateway.LogLines, line => line.Contains("secret text", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Counts_packets_without_a_destination()
    {
        await using var gateway = await TestGateway.StartAsync();
        var unrouted = TestGateway.Destination() with { Arns = new Dictionary<string, string>() };
        var record = await gateway.ServeAsync(TestGateway.Udp(unrouted));
        using var client = new UdpTestClient(record.Port);

        client.Send("x");
        await gateway.WaitForDropsAsync("no_destination", 1);
        await gateway.ServeAsync(TestGateway.Udp(TestGateway.Destination()));

        Assert.Equal("y"u8.ToArray(), await client.ExchangeAsync("y"));
    }

    [LinuxFact("several workers need SO_REUSEPORT")]
    public async Task Several_workers_serve_one_port()
    {
        await using var gateway = await TestGateway.StartAsync(configure: options => options with { Workers = 3 });
        var record = await gateway.ServeAsync(TestGateway.Udp());

        for (var i = 0; i < 30; i++)
        {
            using var client = new UdpTestClient(record.Port);
            Assert.Equal(Encoding.ASCII.GetBytes($"{i}"), await client.ExchangeAsync($"{i}"));
        }

        Assert.Equal(30, await gateway.MetricAsync("""udpgw_packets_received_total{listener="test"}"""));
    }

    private static string Text(JsonArray batch) => string.Concat(batch.Select(packet => packet!["Data"]!.GetValue<string>()));
}
