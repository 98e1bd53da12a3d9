using System.Text;
using UdpGateway.EndToEnd.Tests.Harness;

namespace UdpGateway.EndToEnd.Tests.WireGuard;

/// <summary>
/// The habits of Proxylity's own client library, wg-client, each of which the gateway has to live with: raw text without
/// padding, timestamps of whole seconds, no keepalive after the response, and no replay window of its own: a counter that
/// does not rise is lost.
/// </summary>
[Collection(OpenEndpoint.Collection)]
public sealed class WgClientHabitTests(OpenEndpoint endpoint)
{
    private readonly RunningStack _stack = endpoint.Stack;

    [Fact]
    public async Task Its_first_text_confirms_the_session_and_is_answered_without_padding()
    {
        using var client = new HandDrivenClient(_stack.PublicKey);
        using var socket = new OuterSocket(_stack.Endpoint);

        await ConnectAsync(client, socket, "a", WholeSecond());
        var reply = await socket.ReceiveAsync(OuterSocket.Patience);

        var expected = "hello from udpgw: a"u8.ToArray();
        Assert.Equal(32 + expected.Length, reply!.Length);
        Assert.Equal(expected, client.Open(reply));
    }

    [Fact]
    public async Task Every_answer_has_a_greater_counter_than_the_one_before()
    {
        const int Texts = 200;
        using var client = new HandDrivenClient(_stack.PublicKey);
        using var socket = new OuterSocket(_stack.Endpoint);
        await ConnectAsync(client, socket, "0", WholeSecond());

        for (var i = 1; i < Texts; i++)
            socket.Send(client.Seal(Encoding.UTF8.GetBytes($"{i}")));
        var counters = new List<ulong>();
        for (var i = 0; i < Texts; i++)
        {
            var reply = await socket.ReceiveAsync(OuterSocket.Patience);
            Assert.NotNull(reply);
            counters.Add(HandDrivenClient.CounterOf(reply));
        }

        Assert.Equal(Enumerable.Range(0, Texts).Select(i => (ulong)i), counters);
    }

    [Fact]
    public async Task A_second_handshake_within_its_second_is_a_replay_and_the_next_second_is_not()
    {
        var key = TunnelClient.NewPrivateKey();
        var second = WholeSecond();
        using var socket = new OuterSocket(_stack.Endpoint);
        using var first = new HandDrivenClient(_stack.PublicKey, key);
        using var restarted = new HandDrivenClient(_stack.PublicKey, key);
        using var later = new HandDrivenClient(_stack.PublicKey, key);
        await ConnectAsync(first, socket, "first", second);
        Assert.NotNull(await socket.ReceiveAsync(OuterSocket.Patience));
        var replays = await _stack.DropsAsync("timestamp_replayed");

        socket.Send(restarted.InitiateFor("restarted"u8.ToArray(), second));

        await Eventually.TrueAsync(async () => await _stack.DropsAsync("timestamp_replayed") == replays + 1, OuterSocket.Patience);
        await ConnectAsync(later, socket, "later", second + TimeSpan.FromSeconds(1));
        Assert.Equal("hello from udpgw: later"u8.ToArray(), later.Open((await socket.ReceiveAsync(OuterSocket.Patience))!));
    }

    /// <summary>The text waits for the session and is the first thing sent on it.</summary>
    private static async Task ConnectAsync(HandDrivenClient client, OuterSocket socket, string text, DateTimeOffset second)
    {
        socket.Send(client.InitiateFor(Encoding.UTF8.GetBytes(text), second));
        var response = await socket.ReceiveAsync(OuterSocket.Patience);
        Assert.NotNull(response);
        var confirmation = Assert.Single(client.Consume(response));
        Assert.Equal(32 + text.Length, confirmation.Length);
        Assert.Equal(0ul, HandDrivenClient.CounterOf(confirmation));
        socket.Send(confirmation);
    }

    private static DateTimeOffset WholeSecond() => DateTimeOffset.FromUnixTimeSeconds(DateTimeOffset.UtcNow.ToUnixTimeSeconds());
}
