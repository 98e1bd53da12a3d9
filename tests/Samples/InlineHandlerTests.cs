using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace UdpGateway.Samples.Tests;

/// <summary>Runs the Python that stands in the template of gated-wireguard, as the template holds it.</summary>
public sealed class InlineHandlerTests
{
    /// <summary>What CloudFormation accepts as the code of a function in the template.</summary>
    private const int MaxInlineCode = 4096;

    [Fact]
    public void Fits_into_a_template() => Assert.InRange(InlineCode().Length, 1, MaxInlineCode);

    [PythonFact]
    public async Task Answers_ping_and_udp_and_echoes_raw_payloads_by_the_name_of_the_key()
    {
        var answers = await InvokeAsync(
            InnerPacketBytes.Ping("10.8.0.2", "10.8.0.1", "abcdefg"),
            InnerPacketBytes.Ping("fd00:8::2", "fd00:8::1", "odd"),
            InnerPacketBytes.Udp("10.8.0.2", "10.8.0.1", 40_001, 7, "odd"),
            InnerPacketBytes.Udp("fd00:8::2", "fd00:8::1", 40_001, 7, "six"),
            "E: no packet"u8.ToArray(),
            []);

        Assert.All(answers[..4], InnerPacketBytes.AssertChecksumsHold);
        Assert.Equal(0, answers[0][20]);
        Assert.Equal(129, answers[1][40]);
        Assert.Equal(InnerPacketBytes.Udp("10.8.0.1", "10.8.0.2", 7, 40_001, "hello AAAAAAAA: odd")[20..], answers[2][20..]);
        Assert.Equal(InnerPacketBytes.Udp("fd00:8::1", "fd00:8::2", 7, 40_001, "hello AAAAAAAA: six")[40..], answers[3][40..]);
        Assert.Equal("hello AAAAAAAA: E: no packet", Encoding.ASCII.GetString(answers[4]));
        Assert.Equal("hello AAAAAAAA: ", Encoding.ASCII.GetString(answers[5]));
    }

    [PythonFact]
    public async Task Answers_nothing_that_was_sent_to_a_group_or_to_another_protocol()
    {
        var answers = await InvokeAsync(
            InnerPacketBytes.Udp("fe80::2", "ff02::fb", 5353, 5353, "query"),
            InnerPacketBytes.Udp("10.8.0.2", "255.255.255.255", 68, 67, "discover"),
            InnerPacketBytes.Packet("10.8.0.2", "10.8.0.1", 6, new byte[20], 16));

        Assert.Empty(answers);
    }

    private static string InlineCode()
    {
        var lines = File.ReadAllLines(Path.Combine(RepositoryRoot(), "samples", "gated-wireguard", "template.yaml"));
        var start = Array.FindIndex(lines, line => line.EndsWith("InlineCode: |", StringComparison.Ordinal)) + 1;
        var indent = lines[start].Length - lines[start].TrimStart().Length;
        var code = lines[start..].TakeWhile(line => line.Length == 0 || line.StartsWith(new string(' ', indent), StringComparison.Ordinal));
        return string.Join('\n', code.Select(line => line.Length == 0 ? line : line[indent..])).TrimEnd() + "\n";
    }

    private static async Task<byte[][]> InvokeAsync(params byte[][] payloads)
    {
        var messages = payloads.Select((payload, index) => new
        {
            Tag = $"tag-{index}",
            Remote = new { PeerKey = Convert.ToBase64String(new byte[32]) },
            Data = Convert.ToBase64String(payload),
        });
        var program = InlineCode() + "import json, sys\nprint(json.dumps(handler(json.load(sys.stdin), None)))\n";
        using var python = Process.Start(new ProcessStartInfo("python3", ["-c", program]) { RedirectStandardInput = true, RedirectStandardOutput = true, UseShellExecute = false })!;
        await python.StandardInput.WriteAsync(JsonSerializer.Serialize(new { Messages = messages }));
        python.StandardInput.Close();
        var output = await python.StandardOutput.ReadToEndAsync();
        await python.WaitForExitAsync();

        Assert.Equal(0, python.ExitCode);
        var replies = (JsonArray)JsonNode.Parse(output)!["Replies"]!;
        return [.. replies.Select(reply => Convert.FromBase64String((string)reply!["Data"]!))];
    }

    private static string RepositoryRoot()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory.FullName, "Provider.sln")))
            directory = directory.Parent ?? throw new InvalidOperationException("The tests run outside the repository.");
        return directory.FullName;
    }
}
