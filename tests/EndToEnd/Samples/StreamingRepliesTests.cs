using System.Net;
using System.Net.Sockets;
using System.Text;
using UdpGateway.EndToEnd.Tests.Harness;

namespace UdpGateway.EndToEnd.Tests.Samples;

public sealed class StreamingRepliesTests
{
    // 2 · 1000000007 · 1000000009: the function has to try a thousand million divisors after the first.
    private const string Hard = "2000000032000000126";

    [NodeFact]
    public async Task A_packet_gets_a_reply_for_each_factor()
    {
        using var workspace = new Workspace();
        await using var stack = await RunningStack.UpAsync(workspace, Repository.Sample("streaming-replies"));
        using var client = Connect(stack.Endpoint);

        await client.SendAsync("360"u8.ToArray());
        foreach (var answer in (string[])["2", "2", "2", "3", "3", "5", "done"])
            Assert.Equal($"360: {answer}\n", await ReceiveAsync(client));

        await client.SendAsync("many"u8.ToArray());
        Assert.Equal("Send a whole number of up to 19 digits.\n", await ReceiveAsync(client));
    }

    [NodeFact]
    public async Task Replies_arrive_while_the_function_still_computes()
    {
        using var workspace = new Workspace();
        // Both numbers in one batch, and no other.
        var template = workspace.WriteVariant("streaming-replies", ("Count: 10", "Count: 2"), ("TimeoutInSeconds: 0.05", "TimeoutInSeconds: 60"));
        await using var stack = await RunningStack.UpAsync(workspace, template);
        using var client = Connect(stack.Endpoint);

        await client.SendAsync(Encoding.UTF8.GetBytes(Hard));
        await client.SendAsync("6"u8.ToArray());
        var answers = new List<string>();
        for (var answer = 0; answer < 4; answer++)
            answers.Add(await ReceiveAsync(client));

        Assert.Equal([$"{Hard}: 2\n", "6: 2\n", "6: 3\n", "6: done\n"], answers);
        Assert.Equal(0, await stack.MetricAsync("udpgw_batches_total", "result=\"delivered\""));
    }

    private static UdpClient Connect(IPEndPoint endpoint)
    {
        var client = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        client.Connect(endpoint);
        return client;
    }

    private static async Task<string> ReceiveAsync(UdpClient client)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        return Encoding.UTF8.GetString((await client.ReceiveAsync(deadline.Token)).Buffer);
    }
}
