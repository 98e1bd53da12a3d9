using System.Net.Sockets;
using System.Text;
using UdpGateway.EndToEnd.Tests.Harness;

namespace UdpGateway.EndToEnd.Tests.Samples;

public sealed class MultiRegionTests
{
    private const string Fallback = "FallbackFunctionArn=arn:aws:lambda:us-west-2:123456789012:function:regional-answer";

    [Fact]
    public async Task Functions_come_and_go_by_region_and_the_listener_stays()
    {
        using var workspace = new Workspace();
        int port;
        await using (var stack = await UpAsync("ServeHere=false"))
        {
            port = stack.Endpoint.Port;
            using var client = Connect(stack);
            await client.SendAsync("nobody"u8.ToArray());
            await Eventually.TrueAsync(async () => await stack.DropsAsync("no_destination") == 1, TimeSpan.FromSeconds(60));
        }

        await using (var stack = await UpAsync("ServeHere=true"))
        {
            Assert.Equal(port, stack.Endpoint.Port);
            Assert.Equal("received in eu-west-1, answered in eu-west-1: hello", await AskAsync(stack, "hello"));
        }

        await using (var stack = await UpAsync("ServeHere=false", Fallback))
        {
            using var client = Connect(stack);
            await client.SendAsync("elsewhere"u8.ToArray());
            var calls = await workspace.DeliveredAsync("regional-answer", calls => calls.Length > 0);
            Assert.Equal("elsewhere", (string?)Assert.Single(Assert.Single(calls)["Messages"]!.AsArray())!["Data"]);
        }

        // The region's own function goes before the one for every region.
        await using (var stack = await UpAsync("ServeHere=true", Fallback))
        {
            Assert.Equal(port, stack.Endpoint.Port);
            Assert.Equal("received in eu-west-1, answered in eu-west-1: back", await AskAsync(stack, "back"));
            Assert.Single(DeliveredPayloads.Read(workspace, "regional-answer"));
        }

        Task<RunningStack> UpAsync(params string[] parameters) =>
            RunningStack.UpAsync(workspace, Repository.Sample("multi-region"), ["--region", "eu-west-1", "--parameter-overrides", .. parameters]);
    }

    private static UdpClient Connect(RunningStack stack)
    {
        var client = new UdpClient();
        client.Connect(stack.Endpoint);
        return client;
    }

    private static async Task<string> AskAsync(RunningStack stack, string text)
    {
        using var client = Connect(stack);
        await client.SendAsync(Encoding.UTF8.GetBytes(text));
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        return Encoding.UTF8.GetString((await client.ReceiveAsync(patience.Token)).Buffer);
    }
}
