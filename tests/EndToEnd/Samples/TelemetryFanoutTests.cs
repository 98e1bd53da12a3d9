using System.Net.Sockets;
using System.Text.Json.Nodes;
using UdpGateway.EndToEnd.Tests.Harness;

namespace UdpGateway.EndToEnd.Tests.Samples;

public sealed class TelemetryFanoutTests
{
    [Fact]
    public async Task Readings_alarms_and_everything_go_their_ways()
    {
        using var workspace = new Workspace();
        // The archive waits a minute for more, unless the stack stops before.
        string[] files = ["in-order", "stream", "archive", "alarms"];
        await using (var stack = await RunningStack.UpAsync(workspace, Repository.Sample("telemetry-fanout")))
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            socket.Connect(stack.Endpoint);
            await socket.SendAsync(new byte[] { 0xA2, 0xC2, 1, 0, 1, 20 });
            await socket.SendAsync(new byte[] { 0xA2, 0xC2, 1, 0, 2, 21 });
            await socket.SendAsync(new byte[] { 0xA2, 0xC3, 2, 0, 9, 99 });
            // Neither of the filters is true of a packet that is too short for them.
            await socket.SendAsync(new byte[] { 0xA2 });
            await workspace.DeliveredAsync("in-order", calls => calls.Sum(call => call["Entries"]!.AsArray().Count) == 2);
            await workspace.DeliveredAsync("stream", calls => calls.Sum(call => call["Records"]!.AsArray().Count) == 4);
            await workspace.DeliveredAsync("alarms", calls => calls.Length == 1);
            await stack.InterruptAsync();
        }

        var calls = files.ToDictionary(file => file, file => DeliveredPayloads.Read(workspace, file));
        var entries = calls["in-order"].SelectMany(call => call["Entries"]!.AsArray()).Select(entry => entry!).ToArray();
        Assert.All(entries, entry => Assert.Equal("A2C2", (string?)entry["MessageGroupId"]));
        Assert.Equal(["A2C2010001", "A2C2010002"], entries.Select(entry => (string?)entry["MessageDeduplicationId"]));
        Assert.Equal(["osIBAAEU", "osIBAAIV"], entries.Select(entry => (string?)JsonNode.Parse((string)entry["MessageBody"]!)!["Data"]));
        // What is too short to have a device gets a random key.
        var partitionKeys = calls["stream"].SelectMany(call => call["Records"]!.AsArray()).Select(record => (string)record!["PartitionKey"]!).ToArray();
        Assert.Equal(["A2C2", "A2C2", "A2C3"], partitionKeys[..3]);
        Assert.True(Guid.TryParse(partitionKeys[3], out _), partitionKeys[3]);
        Assert.Contains("A2C302000963", calls["alarms"].Single().ToJsonString(), StringComparison.Ordinal);
        var archived = calls["archive"].Single();
        Assert.StartsWith("telemetry/", (string?)archived["Key"], StringComparison.Ordinal);
        var lines = ((string)archived["Body"]!).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!).ToArray();
        Assert.Equal(["A2C201000114", "A2C201000215", "A2C302000963", "A2"], lines.Select(packet => Convert.ToHexString(Convert.FromBase64String((string)packet["Data"]!))));
    }
}
