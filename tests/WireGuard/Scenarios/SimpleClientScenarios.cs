using UdpGateway.WireGuard.Handshake;

namespace UdpGateway.WireGuard.Tests.Scenarios;

/// <summary>
/// What the engine does for a client as simple as Proxylity's wg-client: raw payloads, no keepalives, no window, whole
/// seconds as timestamps, no cookies, no rekey.
/// </summary>
public sealed class SimpleClientScenarios
{
    private const ulong SomeSecond = 0x400000006553f10a;

    [Fact]
    public void Text_goes_through_as_it_is_and_so_does_the_answer()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewHandmadeClient();
        client.Handshake();

        var received = tunnels.Deliver(client.Seal(0, "Hello, world"u8));
        var (_, answer) = tunnels.Seal(received.Result.Peer, "Hello, client"u8);

        Assert.Equal("Hello, world"u8.ToArray(), received.Payload);
        Assert.Equal(PayloadKind.Raw, received.Result.PayloadKind);
        Assert.Equal("Hello, client"u8.ToArray(), client.Open(answer));
    }

    [Fact]
    public void Client_that_does_not_confirm_at_once_is_waited_for_until_its_first_packet()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewHandmadeClient();
        client.Handshake();

        tunnels.Now += TimeSpan.FromSeconds(170);
        tunnels.TakeDue();

        Assert.True(tunnels.Deliver(client.Seal(0, "at last"u8)).Result.HandshakeCompleted);
    }

    [Fact]
    public void Second_handshake_within_a_second_is_a_replay_to_whoever_counts_in_seconds()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewHandmadeClient();
        tunnels.Deliver(client.Initiate(new Tai64n(SomeSecond, 0)));

        tunnels.Now += TimeSpan.FromMilliseconds(900);
        Assert.Equal(ReceiveVerdict.TimestampReplayed, tunnels.Deliver(client.Initiate(new Tai64n(SomeSecond, 0))).Verdict);
        Assert.Equal(ReceiveVerdict.InitiationAnswered, tunnels.Deliver(client.Initiate(new Tai64n(SomeSecond + 1, 0))).Verdict);
    }

    [Fact]
    public void Key_is_not_extended_by_use_so_that_a_client_that_never_rekeys_is_silent_until_it_starts_anew()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewHandmadeClient();
        var peer = client.Connect();

        for (ulong second = 1; second < 180; second++)
        {
            tunnels.Now += TimeSpan.FromSeconds(1);
            Assert.Equal(ReceiveVerdict.Data, tunnels.Deliver(client.Seal(second, "busy"u8)).Verdict);
        }

        tunnels.Now += TimeSpan.FromSeconds(1);
        Assert.Equal(ReceiveVerdict.SessionExpired, tunnels.Deliver(client.Seal(180, "busy"u8)).Verdict);
        Assert.Equal(SealVerdict.NoSession, tunnels.Seal(peer, "no"u8).Result.Verdict);
        Assert.Equal(peer, client.Connect());
    }

    [Fact]
    public void Answers_can_be_opened_in_the_order_in_which_they_were_sealed_without_a_window()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewHandmadeClient();
        var peer = client.Connect();
        var greatest = -1L;

        for (var i = 0; i < 100; i++)
        {
            var (_, datagram) = tunnels.Seal(peer, "in order"u8);
            Assert.True((long)HandmadeClient.CounterOf(datagram) > greatest);
            greatest = (long)HandmadeClient.CounterOf(datagram);
        }
    }
}
