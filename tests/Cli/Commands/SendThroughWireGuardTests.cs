namespace UdpGateway.Cli.Tests.Commands;

public sealed class SendThroughWireGuardTests
{
    [Theory]
    [InlineData("--raw")]
    [InlineData("--inner", "10.8.0.1:7")]
    [InlineData("--inner", "[fd00:8::1]:4242")]
    [InlineData("--inner", "192.0.2.1:9", "--address", "192.0.2.77")]
    public async Task Prints_the_replies_that_come_through_the_tunnel(params string[] how)
    {
        await using var echo = new WireGuardEcho();

        var run = await CommandRun.Of(["send", echo.Endpoint, "one", "two", "--count", "4", "--public-key", echo.PublicKey, .. how]);

        Assert.Equal(0, run.ExitCode);
        Assert.Equal(["one", "two", "one", "two"], run.OutputLines);
        Assert.StartsWith("4 sent, 4 replies", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("10.8.0.1")]
    [InlineData("fd00:8::1")]
    public async Task Pings(string address)
    {
        await using var echo = new WireGuardEcho();

        var run = await CommandRun.Of("send", echo.Endpoint, "--ping", address, "--count", "2", "--public-key", echo.PublicKey);

        Assert.Equal(0, run.ExitCode);
        Assert.Equal([$"echo reply from {address}: sequence 0", $"echo reply from {address}: sequence 1"], run.OutputLines);
    }

    [Fact]
    public async Task Sends_bytes_that_are_no_packet_as_they_are()
    {
        await using var echo = new WireGuardEcho();

        var run = await CommandRun.Of("send", echo.Endpoint, "ff0045", "--hex", "--raw", "--public-key", echo.PublicKey);

        Assert.Equal((0, "ff0045\n"), (run.ExitCode, run.Output));
    }

    [Fact]
    public async Task Takes_the_pre_shared_key_from_its_file_and_gets_nothing_without_it()
    {
        var presharedKey = Enumerable.Range(1, 32).Select(value => (byte)value).ToArray();
        await using var echo = new WireGuardEcho(presharedKey);
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, Convert.ToBase64String(presharedKey) + "\n");

        var right = await CommandRun.Of("send", echo.Endpoint, "hello", "--public-key", echo.PublicKey, "--psk", file, "--raw");
        var absent = await CommandRun.Of("send", echo.Endpoint, "hello", "--public-key", echo.PublicKey, "--raw", "--timeout", "0.5");
        File.Delete(file);

        Assert.Equal((0, "hello\n"), (right.ExitCode, right.Output));
        Assert.Equal((1, ""), (absent.ExitCode, absent.Output));
        Assert.Contains("no session", absent.Error, StringComparison.Ordinal);
    }
}
