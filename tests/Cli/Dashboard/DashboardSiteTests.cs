using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using UdpGateway.Cli.Tests.Commands;

namespace UdpGateway.Cli.Tests.Dashboard;

public sealed class DashboardSiteTests
{
    private static readonly string[] Pages = ["", "index.html", "app.js", "style.css", "icon.svg", "stream", "packets/1", "capture.pcapng"];

    [Fact]
    public async Task Opens_with_the_address_that_up_prints()
    {
        await using var watched = await WatchedStack.StartAsync(WatchedStack.Silent);

        using var page = await watched.Http.GetAsync(watched.Dashboard);

        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        Assert.Equal("text/html", page.Content.Headers.ContentType!.MediaType);
        Assert.Equal("127.0.0.1", watched.Dashboard.Host);
        Assert.Matches("^/dashboard/[A-Za-z0-9_-]{43}/$", watched.Dashboard.AbsolutePath);
    }

    [Fact]
    public async Task Gives_nothing_away_without_its_token()
    {
        await using var watched = await WatchedStack.StartAsync(WatchedStack.Silent);
        await watched.SendAsync("Plain", "top secret"u8.ToArray());
        await watched.WaitForPacketAsync(_ => true);
        var token = watched.Dashboard.Segments[^1].TrimEnd('/');
        string[] guesses =
        [
            "", "x", token[..^1], token + "x", token.ToUpperInvariant(), new string('A', token.Length), "..", "%2e%2e/" + token[..^1], "?token=" + token, "%00",
        ];

        foreach (var guess in guesses)
        {
            foreach (var page in Pages)
            {
                using var response = await watched.Http.GetAsync(new Uri(watched.Stack.AdminAddress, $"/dashboard/{guess}/{page}"));
                Assert.True((int)response.StatusCode is >= 400 and < 500, $"{response.RequestMessage!.RequestUri} was answered with {response.StatusCode}");
                Assert.DoesNotContain("secret", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
            }
        }

        using var root = await watched.Http.GetAsync(new Uri(watched.Stack.AdminAddress, "/dashboard"));
        Assert.Equal(HttpStatusCode.Forbidden, root.StatusCode);
    }

    [Theory]
    [InlineData("Host", "evil.example")]
    [InlineData("Host", "127.0.0.1.evil.example")]
    [InlineData("Host", "192.0.2.1")]
    [InlineData("Origin", "http://evil.example")]
    [InlineData("Origin", "null")]
    [InlineData("Origin", "http://localhost:3000")]
    [InlineData("Origin", "https://127.0.0.1")]
    public async Task Refuses_foreign_pages_even_with_the_token(string header, string value)
    {
        await using var watched = await WatchedStack.StartAsync(WatchedStack.Silent);

        foreach (var page in Pages)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(watched.Dashboard, page));
            request.Headers.TryAddWithoutValidation(header, value);
            using var response = await watched.Http.SendAsync(request);
            Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        }
    }

    [Fact]
    public async Task Sends_headers_that_let_nothing_foreign_in_or_out()
    {
        await using var watched = await WatchedStack.StartAsync(WatchedStack.Silent);

        using var page = await watched.Http.GetAsync(watched.Dashboard);

        var policy = Assert.Single(page.Headers.GetValues("Content-Security-Policy"));
        Assert.Contains("default-src 'none'", policy, StringComparison.Ordinal);
        Assert.Contains("frame-ancestors 'none'", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
        Assert.Equal("nosniff", Assert.Single(page.Headers.GetValues("X-Content-Type-Options")));
        Assert.Equal("no-referrer", Assert.Single(page.Headers.GetValues("Referrer-Policy")));
        Assert.DoesNotContain(page.Headers, header => header.Key.StartsWith("Access-Control", StringComparison.OrdinalIgnoreCase));
    }

    [Theory]
    [InlineData("POST")]
    [InlineData("PUT")]
    [InlineData("DELETE")]
    [InlineData("OPTIONS")]
    public async Task Only_lets_read(string method)
    {
        await using var watched = await WatchedStack.StartAsync(WatchedStack.Silent);

        using var response = await watched.Http.SendAsync(new HttpRequestMessage(new HttpMethod(method), new Uri(watched.Dashboard, "capture.pcapng")));

        Assert.Equal(HttpStatusCode.MethodNotAllowed, response.StatusCode);
    }

    [Fact]
    public async Task Page_and_its_parts_name_nothing_elsewhere_and_hold_no_inline_code()
    {
        await using var watched = await WatchedStack.StartAsync(WatchedStack.Silent);

        foreach (var name in typeof(CommandLine).Assembly.GetManifestResourceNames().Where(name => name.Contains(".Dashboard.Page.", StringComparison.Ordinal)))
        {
            var file = name[(name.IndexOf(".Page.", StringComparison.Ordinal) + ".Page.".Length)..];
            var text = await watched.Http.GetStringAsync(new Uri(watched.Dashboard, file));

            Assert.DoesNotContain("https:", text, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain("innerHTML", text, StringComparison.Ordinal);
            Assert.DoesNotMatch(@"<[a-z]+[^>]*\s(on[a-z]+|style)=", text);
            Assert.DoesNotMatch(@"<script(?![^>]*\ssrc=)", text);
        }
    }

    [Fact]
    public async Task Shows_what_became_of_a_packet()
    {
        await using var watched = await WatchedStack.StartAsync(WatchedStack.Silent);

        await watched.SendAsync("Plain", "twenty degrees"u8.ToArray());
        var packet = await watched.WaitForPacketAsync(packet => WatchedStack.State(packet) == "delivered");

        Assert.Equal("twenty degrees", packet["line"]!["preview"]!.ToString());
        Assert.Equal(Convert.ToHexStringLower("twenty degrees"u8), packet["payloadHex"]!.ToString());
        var placements = packet["placements"]!.AsArray();
        Assert.Equal(["archive", "alarms"], placements.Select(placement => placement!["destination"]!.ToString()));
        Assert.StartsWith("filtered", placements[1]!["placement"]!.ToString(), StringComparison.Ordinal);
        Assert.Equal("delivered", placements[0]!["result"]!.ToString());
        Assert.Equal(1, (int)placements[0]!["batchCount"]!);
        var request = JsonNode.Parse(placements[0]!["request"]!.ToString())!;
        Assert.StartsWith(placements[0]!["batch"]!.ToString(), request["Messages"]![0]!["Tag"]!.ToString(), StringComparison.Ordinal);
        Assert.Equal(["in the batch", "delivery began", "answered"], placements[0]!["steps"]!.AsArray().Select(step => step!["name"]!.ToString()));
        var times = placements[0]!["steps"]!.AsArray().Select(step => (double)step!["milliseconds"]!).ToList();
        Assert.Equal(times.Order(), times);
    }

    [Fact]
    public async Task Shows_dropped_packets_with_their_reason()
    {
        await using var watched = await WatchedStack.StartAsync(WatchedStack.Silent);

        await watched.SendAsync("Closed", "let me in"u8.ToArray());
        await watched.SendAsync("Secure", "no handshake"u8.ToArray());
        var refused = await watched.WaitForPacketAsync(packet => packet["line"]!["reason"]?.ToString() == "source_not_allowed");
        var noise = await watched.WaitForPacketAsync(packet => packet["line"]!["reason"]?.ToString() == "malformed");

        Assert.Equal("dropped", WatchedStack.State(refused));
        Assert.Equal("let me in", refused["line"]!["preview"]!.ToString());
        Assert.Equal("WireGuard", noise["line"]!["protocol"]!.ToString());
        Assert.Equal("", noise["hex"]!.ToString());
    }

    [Fact]
    public async Task Shows_peer_and_inner_packet_of_a_tunnel()
    {
        await using var watched = await WatchedStack.StartAsync(WatchedStack.Silent);
        var listener = watched.Listener("Secure").Record;

        await CommandRun.Of("send", $"127.0.0.1:{listener.Port}", "inner words", "--public-key", listener.WireGuardPublicKey!, "--inner", "10.8.0.1:9000", "--timeout", "1");
        var packet = await watched.WaitForPacketAsync(packet => packet["line"]!["protocol"]!.ToString() == "UDP");

        Assert.Equal(["WireGuard", "Peer", "IPv4", "UDP"], packet["layers"]!.AsArray().Select(layer => layer!["title"]!.ToString()));
        Assert.EndsWith("→ 10.8.0.1:9000", packet["line"]!["summary"]!.ToString(), StringComparison.Ordinal);
        Assert.Equal("inner words", packet["line"]!["preview"]!.ToString());
        Assert.Matches("^[A-Za-z0-9+/]{43}=$", packet["line"]!["peer"]!.ToString());
        Assert.False((bool)packet["line"]!["isNamedPeer"]!);
    }

    [Fact]
    public async Task Streams_packets_and_counters()
    {
        await using var watched = await WatchedStack.StartAsync(WatchedStack.Silent);
        using var response = await watched.Http.GetAsync(new Uri(watched.Dashboard, "stream"), HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(), Encoding.UTF8);

        await watched.SendAsync("Plain", "<b>"u8.ToArray());
        await watched.SendAsync("Closed", "x"u8.ToArray());
        var packets = await ReadUntilAsync(reader, "packets", data => data.AsArray().Any(line => line!["preview"]!.ToString() == "<b>"));
        var status = await ReadUntilAsync(reader, "status", data => data["listeners"]!.AsArray().Any(listener => listener!["drops"]!.AsArray().Count > 0));

        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        Assert.DoesNotContain("<b>", packets, StringComparison.Ordinal);
        var closed = JsonNode.Parse(status)!["listeners"]!.AsArray().Single(listener => listener!["logicalId"]!.ToString() == "Closed")!;
        Assert.Equal("source_not_allowed", closed["drops"]![0]!["reason"]!.ToString());
    }

    private static async Task<string> ReadUntilAsync(StreamReader reader, string name, Func<JsonNode, bool> isIt)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var current = "";
        while (await reader.ReadLineAsync(patience.Token) is { } line)
        {
            if (line.StartsWith("event: ", StringComparison.Ordinal))
                current = line["event: ".Length..];
            else if (line.StartsWith("data: ", StringComparison.Ordinal) && current == name && isIt(JsonNode.Parse(line["data: ".Length..])!))
                return line["data: ".Length..];
        }

        throw new EndOfStreamException();
    }
}
