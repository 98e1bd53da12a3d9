using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using UdpGateway.EndToEnd.Tests.Harness;

namespace UdpGateway.EndToEnd.Tests.WireGuard;

/// <summary>What wireguard-go sees of a session's life: bytes, new keys, moves, and a bad network.</summary>
public sealed partial class WireGuardGoSessionTests : IAsyncLifetime
{
    private const int UdpAndIPv4Headers = 28;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly Workspace _workspace = new();
    private ClientNamespace _client = null!;
    private RunningStack _stack = null!;
    private string _tunnel = "";

    private bool IsSkipped => _client is null;

    public async Task InitializeAsync()
    {
        // A class of which every test is skipped makes nothing.
        if (NamespaceFactAttribute.ReasonToSkip() is not null)
            return;
        _client = await ClientNamespace.CreateAsync();
        _stack = await RunningStack.UpAsync(_workspace, Repository.Sample("open-wireguard"), "--bind", _client.HostAddress);
        _tunnel = await _client.AddTunnelAsync(_stack.PublicKey, _stack.Listener.Endpoint, NewKeyFile());
    }

    public async Task DisposeAsync()
    {
        if (!IsSkipped)
        {
            await _client.DisposeAsync();
            await _stack.DisposeAsync();
        }

        _workspace.Dispose();
    }

    [NamespaceFact]
    public async Task Counts_the_same_bytes_as_the_network_and_the_gateway()
    {
        await CountBytesAsync();

        await PingAsync(3);
        await PingAsync(2, "fd00:8::1");
        await PingAsync(2, size: 1_392);
        var answer = await _client.RunAsync("dotnet", Repository.Program, "send", "10.8.0.1:7", "over UDP");

        Assert.Equal("hello from udpgw: over UDP\n", answer);
        await Eventually.TrueAsync(
            async () =>
            {
                var (received, sent) = await TransferAsync();
                return received > 7 * 100 && sent > 7 * 100
                    && await CountedBytesAsync("in") == received
                    && await CountedBytesAsync("out") == sent
                    && await _stack.MetricAsync("udpgw_bytes_sent_total") == received
                    && await _stack.MetricAsync("udpgw_bytes_received_total") == sent;
            },
            Patience);
    }

    [NamespaceFact]
    public async Task Handshakes_anew_after_its_private_key_changed()
    {
        await PingAsync(1);
        var before = await _stack.MetricAsync("udpgw_handshakes_total", "result=\"completed\"");

        await _client.RunAsync("wg", "set", _tunnel, "private-key", NewKeyFile());

        await PingUntilAnsweredAsync();
        Assert.Equal(before + 1, await _stack.MetricAsync("udpgw_handshakes_total", "result=\"completed\""));
        Assert.Equal(2, await _stack.MetricAsync("udpgw_peers", "state=\"confirmed\""));
    }

    [LongNamespaceFact]
    public async Task Makes_new_keys_after_120_seconds_of_traffic_without_losing_a_packet()
    {
        await PingAsync(1);
        var handshake = await _client.LatestHandshakeAsync(_tunnel);

        var ping = await ProgramRun.OfAsync("ip", ["netns", "exec", _client.Name, "ping", "-c", "700", "-i", "0.2", "-W", "5", "10.8.0.1"], timeout: TimeSpan.FromMinutes(4));

        Assert.Equal((700, 700), Answered(ping.Succeeded().Output));
        Assert.InRange(await _client.LatestHandshakeAsync(_tunnel) - handshake, 115, 145);
        Assert.Equal(2, await _stack.MetricAsync("udpgw_handshakes_total", "result=\"completed\""));
    }

    [LongNamespaceFact]
    public async Task Makes_new_keys_after_180_idle_seconds()
    {
        await PingAsync(1);
        var handshake = await _client.LatestHandshakeAsync(_tunnel);

        await Task.Delay(TimeSpan.FromSeconds(190));

        await PingUntilAnsweredAsync();
        Assert.True(await _client.LatestHandshakeAsync(_tunnel) >= handshake + 185);
        Assert.Equal(2, await _stack.MetricAsync("udpgw_handshakes_total", "result=\"completed\""));
    }

    [NamespaceFact]
    public async Task Keeps_its_session_when_its_port_and_its_address_change()
    {
        await PingAsync(1);
        var handshake = await _client.LatestHandshakeAsync(_tunnel);

        await _client.RunAsync("wg", "set", _tunnel, "listen-port", "40405");
        await PingAsync(2);
        await _client.MoveToSecondAddressAsync();
        // This version of wireguard-go holds on to its old source address until its socket is bound anew.
        await _client.RunAsync("wg", "set", _tunnel, "listen-port", "40406");
        await PingAsync(2);

        Assert.Equal(handshake, await _client.LatestHandshakeAsync(_tunnel));
        Assert.Equal(1, await _stack.MetricAsync("udpgw_handshakes_total", "result=\"completed\""));
    }

    [NamespaceFact]
    public Task Loses_no_session_in_30_seconds_of_a_bad_network() => SurviveAsync(TimeSpan.FromSeconds(30), restarts: 1);

    [LongNamespaceFact]
    public Task Loses_no_session_in_10_minutes_of_a_bad_network() => SurviveAsync(TimeSpan.FromMinutes(10), restarts: 8);

    /// <summary>Half of all datagrams lost each way, the rest delayed, out of order, some twice; the interface restarts now and then, which makes new keys.</summary>
    private async Task SurviveAsync(TimeSpan duration, int restarts)
    {
        await using var relay = new RoughRelay(IPAddress.Parse(_client.HostAddress), _stack.Endpoint, TimeSpan.FromMilliseconds(150), duplicated: 0.1, seed: 18);
        await _client.RunAsync("wg", "set", _tunnel, "peer", _stack.PublicKey, "endpoint", relay.Endpoint.ToString());
        await PingUntilAnsweredAsync();

        await _client.RunAsync("nft",
            "add table inet loss; " +
            "add chain inet loss in { type filter hook prerouting priority raw; }; " +
            "add chain inet loss out { type filter hook output priority raw; }; " +
            $"add rule inet loss in ip saddr {_client.HostAddress} ip protocol udp numgen random mod 100 < 50 drop; " +
            $"add rule inet loss out ip daddr {_client.HostAddress} ip protocol udp numgen random mod 100 < 50 drop");
        var (sent, answered) = (0, 0);
        for (var round = 0; round <= restarts; round++)
        {
            if (round > 0)
            {
                await _client.RunAsync("ip", "link", "set", _tunnel, "down");
                await _client.RunAsync("ip", "link", "set", _tunnel, "up");
            }

            var seconds = (int)(duration / (restarts + 1)).TotalSeconds;
            var ping = await ProgramRun.OfAsync(
                "ip", ["netns", "exec", _client.Name, "ping", "-i", "0.03", "-w", seconds.ToString(CultureInfo.InvariantCulture), "10.8.0.1"],
                timeout: TimeSpan.FromSeconds(seconds + 30));
            var (roundSent, roundAnswered) = Answered(ping.Output);
            (sent, answered) = (sent + roundSent, answered + roundAnswered);
        }

        // A quarter of the pings come back while there is a session; there is none until a handshake got through.
        Assert.InRange(answered, 10, sent * 0.6);
        Assert.True(relay.Overtaken > 10, $"{relay.Overtaken} of {relay.Relayed} datagrams were overtaken.");
        Assert.True(await _stack.DropsAsync("replayed") > 0);
        await _client.RunAsync("nft", "delete", "table", "inet", "loss");
        await PingUntilAnsweredAsync();
    }

    private string NewKeyFile() => _workspace.Write($"{Guid.NewGuid()}.key", Convert.ToBase64String(TunnelClient.NewPrivateKey()));

    private async Task PingAsync(int count, string address = "10.8.0.1", int size = 56)
    {
        var output = await _client.RunAsync("ping",
            "-c", count.ToString(CultureInfo.InvariantCulture), "-i", "0.2", "-W", "10", "-s", size.ToString(CultureInfo.InvariantCulture), address);
        Assert.Equal((count, count), Answered(output));
    }

    private Task PingUntilAnsweredAsync() =>
        Eventually.TrueAsync(async () => (await _client.TryRunAsync("ping", "-c", "1", "-W", "1", "10.8.0.1")).ExitCode == 0, Patience);

    /// <summary>Counts what passes the namespace's own interface, in both directions.</summary>
    private Task<string> CountBytesAsync() => _client.RunAsync("nft",
        "add table inet bytes; " +
        "add chain inet bytes in { type filter hook prerouting priority raw; }; " +
        "add chain inet bytes out { type filter hook output priority raw; }; " +
        $"add rule inet bytes in ip saddr {_client.HostAddress} ip protocol udp counter; " +
        $"add rule inet bytes out ip daddr {_client.HostAddress} ip protocol udp counter");

    /// <summary>UDP payload bytes: the kernel counts headers too.</summary>
    private async Task<long> CountedBytesAsync(string chain)
    {
        var words = (await _client.RunAsync("nft", "list", "chain", "inet", "bytes", chain)).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        return After("bytes", words) - UdpAndIPv4Headers * After("packets", words);
    }

    private static long After(string word, string[] words) =>
        long.Parse(words[Array.LastIndexOf(words, word) + 1], CultureInfo.InvariantCulture);

    /// <summary>What wireguard-go counts.</summary>
    private async Task<(long Received, long Sent)> TransferAsync()
    {
        var words = (await _client.RunAsync("wg", "show", _tunnel, "transfer")).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        return (long.Parse(words[^2], CultureInfo.InvariantCulture), long.Parse(words[^1], CultureInfo.InvariantCulture));
    }

    private static (int Sent, int Received) Answered(string ping)
    {
        var match = PingSummary().Match(ping);
        Assert.True(match.Success, ping);
        return (int.Parse(match.Groups["sent"].ValueSpan, CultureInfo.InvariantCulture), int.Parse(match.Groups["received"].ValueSpan, CultureInfo.InvariantCulture));
    }

    [GeneratedRegex(@"(?<sent>\d+) packets transmitted, (?<received>\d+) received", RegexOptions.CultureInvariant, 1_000)]
    private static partial Regex PingSummary();
}
