using System.Net;
using System.Text;
using System.Text.Json;
using UdpGateway.Gateway.InnerPackets;
using UdpGateway.Gateway.Tests.TestDoubles;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;

namespace UdpGateway.Gateway.Tests.PacketSources;

/// <summary>Messages of packet sources as they leave from a listener's port.</summary>
public sealed class PushTests
{
    public static TheoryData<SocketBackend> Backends => TestGateway.Backends;

    [Theory]
    [MemberData(nameof(Backends))]
    public async Task A_plain_udp_client_needs_no_session(SocketBackend backend)
    {
        await using var gateway = await TestGateway.StartAsync(backend);
        await gateway.ServeAsync(TestGateway.Udp());
        using var client = new UdpTestClient((await gateway.Store.FindAsync<ListenerRecord>("test", default))!.Port);

        await PushAsync(gateway, new { Data = "b25l", Remote = new { Address = "127.0.0.1", client.Port } }, new { Data = "two", Formatter = "ascii", Remote = new { Address = "127.0.0.1", client.Port, PeerKey = "" } });

        Assert.Equal(["one", "two"], new[] { await client.ReceiveTextAsync(), await client.ReceiveTextAsync() });
        Assert.Equal(2, await gateway.MetricAsync("""udpgw_pushed_packets_total{listener="test",result="sent"}"""));
    }

    [Fact]
    public async Task A_target_that_is_no_possible_client_gets_nothing()
    {
        await using var gateway = await TestGateway.StartAsync();
        await gateway.ServeAsync(TestGateway.Udp() with { AllowedNetworks = [IPNetwork.Parse("192.0.2.0/24")] });

        await PushAsync(gateway, new { Data = "", Remote = new { Address = "127.0.0.1", Port = 9 } }, new { Data = "", Remote = new { Address = "::1", Port = 9 } }, new { Data = 1 });

        Assert.Equal(1, await gateway.DropsAsync("source_not_allowed"));
        Assert.Equal(2, await gateway.DropsAsync("push_malformed"));
        Assert.Contains(gateway.LogLines, line => line.Contains("cannot be read", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(1, true)]
    [InlineData(1, false)]
    [InlineData(3, true)]
    [InlineData(3, false)]
    public async Task A_wireguard_client_gets_it_through_its_session_by_key_or_by_endpoint(int workers, bool byKey)
    {
        await using var gateway = await TestGateway.StartAsync(configure: options => options with { Workers = OperatingSystem.IsLinux() ? workers : 1 });
        var record = await ServeTunnelAsync(gateway, decapsulated: false);
        using var client = new WireGuardTestClient(record.Port, record.WireGuardPublicKey!);
        Assert.NotNull(await client.ExchangeAsync("hello"u8.ToArray()));
        var remote = gateway.Lambda().Packets[0]["Remote"]!;
        var port = remote["Port"]!.GetValue<int>();

        await PushAsync(gateway, byKey
            ? new { Data = "cHVzaGVk", Remote = (object)new { Address = "192.0.2.1", Port = 1, PeerKey = client.PublicKey } }
            : new { Data = "cHVzaGVk", Remote = (object)new { Address = "127.0.0.1", Port = port } });

        Assert.Equal("pushed", Encoding.ASCII.GetString((await client.ReceiveAsync())!));
    }

    [Fact]
    public async Task Inner_addresses_are_swapped_as_in_a_reply()
    {
        await using var gateway = await TestGateway.StartAsync();
        var record = await ServeTunnelAsync(gateway, decapsulated: true);
        using var client = new WireGuardTestClient(record.Port, record.WireGuardPublicKey!);
        Assert.NotNull(await client.ExchangeAsync("raw"u8.ToArray()));

        await PushAsync(gateway,
            new { Data = "cHVzaGVk", Remote = new { Address = "127.0.0.1", Port = 1, PeerKey = client.PublicKey }, Inner = new { SourceAddress = "10.8.0.2", SourcePort = 40001, DestinationAddress = "10.8.0.1", DestinationPort = 5683, Version = 4, Protocol = 17 } },
            new { Data = "cHVzaGVk", Remote = new { Address = "127.0.0.1", Port = 1, PeerKey = client.PublicKey } });
        var packet = (await client.ReceiveAsync())!; // with padding behind its 34 bytes
        var raw = (await client.ReceiveAsync())!;

        Assert.Equal(InnerVerdict.Udp, InnerDatagram.Read(packet.AsSpan(0, 34), out var flow, out var payload));
        Assert.Equal(("10.8.0.1:5683", "10.8.0.2:40001"), (flow.Source.ToString(), flow.Destination.ToString()));
        Assert.Equal("pushed", Encoding.ASCII.GetString(packet, payload.Offset, payload.Length));
        Assert.Equal("pushed", Encoding.ASCII.GetString(raw));
    }

    [Fact]
    public async Task A_client_without_a_session_is_counted_and_another_at_its_address_gets_nothing()
    {
        await using var gateway = await TestGateway.StartAsync();
        var record = await ServeTunnelAsync(gateway, decapsulated: false);
        using var client = new WireGuardTestClient(record.Port, record.WireGuardPublicKey!);
        Assert.NotNull(await client.ExchangeAsync("hello"u8.ToArray()));
        var port = gateway.Lambda().Packets[0]["Remote"]!["Port"]!.GetValue<int>();
        var stranger = WireGuardTestKeys.PublicKeyOf(WireGuardTestKeys.NewPrivateKey());

        await PushAsync(gateway, new { Data = "", Remote = new { Address = "127.0.0.1", Port = port, PeerKey = stranger } }, new { Data = "", Remote = new { Address = "127.0.0.2", Port = port, PeerKey = "" } });

        Assert.Equal(2, await gateway.DropsAsync("no_session"));
        Assert.Contains(gateway.LogLines, line => line.Contains("were not sent: no_session", StringComparison.Ordinal));
        Assert.Equal("fine", Encoding.ASCII.GetString((await client.ExchangeAsync("fine"u8.ToArray()))!));
    }

    [Fact]
    public async Task A_message_for_a_listener_that_is_not_served_is_logged()
    {
        await using var gateway = await TestGateway.StartAsync();

        await gateway.Host.PushAsync("gone", """{"Messages":[{"Data":"","Remote":{"Address":"127.0.0.1","Port":9}}]}""", CancellationToken.None);

        Assert.Contains(gateway.LogLines, line => line.Contains("listener_gone", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_a_topic_of_another_account_asks_is_left_to_the_provider()
    {
        const string Question = """{"Type":"SubscriptionConfirmation","TopicArn":"arn:aws:sns:eu-central-1:210987654321:t","Token":"2336412f37"}""";
        const string Unreadable = """{"Note":"SubscriptionConfirmation"}""";
        var queue = new ScriptedQueue(Question, Unreadable);
        await using var gateway = await TestGateway.StartAsync(queues: queue);
        await gateway.ServeAsync(TestGateway.Udp());

        Assert.True(await gateway.Store.TryWriteAsync(
            new PacketSourceRecord
            {
                PhysicalResourceId = "test/source",
                StackId = "arn:aws:cloudformation:eu-central-1:123456789012:stack/test/1",
                LogicalResourceId = "source",
                ListenerName = "test",
                TopicArn = "arn:aws:sns:eu-central-1:210987654321:t",
                RoleArn = "arn:aws:iam::210987654321:role/r",
                QueueUrl = "https://sqs.example/source",
                RequestId = "1",
            },
            0,
            default));
        await Eventually.TrueAsync(() => queue.Deleted.Count > 0, "what was handled is deleted");

        Assert.Equal([Unreadable], queue.Deleted);
        Assert.Equal(1, await gateway.DropsAsync("push_malformed"));
    }

    private static Task PushAsync(TestGateway gateway, params object[] packets) =>
        gateway.Host.PushAsync("test", JsonSerializer.Serialize(new { Messages = packets }), CancellationToken.None);

    private static async Task<ListenerRecord> ServeTunnelAsync(TestGateway gateway, bool decapsulated)
    {
        var privateKey = WireGuardTestKeys.NewPrivateKey();
        await gateway.Store.WriteAsync("listener", JsonSerializer.Serialize(new { PrivateKey = Convert.ToBase64String(privateKey) }), CancellationToken.None);
        var definition = TestGateway.Udp() with { Protocol = ListenerProtocol.WireGuard, AllowUnknownPeers = true, DecapsulatedDelivery = decapsulated };
        return await gateway.ServeAsync(definition, publicKey: WireGuardTestKeys.PublicKeyOf(privateKey), secretId: "listener");
    }
}
