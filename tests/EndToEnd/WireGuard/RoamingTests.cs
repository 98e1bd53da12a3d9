using System.Text;

namespace UdpGateway.EndToEnd.Tests.WireGuard;

/// <summary>Answers go to where the last packet came from that was authentic and new (paper §6.5 and §2.1), and nowhere else.</summary>
public sealed class RoamingTests(GatedEndpoint endpoint) : IClassFixture<GatedEndpoint>
{
    private static readonly TimeSpan Silence = TimeSpan.FromMilliseconds(300);

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("127.0.7.3")]
    public async Task Data_from_another_port_or_address_moves_the_client(string address)
    {
        using var client = NewClient();
        using var home = new OuterSocket(endpoint.Stack.Endpoint);
        using var abroad = new OuterSocket(endpoint.Stack.Endpoint, address);
        await client.ConnectAsync(home);

        home.Send(client.Seal("from home"u8.ToArray()));
        abroad.Send(client.Seal("from abroad"u8.ToArray()));

        string[] heard = [await TextAsync(client, abroad), await TextAsync(client, abroad)];
        Assert.Equal(["from abroad", "from home"], heard.Order(StringComparer.Ordinal));
        Assert.Null(await home.ReceiveAsync(Silence));
    }

    [Fact]
    public async Task A_keepalive_from_another_port_moves_the_client()
    {
        using var client = NewClient();
        using var home = new OuterSocket(endpoint.Stack.Endpoint);
        using var abroad = new OuterSocket(endpoint.Stack.Endpoint);
        await client.ConnectAsync(home);

        home.Send(client.Seal("from home"u8.ToArray()));
        abroad.Send(client.Seal([]));

        Assert.Equal("from home", await TextAsync(client, abroad));
        Assert.Null(await home.ReceiveAsync(Silence));
    }

    [Fact]
    public async Task Bad_and_replayed_packets_from_elsewhere_move_nobody()
    {
        using var client = NewClient();
        using var home = new OuterSocket(endpoint.Stack.Endpoint);
        using var thief = new OuterSocket(endpoint.Stack.Endpoint, "127.0.0.66");
        await client.ConnectAsync(home);
        var (replayed, unauthentic) = (await DropsAsync("replayed"), await DropsAsync("not_authentic"));
        var packet = client.Seal("from home"u8.ToArray());
        byte[] forged = [.. client.Seal("never sent"u8.ToArray())];
        forged[^1] ^= 1;

        home.Send([.. packet]);
        thief.Send(packet);
        thief.Send(forged);

        Assert.Equal("from home", await TextAsync(client, home));
        Assert.Null(await thief.ReceiveAsync(Silence));
        Assert.Equal((replayed + 1, unauthentic + 1), (await DropsAsync("replayed"), await DropsAsync("not_authentic")));
    }

    [Fact]
    public async Task A_wrong_shared_key_gets_a_response_and_nothing_after_it()
    {
        var key = Harness.TunnelClient.NewPrivateKey();
        using var client = new HandDrivenClient(endpoint.Stack.PublicKey, key, presharedKey: null);
        using var socket = new OuterSocket(endpoint.Stack.Endpoint);
        var unauthentic = await DropsAsync("not_authentic");
        socket.Send(client.Initiate());
        var response = await socket.ReceiveAsync(OuterSocket.Patience);

        Assert.Equal(92, response?.Length);
        Assert.Empty(client.Consume([.. response!]));
        Assert.False(client.IsConnected);

        // Data under the right index, as a client would send it whose keys differ.
        var datagram = new byte[96];
        datagram[0] = 4;
        response.AsSpan(4, 4).CopyTo(datagram.AsSpan(4));
        socket.Send(datagram);

        Assert.Null(await socket.ReceiveAsync(Silence));
        await Harness.Eventually.TrueAsync(async () => await DropsAsync("not_authentic") == unauthentic + 1, OuterSocket.Patience);
        Assert.DoesNotContain(Harness.TunnelClient.PublicKeyOf(key), endpoint.HeardBy);
    }

    private HandDrivenClient NewClient() => new(endpoint.Stack.PublicKey, presharedKey: endpoint.SharedKey);

    private Task<double> DropsAsync(string reason) => endpoint.Stack.DropsAsync(reason);

    /// <summary>The echo without the function's greeting.</summary>
    private static async Task<string> TextAsync(HandDrivenClient client, OuterSocket socket)
    {
        var datagram = await socket.ReceiveAsync(OuterSocket.Patience);
        Assert.NotNull(datagram);
        var payload = client.Open(datagram);
        Assert.NotNull(payload);
        var text = Encoding.UTF8.GetString(payload);
        return text[(text.IndexOf(": ", StringComparison.Ordinal) + 2)..];
    }
}
