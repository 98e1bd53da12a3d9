using System.Net;
using System.Text;
using UdpGateway.Cli.Client;

namespace UdpGateway.Cli.Tests.Commands;

public sealed class SendCommandTests
{
    private static readonly string SomeKey = Convert.ToBase64String(Enumerable.Repeat((byte)7, 32).ToArray());

    [Fact]
    public async Task Prints_the_reply_to_each_message()
    {
        await using var responder = new UdpResponder((datagram, _) => [[.. "re: "u8, .. datagram]]);

        var run = await CommandRun.Of("send", responder.Endpoint, "one", "two and three");

        Assert.Equal(0, run.ExitCode);
        Assert.Equal(["re: one", "re: two and three"], run.OutputLines.Order(StringComparer.Ordinal));
        Assert.StartsWith("2 sent, 2 replies, the first after ", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Repeats_the_messages_as_often_as_asked()
    {
        await using var responder = new UdpResponder((datagram, _) => [datagram]);

        var run = await CommandRun.Of("send", responder.Endpoint, "a", "b", "--count", "5", "--interval", "0.01");

        Assert.Equal(0, run.ExitCode);
        Assert.Equal(["a", "b", "a", "b", "a"], run.OutputLines);
    }

    [Fact]
    public async Task Measures_round_trips_without_the_replies_themselves()
    {
        await using var responder = new UdpResponder((datagram, _) => [datagram]);

        var run = await CommandRun.Of("send", responder.Endpoint, "a", "--count", "20", "--rate", "500", "--quiet", "--all");

        Assert.Equal((0, ""), (run.ExitCode, run.Output));
        Assert.Matches(@"^20 sent, 20 replies, the first after [\d.]+ ms; round trips min [\d.]+, mean [\d.]+, median [\d.]+, 99% [\d.]+, max [\d.]+ ms\n$", run.Error);
    }

    [Fact]
    public async Task Ends_with_1_when_all_replies_are_wanted_and_one_is_missing()
    {
        var seen = 0;
        await using var responder = new UdpResponder((datagram, _) => seen++ == 0 ? [] : [datagram]);

        var run = await CommandRun.Of("send", responder.Endpoint, "a", "b", "--all", "--timeout", "2");

        Assert.Equal((1, "b\n"), (run.ExitCode, run.Output));
    }

    [Theory]
    [InlineData("3")]
    [InlineData("0")]
    public async Task Waits_for_as_many_replies_as_asked(string replies)
    {
        await using var responder = new UdpResponder((_, _) => ["one"u8.ToArray(), "two"u8.ToArray(), "three"u8.ToArray()]);

        var run = await CommandRun.Of("send", responder.Endpoint, "a", "--replies", replies, "--all", "--timeout", replies == "0" ? "1" : "60");

        Assert.Equal(0, run.ExitCode);
        Assert.Equal(["one", "two", "three"], run.OutputLines);
    }

    [Fact]
    public async Task Tells_what_came_when_it_is_stopped_early()
    {
        await using var responder = new UdpResponder((datagram, _) => [datagram]);
        using var stopping = new CancellationTokenSource();
        using var channel = new PlainChannel(IPEndPoint.Parse(responder.Endpoint));
        var run = new SendRun(channel, new RawConversation(["a"u8.ToArray()], new PayloadText(hex: false)), TimeProvider.System) { Count = 1000, Replies = 1000, Interval = TimeSpan.FromSeconds(60), Timeout = TimeSpan.FromSeconds(60) };

        await using var output = new StoppingWriter(stopping);
        var statistics = await run.ExecuteAsync(output, stopping.Token);

        Assert.Equal((1, 1), (statistics.Sent, statistics.Replies));
    }

    private sealed class StoppingWriter(CancellationTokenSource stopping) : StringWriter
    {
        public override Task WriteLineAsync(string? value) => stopping.CancelAsync();
    }

    [Fact]
    public async Task Takes_and_prints_hex()
    {
        await using var responder = new UdpResponder((datagram, _) => [[.. datagram.Reverse()]]);

        var run = await CommandRun.Of("send", responder.Endpoint, "00ff10", "--hex");

        Assert.Equal((0, "10ff00\n"), (run.ExitCode, run.Output));
    }

    [Fact]
    public async Task Ends_with_1_when_nothing_comes_back()
    {
        await using var responder = new UdpResponder((_, _) => []);

        var run = await CommandRun.Of("send", responder.Endpoint, "anybody?", "--timeout", "0.2");

        Assert.Equal((1, ""), (run.ExitCode, run.Output));
        Assert.Equal("1 sent, 0 replies\n", run.Error);
    }

    [Fact]
    public async Task Says_so_when_nothing_listens()
    {
        var responder = new UdpResponder((_, _) => []);
        var endpoint = responder.Endpoint;
        await responder.DisposeAsync();

        var run = await CommandRun.Of("send", endpoint, "--count", "2", "--interval", "0.1", "--timeout", "0.2");

        Assert.Equal(1, run.ExitCode);
        Assert.Contains($"nothing listens on {endpoint}", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Says_that_the_handshake_was_not_answered()
    {
        var lengths = new List<int>();
        await using var responder = new UdpResponder((datagram, _) =>
        {
            lengths.Add(datagram.Length);
            return ["no WireGuard here"u8.ToArray()];
        });

        var run = await CommandRun.Of("send", responder.Endpoint, "hello", "--public-key", SomeKey, "--timeout", "0.5");

        Assert.Equal((1, ""), (run.ExitCode, run.Output));
        Assert.Contains("no session", run.Error, StringComparison.Ordinal);
        Assert.Equal([148], lengths);
    }

    [Theory]
    [InlineData("is no endpoint", "nonsense")]
    [InlineData("is no endpoint", "127.0.0.1")]
    [InlineData("is no endpoint", "127.0.0.1:0")]
    [InlineData("is no endpoint", "127.0.0.1:65536")]
    [InlineData("is no endpoint", "::1:9")]
    [InlineData("--count is 0: expected 1 to", "127.0.0.1:9", "--count", "0")]
    [InlineData("--rate is 0", "127.0.0.1:9", "--rate", "0")]
    [InlineData("Only one of --interval and --rate", "127.0.0.1:9", "--rate", "1", "--interval", "1")]
    [InlineData("--timeout is -1", "127.0.0.1:9", "--timeout", "-1")]
    [InlineData("is not hexadecimal", "127.0.0.1:9", "--hex", "xyz")]
    [InlineData("--raw needs --public-key", "127.0.0.1:9", "--raw")]
    [InlineData("--psk needs --public-key", "127.0.0.1:9", "--psk", "absent")]
    [InlineData("Only one of", "127.0.0.1:9", "--public-key", "KEY", "--raw", "--ping", "10.8.0.1")]
    [InlineData("is no key", "127.0.0.1:9", "--public-key", "short")]
    [InlineData("cannot be read", "127.0.0.1:9", "--public-key", "KEY", "--psk", "/absent/file")]
    [InlineData("is no address", "127.0.0.1:9", "--public-key", "KEY", "--ping", "example")]
    [InlineData("is no endpoint inside the tunnel", "127.0.0.1:9", "--public-key", "KEY", "--inner", "10.8.0.1")]
    [InlineData("not of the same IP version", "127.0.0.1:9", "--public-key", "KEY", "--ping", "fd00::1", "--address", "10.8.0.2")]
    public async Task Refuses_wrong_input_with_one_sentence(string sentence, params string[] arguments)
    {
        var run = await CommandRun.Of(["send", .. arguments.Select(argument => argument == "KEY" ? SomeKey : argument)]);

        Assert.Equal((1, ""), (run.ExitCode, run.Output));
        Assert.Contains(sentence, run.Error, StringComparison.Ordinal);
        Assert.Single(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task Never_shows_the_content_of_a_key_file()
    {
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, "almost-a-key", Encoding.ASCII);

        var run = await CommandRun.Of("send", "127.0.0.1:9", "--public-key", SomeKey, "--private-key", file);
        File.Delete(file);

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("holds no key", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("almost", run.Error, StringComparison.Ordinal);
    }
}
