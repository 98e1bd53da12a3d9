using System.Diagnostics;
using System.Text.Json.Nodes;
using UdpGateway.Cli.Tests.Commands;
using UdpGateway.Cli.Tests.LocalLambda;

namespace UdpGateway.Cli.Tests.Dashboard;

/// <summary>Read back by Wireshark's own reader.</summary>
public sealed class CaptureFileTests
{
    private const string Tshark = "tshark";

    [RequiresProgramFact(Tshark)]
    public async Task Holds_inner_packets_and_replies_with_their_peer_and_destination()
    {
        await using var watched = await WatchedStack.StartAsync(WatchedStack.Echo);
        var tunnel = watched.Listener("Tunnel").Record;
        await CommandRun.Of("send", $"127.0.0.1:{tunnel.Port}", "inner words", "--public-key", tunnel.WireGuardPublicKey!, "--inner", "10.8.0.1:9000");
        await CommandRun.Of("send", $"127.0.0.1:{watched.Listener("Plain").Record.Port}", "plain words");
        var inner = await watched.WaitForPacketAsync(packet => IsSent(packet, "inner words"));
        await watched.WaitForPacketAsync(packet => IsSent(packet, "plain words"));

        var packets = await ReadAsync(watched);

        Assert.Equal(4, packets.Count);
        var request = packets.Single(packet => packet.Payload == "inner words");
        var reply = packets.Single(packet => packet.Payload == "echo: inner words");
        Assert.Equal(("10.8.0.2", "10.8.0.1", "9000"), (request.Source, request.Destination, request.DestinationPort));
        Assert.Equal((request.Destination, request.Source, request.SourcePort), (reply.Source, reply.Destination, reply.DestinationPort));
        Assert.Contains($"peer {inner["line"]!["peer"]} (unknown)", request.Comment, StringComparison.Ordinal);
        Assert.Contains("destination echo", request.Comment, StringComparison.Ordinal);
        Assert.Contains("reply of destination echo", reply.Comment, StringComparison.Ordinal);
        var plain = packets.Single(packet => packet.Payload == "plain words");
        Assert.Equal(("127.0.0.1", $"{watched.Listener("Plain").Record.Port}"), (plain.Destination, plain.DestinationPort));
        Assert.All(packets, packet => Assert.True(packet.IsChecksumRight, packet.Payload));
    }

    [RequiresProgramFact(Tshark)]
    public async Task Is_a_valid_file_before_the_first_packet()
    {
        await using var watched = await WatchedStack.StartAsync(WatchedStack.Silent);

        Assert.Empty(await ReadAsync(watched));
    }

    [Fact]
    public async Task Holds_no_key_that_opens_anything()
    {
        await using var watched = await WatchedStack.StartAsync(WatchedStack.Silent);
        var listener = watched.Listener("Secure").Record;
        await CommandRun.Of("send", $"127.0.0.1:{listener.Port}", "x", "--public-key", listener.WireGuardPublicKey!, "--timeout", "1");
        await watched.WaitForPacketAsync(packet => packet["line"]!["preview"]!.ToString() == "x");

        var capture = await watched.Http.GetByteArrayAsync(new Uri(watched.Dashboard, "capture.pcapng"));

        // Type 0x0000000A, a Decryption Secrets Block, in either byte order.
        for (var offset = 0; offset < capture.Length; offset += BitConverter.ToInt32(capture, offset + 4))
            Assert.NotEqual(0x0A, BitConverter.ToInt32(capture, offset));
    }

    private static bool IsSent(JsonNode packet, string text) =>
        packet["line"]!["preview"]!.ToString() == text
        && packet["placements"]!.AsArray().Any(placement => placement!["steps"]!.AsArray().Any(step => step!["name"]!.ToString() == "reply sent"));

    private static async Task<IReadOnlyList<CapturedPacket>> ReadAsync(WatchedStack watched)
    {
        var file = Path.Combine(watched.Folder, "capture.pcapng");
        await File.WriteAllBytesAsync(file, await watched.Http.GetByteArrayAsync(new Uri(watched.Dashboard, "capture.pcapng")));
        string[] fields = ["ip.src", "ip.dst", "udp.srcport", "udp.dstport", "udp.payload", "udp.checksum.status", "ip.checksum.status", "frame.comment"];
        var (exitCode, output, error) = await RunAsync(["-r", file, "-o", "udp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-T", "fields", .. fields.SelectMany(field => (string[])["-e", field])]);
        Assert.True(exitCode == 0, error);
        return [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('\t')).Select(cells => new CapturedPacket(
            cells[0], cells[1], cells[2], cells[3], System.Text.Encoding.UTF8.GetString(Convert.FromHexString(cells[4])), (cells[5], cells[6]) is ("1", "1"), cells[7]))];
    }

    private static async Task<(int ExitCode, string Output, string Error)> RunAsync(string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(Tshark, arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true })!;
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var output = process.StandardOutput.ReadToEndAsync(patience.Token);
        var error = process.StandardError.ReadToEndAsync(patience.Token);
        await process.WaitForExitAsync(patience.Token);
        return (process.ExitCode, await output, await error);
    }

    private sealed record CapturedPacket(string Source, string Destination, string SourcePort, string DestinationPort, string Payload, bool IsChecksumRight, string Comment);
}
