using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using UdpGateway.Benchmarks.Load;
using UdpGateway.EndToEnd.Tests.Harness;
using Xunit.Abstractions;

namespace UdpGateway.EndToEnd.Tests.Destinations;

/// <summary>Services that throttle, fail, cut connections, take half or fall silent: every packet is accounted for, and only where it belongs.</summary>
[Collection(Alone.Name)]
public sealed class FaultTests(ITestOutputHelper output)
{
    private const long MostMemory = 1L << 30;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task Every_packet_is_counted_once_as_delivered_dead_lettered_or_dropped_whatever_the_service_does()
    {
        const int Good = 3_000;
        const int Refused = 30;
        const int Stubborn = 20;
        using var workspace = new Workspace();
        await using var service = await QueueService.StartAsync((queue, call) => queue != "flaky" ? QueueFault.None : (call % 8) switch
        {
            1 => QueueFault.Throttled,
            3 => QueueFault.Failed,
            5 => QueueFault.Cut,
            6 => QueueFault.Partial,
            7 when call < 64 => QueueFault.Slow,
            _ => QueueFault.None,
        });
        service.Refuses = (queue, body) => queue == "flaky" && Text(body).StartsWith("refused", StringComparison.Ordinal);
        service.NeverTakes = (queue, body) => queue == "flaky" && Text(body).StartsWith("stubborn", StringComparison.Ordinal);
        await using var stack = await UpAsync(workspace, service, Listener("Only", """
                    - Name: flaky
                      DestinationArn: arn:aws:sqs:us-west-2:123456789012:flaky
                      Role: arn:aws:iam::123456789012:role/any
                      DeadLetterArn: arn:aws:sqs:us-west-2:123456789012:letters
                      Formatter: ascii
                      FilterExpression: '[0] != 0x21'
                      Batching: { Count: 100, TimeoutInSeconds: 0.1 }
            """));
        using var socket = Connect(stack.Endpoint);
        var sent = 0;

        for (var i = 0; i < Good; i++)
            await SendAsync($"good {i}");
        for (var i = 0; i < Refused; i++)
            await SendAsync($"refused {i}");
        for (var i = 0; i < Stubborn; i++)
            await SendAsync($"stubborn {i}");
        // More than the kernel keeps for a gateway that stands still. What comes through is filtered; the last tells what did not.
        await stack.PauseAsync();
        for (var i = 0; i < 30_000; i++)
            sent += socket.Send("!"u8) > 0 ? 1 : 0;
        await stack.ContinueAsync();
        await Eventually.TrueAsync(
            async () =>
            {
                sent += socket.Send("!"u8) > 0 ? 1 : 0;
                await Task.Delay(50);
                return await stack.MetricAsync("udpgw_packets_received_total") + await stack.DropsAsync("socket_overflow") == sent;
            },
            Patience);

        var received = await stack.MetricAsync("udpgw_packets_received_total");
        async Task<double> PacketsAsync(string result) => await stack.MetricAsync("udpgw_destination_packets_total", $"result=\"{result}\"");
        await Eventually.TrueAsync(
            async () => await PacketsAsync("delivered") + await PacketsAsync("failed") + await stack.MetricAsync("udpgw_packets_skipped_total") + await stack.DropsAsync("destination_queue_full") == received,
            Patience);
        await Eventually.TrueAsync(async () => await stack.MetricAsync("udpgw_dead_letters_total") == await PacketsAsync("failed"), Patience);

        var (delivered, failed) = (await PacketsAsync("delivered"), await PacketsAsync("failed"));
        Assert.Equal(Good + Refused + Stubborn, delivered + failed);
        Assert.InRange(failed, Refused + Stubborn, Good);
        Assert.True(await stack.DropsAsync("socket_overflow") > 0, "Nothing overflowed, so that nothing was shown.");
        Assert.Equal(await stack.DropsAsync("socket_overflow"), await stack.MetricAsync("udpgw_drops_total"));

        // The sink holds what was counted delivered, and some of it twice, since a cut connection does not say what came through.
        var taken = service.Taken("flaky").Select(Text).ToList();
        var unique = taken.ToHashSet(StringComparer.Ordinal);
        var letters = service.Taken("letters").Select(body => (string)JsonNode.Parse(body)!["Packet"]!["Data"]!).ToList();
        Assert.Equal(failed, await stack.MetricAsync("udpgw_dead_letters_total", "result=\"sent\""));
        Assert.Equal((failed, failed), (letters.Count, letters.Distinct().Count()));
        Assert.Equal(delivered, Enumerable.Range(0, Good).Select(i => $"good {i}").Except(letters).Count(unique.Contains));
        Assert.True(taken.Count > unique.Count, "No cut connection made a duplicate.");
        Assert.All(Enumerable.Range(0, Stubborn), i => Assert.Contains($"stubborn {i}", letters));
        Assert.All(Enumerable.Range(0, Refused), i => Assert.Contains($"refused {i}", letters));
        Assert.Equal(service.Presented("flaky") - (delivered + failed), await stack.MetricAsync("udpgw_retried_packets_total"));
        output.WriteLine($"{sent:N0} sent: {delivered:N0} delivered, {failed:N0} dead-lettered, {await stack.MetricAsync("udpgw_retried_packets_total"):N0} retried, {await stack.DropsAsync("socket_overflow"):N0} overflowed; the sink holds {taken.Count:N0}, {unique.Count:N0} different");

        // Slowly enough that the kernel keeps them all: what overflows is not this part's matter.
        async Task SendAsync(string text)
        {
            sent += await socket.SendAsync(Encoding.ASCII.GetBytes(text)) > 0 ? 1 : 0;
            if (sent % 50 == 0)
                await Task.Delay(5);
        }
    }

    [Fact]
    public async Task A_destination_that_fell_silent_costs_bounded_memory_and_nobody_else_notices()
    {
        const int PerSecond = 100_000;
        const int Length = 1_000;
        using var workspace = new Workspace();
        await using var service = await QueueService.StartAsync((queue, _) => queue == "silent" ? QueueFault.Silent : QueueFault.None);
        await using var stack = await UpAsync(
            workspace,
            service,
            Listener("Flooded", """
                        - Name: silent
                          DestinationArn: arn:aws:sqs:us-west-2:123456789012:silent
                          Role: arn:aws:iam::123456789012:role/any
                        - Name: alive
                          DestinationArn: arn:aws:sqs:us-west-2:123456789012:alive
                          Role: arn:aws:iam::123456789012:role/any
                          FilterExpression: '[0] == 0x61'
                          Formatter: ascii
                """) + Listener("Other", """
                        - Name: other
                          DestinationArn: arn:aws:sqs:us-west-2:123456789012:other
                          Role: arn:aws:iam::123456789012:role/any
                          Formatter: ascii
                """));
        var flooded = stack.Document.Listeners.Single(listener => listener.LogicalId == "Flooded");
        var other = stack.Document.Listeners.Single(listener => listener.LogicalId == "Other");
        using var toAlive = Connect(IPEndPoint.Parse(flooded.Endpoint));
        using var toOther = Connect(IPEndPoint.Parse(other.Endpoint));
        var (sentToAlive, sentToOther, most) = (0, 0, 0L);

        using var flood = Flood.OfPackets(IPEndPoint.Parse(flooded.Endpoint), [.. Enumerable.Repeat((byte)'f', Length)], PerSecond);
        var watch = System.Diagnostics.Stopwatch.StartNew();
        flood.Start();
        // Ten times what the destination's queue holds.
        while (flood.Sent < 10 * PerSecond)
        {
            await Task.Delay(20);
            sentToAlive += toAlive.Send("alive"u8) > 0 ? 1 : 0;
            sentToOther += toOther.Send("other"u8) > 0 ? 1 : 0;
            most = Math.Max(most, stack.ResidentBytes);
        }

        flood.Dispose();
        var rate = flood.Sent / watch.Elapsed.TotalSeconds;
        var sent = flood.Sent + sentToAlive;
        await SettleAsync(flooded.Name, toAlive);
        await SettleAsync(other.Name, toOther);

        // All of this while the service is still silent.
        var received = await OfAsync("udpgw_packets_received_total", flooded.Name);
        await Eventually.TrueAsync(
            async () => await OfAsync("udpgw_destination_packets_total", flooded.Name, "destination=\"alive\"", "result=\"delivered\"") + await OfAsync("udpgw_packets_skipped_total", flooded.Name) == received, Patience);
        await Eventually.TrueAsync(async () => await OfAsync("udpgw_destination_packets_total", other.Name, "result=\"delivered\"") == await OfAsync("udpgw_packets_received_total", other.Name), Patience);
        var refused = await stack.DropsAsync("destination_queue_full");
        Assert.True(refused > 0, "The queue was never full.");
        Assert.Equal(0, await OfAsync("udpgw_destination_packets_total", flooded.Name, "destination=\"silent\"", "result=\"delivered\""));
        Assert.Equal(0, await OfAsync("udpgw_drops_total", other.Name, "reason=\"destination_queue_full\""));
        Assert.InRange(most, 1, MostMemory);

        service.Revive();
        await Eventually.TrueAsync(
            async () => await OfAsync("udpgw_destination_packets_total", flooded.Name, "destination=\"silent\"") + refused == received,
            Patience);
        var delivered = await OfAsync("udpgw_destination_packets_total", flooded.Name, "destination=\"silent\"", "result=\"delivered\"");
        Assert.True(service.Taken("silent").Count >= delivered);
        Assert.Equal(service.Taken("alive").Count, await OfAsync("udpgw_destination_packets_total", flooded.Name, "destination=\"alive\"", "result=\"delivered\""));
        Assert.Equal(service.Taken("other").Count, await OfAsync("udpgw_destination_packets_total", other.Name, "result=\"delivered\""));
        output.WriteLine($"{rate:N0}/s: {sent:N0} sent, {received:N0} received, {await OfAsync("udpgw_drops_total", flooded.Name, "reason=\"socket_overflow\""):N0} overflowed, {refused:N0} found the queue full, {delivered:N0} delivered in the end; at most {most >> 20:N0} MiB resident");

        Task<double> OfAsync(string name, string listener, params string[] labels) => stack.MetricAsync(name, [$"listener=\"{listener}\"", .. labels]);

        // The kernel reports what overflowed with the next packet that it takes.
        Task SettleAsync(string listener, Socket socket) => Eventually.TrueAsync(
            async () =>
            {
                var isFlooded = listener == flooded.Name;
                var text = isFlooded ? "alive"u8.ToArray() : "other"u8.ToArray();
                sent += await socket.SendAsync(text) > 0 && isFlooded ? 1 : 0;
                sentToOther += isFlooded ? 0 : 1;
                await Task.Delay(50);
                return await OfAsync("udpgw_packets_received_total", listener) + await OfAsync("udpgw_drops_total", listener, "reason=\"socket_overflow\"") == (isFlooded ? sent : sentToOther);
            },
            Patience);
    }

    private static Task<RunningStack> UpAsync(Workspace workspace, QueueService service, string listeners) => RunningStack.UpAsync(
        workspace, workspace.Write("template.yaml", $"Resources:\n{listeners}"), new Dictionary<string, string> { ["AWS_ENDPOINT_URL"] = service.Url.ToString() });

    private static string Listener(string logicalId, string destinations) => $"""
          {logicalId}:
            Type: Custom::UdpGatewayListener
            Properties:
              ServiceToken: any
              Protocols: [udp]
              Destinations:
        {destinations}

        """;

    private static Socket Connect(IPEndPoint endpoint)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Connect(endpoint);
        return socket;
    }

    private static string Text(string body) => (string)JsonNode.Parse(body)!["Data"]!;
}
