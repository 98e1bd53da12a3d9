using UdpGateway.EndToEnd.Tests.Harness;

namespace UdpGateway.EndToEnd.Tests.WireGuard;

/// <summary>While strangers use up the share of time that handshakes may take, a cookie and a rate limit stand before every handshake (paper §5.3).</summary>
/// <remarks>On a stack of its own: the load outlasts a test by a second.</remarks>
[Collection(Alone.Name)]
public sealed class UnderLoadTests(OpenEndpoint endpoint) : IClassFixture<OpenEndpoint>
{
    private const int ResponseSize = 92;
    private const int CookieReplySize = 64;

    /// <summary>The load comes and goes by a second or so; each step is tried until it met it.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Answer = TimeSpan.FromSeconds(2);

    private readonly RunningStack _stack = endpoint.Stack;

    [Fact]
    public async Task A_client_gets_a_cookie_and_with_it_a_session()
    {
        await using var load = new InitiationLoad(_stack.Endpoint, _stack.PublicKey, "127.0.0.90");
        using var socket = new OuterSocket(_stack.Endpoint);
        using var client = new HandDrivenClient(_stack.PublicKey);

        await TakeCookieAsync(client, socket);
        var response = await AnswerOfSizeAsync(ResponseSize, socket, client, socket);
        foreach (var datagram in client.Consume(response))
            socket.Send(datagram);
        socket.Send(client.Seal("through the flood"u8.ToArray()));

        var reply = await socket.ReceiveAsync(Patience);
        Assert.Equal("hello from udpgw: through the flood"u8.ToArray(), client.Open(reply!));
        Assert.True(await _stack.MetricAsync("udpgw_handshakes_total", "result=\"cookie_replied\"") > 0);
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("127.0.0.91")]
    public async Task A_cookie_is_worth_nothing_from_another_port_or_address(string elsewhere)
    {
        await using var load = new InitiationLoad(_stack.Endpoint, _stack.PublicKey, "127.0.0.90");
        using var socket = new OuterSocket(_stack.Endpoint);
        using var thief = new OuterSocket(_stack.Endpoint, elsewhere);
        using var client = new HandDrivenClient(_stack.PublicKey);

        await TakeCookieAsync(client, socket);

        await AnswerOfSizeAsync(CookieReplySize, thief, client, thief);
    }

    [Fact]
    public async Task One_address_gets_a_few_handshakes_at_once_and_no_more()
    {
        const int Clients = 12;
        await using var load = new InitiationLoad(_stack.Endpoint, _stack.PublicKey, "127.0.0.90");
        using var socket = new OuterSocket(_stack.Endpoint, "127.0.0.92");
        var clients = Enumerable.Range(0, Clients).Select(_ => new HandDrivenClient(_stack.PublicKey)).ToList();
        foreach (var client in clients)
            await TakeCookieAsync(client, socket);
        var before = await _stack.DropsAsync("rate_limited");

        await Eventually.TrueAsync(
            async () =>
            {
                foreach (var initiation in clients.Select(client => client.Initiate()).ToList())
                    socket.Send(initiation);
                await Task.Delay(100);
                return await _stack.DropsAsync("rate_limited") > before;
            },
            Patience);

        clients.ForEach(client => client.Dispose());
    }

    private static async Task TakeCookieAsync(HandDrivenClient client, OuterSocket socket) =>
        Assert.Empty(client.Consume(await AnswerOfSizeAsync(CookieReplySize, socket, client, socket)));

    /// <summary>Initiates until the answer is a cookie reply, or a response.</summary>
    private static async Task<byte[]> AnswerOfSizeAsync(int size, OuterSocket to, HandDrivenClient client, OuterSocket from)
    {
        byte[]? answer = null;
        await Eventually.TrueAsync(
            async () =>
            {
                to.Send(client.Initiate());
                answer = await from.ReceiveAsync(Answer);
                return answer?.Length == size;
            },
            Patience);
        return answer!;
    }
}
