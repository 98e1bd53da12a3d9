using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using UdpGateway.EndToEnd.Tests.Harness;

namespace UdpGateway.EndToEnd.Tests.Samples;

public sealed class PacketCounterTests
{
    [NodeFact]
    public async Task Each_listener_counts_the_packets_of_each_sender()
    {
        using var workspace = new Workspace();
        await using var stack = await RunningStack.UpAsync(workspace, Repository.Sample("packet-counter"));

        foreach (var logicalId in new[] { "PythonListener", "NodeListener" })
        {
            var endpoint = IPEndPoint.Parse(stack.Document.Listeners.Single(listener => listener.LogicalId == logicalId).Endpoint);
            using var first = Connect(endpoint);
            using var second = Connect(endpoint);

            Assert.Equal($"{first.LocalEndPoint} 1\n", await AskAsync(first, "one"));
            Assert.Equal($"{first.LocalEndPoint} 2\n", await AskAsync(first, "two"));
            Assert.Equal($"{second.LocalEndPoint} 1\n", await AskAsync(second, ""));
        }
    }

    [NodeFact]
    public async Task Packets_that_arrive_together_are_answered_one_by_one()
    {
        using var workspace = new Workspace();
        await using var stack = await RunningStack.UpAsync(workspace, Repository.Sample("packet-counter"));
        using var client = Connect(IPEndPoint.Parse(stack.Document.Listeners.Single(listener => listener.LogicalId == "NodeListener").Endpoint));

        for (var packet = 0; packet < 250; packet++)
            await client.SendAsync("x"u8.ToArray());
        var counts = new SortedSet<int>();
        while (counts.Count < 250)
            counts.Add(int.Parse((await ReceiveAsync(client)).Split(' ')[1], CultureInfo.InvariantCulture));

        Assert.Equal(Enumerable.Range(1, 250), counts);
    }

    private static Socket Connect(IPEndPoint endpoint)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Connect(endpoint);
        return socket;
    }

    private static async Task<string> AskAsync(Socket socket, string text)
    {
        await socket.SendAsync(Encoding.UTF8.GetBytes(text));
        return await ReceiveAsync(socket);
    }

    private static async Task<string> ReceiveAsync(Socket socket)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        var buffer = new byte[2048];
        return Encoding.UTF8.GetString(buffer, 0, await socket.ReceiveAsync(buffer, patience.Token));
    }
}
