using System.Net;
using DnsClient;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using UdpGateway.Gateway.Clients;
using UdpGateway.Gateway.Observability;
using UdpGateway.Gateway.Tests.TestDoubles;
using UdpGateway.WireGuard;

namespace UdpGateway.Gateway.Tests.Clients;

public sealed class DomainFilterTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(50);

    [Theory]
    [InlineData("192.0.2.7", null)]
    [InlineData("2001:db8::7", null)]
    [InlineData("192.0.2.8", DropReason.SourceNotAllowed)]
    [InlineData("2001:db8::8", DropReason.SourceNotAllowed)]
    public async Task A_plain_name_lets_its_addresses_in(string source, object? expected)
    {
        await using var server = new DnsTestServer();
        server.SetAddresses("client.example.com", "192.0.2.7", "2001:db8::7");
        server.SetNames("8.2.0.192.in-addr.arpa", "client.example.com");
        using var filter = Start(server, "client.example.com");

        await WaitForAsync(filter, source, (DropReason?)expected);

        Assert.DoesNotContain(server.Queries, name => name.EndsWith(".arpa", StringComparison.Ordinal)); // they are known ahead
    }

    [Theory]
    [InlineData("192.0.2.7", null)]
    [InlineData("2001:db8::7", null)]
    [InlineData("192.0.2.8", DropReason.SourceNotAllowed)]   // claims a name that is not its own
    [InlineData("192.0.2.9", DropReason.SourceNotAllowed)]   // has a name elsewhere
    [InlineData("192.0.2.10", DropReason.SourceNotAllowed)]  // has the domain's own name
    [InlineData("192.0.2.11", DropReason.SourceNotAllowed)]  // has a name that only ends alike
    [InlineData("192.0.2.12", DropReason.SourceNotAllowed)]  // has no name
    [InlineData("192.0.2.13", null)]                         // has several names
    public async Task A_wildcard_lets_in_whose_name_is_below_it_and_resolves_back(string source, object? expected)
    {
        await using var server = new DnsTestServer();
        server.SetAddresses("a.b.example.com", "192.0.2.7", "2001:db8::7");
        server.SetAddresses("elsewhere.example.org", "192.0.2.9", "192.0.2.13");
        server.SetAddresses("example.com", "192.0.2.10");
        server.SetAddresses("badexample.com", "192.0.2.11");
        server.SetAddresses("c.example.com", "192.0.2.13");
        server.SetNames("7.2.0.192.in-addr.arpa", "A.b.Example.com");
        server.SetNames("7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", "a.b.example.com");
        server.SetNames("8.2.0.192.in-addr.arpa", "a.b.example.com");
        server.SetNames("9.2.0.192.in-addr.arpa", "elsewhere.example.org");
        server.SetNames("10.2.0.192.in-addr.arpa", "example.com");
        server.SetNames("11.2.0.192.in-addr.arpa", "badexample.com");
        server.SetNames("13.2.0.192.in-addr.arpa", "elsewhere.example.org", "c.example.com");
        using var filter = Start(server, "*.example.com");

        Assert.Equal(DropReason.SourceUnresolved, filter.Check(Endpoint(source)));

        await WaitForAsync(filter, source, (DropReason?)expected);
    }

    [Fact]
    public async Task Follows_names_that_move()
    {
        await using var server = new DnsTestServer();
        server.SetAddresses("client.example.com", "192.0.2.7");
        server.SetAddresses("a.example.org", "192.0.2.9");
        server.SetNames("9.2.0.192.in-addr.arpa", "a.example.org");
        using var filter = Start(server, "client.example.com", "*.example.org");
        await WaitForAsync(filter, "192.0.2.7", null);
        await WaitForAsync(filter, "192.0.2.9", null);

        server.SetAddresses("client.example.com", "192.0.2.8");
        server.SetAddresses("a.example.org", "192.0.2.10");

        await WaitForAsync(filter, "192.0.2.8", null);
        await WaitForAsync(filter, "192.0.2.7", DropReason.SourceNotAllowed);
        await WaitForAsync(filter, "192.0.2.9", DropReason.SourceNotAllowed);
    }

    [Fact]
    public async Task Keeps_what_it_knows_while_the_name_server_fails()
    {
        await using var server = new DnsTestServer();
        server.SetAddresses("client.example.com", "192.0.2.7");
        server.SetAddresses("a.example.org", "192.0.2.9");
        server.SetNames("9.2.0.192.in-addr.arpa", "a.example.org");
        using var filter = Start(server, "client.example.com", "*.example.org");
        await WaitForAsync(filter, "192.0.2.7", null);
        await WaitForAsync(filter, "192.0.2.9", null);

        server.Fails = true;
        var queries = server.Queries.Count;
        await Eventually.TrueAsync(() => filter.Check(Endpoint("192.0.2.9")) is null && server.Queries.Count > queries + 10, "it asked again and again");

        Assert.Null(filter.Check(Endpoint("192.0.2.7")));
        Assert.Null(filter.Check(Endpoint("192.0.2.9")));
        Assert.Equal(DropReason.SourceUnresolved, filter.Check(Endpoint("192.0.2.10")));
    }

    [Fact]
    public async Task Nobody_is_let_in_before_the_first_answer()
    {
        await using var server = new DnsTestServer { Fails = true };
        server.SetAddresses("client.example.com", "192.0.2.7");
        using var filter = Start(server, "client.example.com");
        await Eventually.TrueAsync(() => server.Queries.Count > 3, "it asked");
        Assert.Equal(DropReason.SourceUnresolved, filter.Check(Endpoint("192.0.2.7")));

        server.Fails = false;

        await WaitForAsync(filter, "192.0.2.7", null);
    }

    [Fact]
    public async Task A_flood_of_sources_is_bounded()
    {
        await using var server = new DnsTestServer();
        server.SetAddresses("a.example.org", "192.0.2.9");
        server.SetNames("9.2.0.192.in-addr.arpa", "a.example.org");
        using var filter = Start(server, "*.example.org");

        for (var i = 0; i < 200_000; i++)
            Assert.NotNull(filter.Check(PeerEndpoint.FromIPv4([10, (byte)(i >> 16), (byte)(i >> 8), (byte)i], 1)));

        await WaitForAsync(filter, "192.0.2.9", null);
    }

    [Fact]
    public async Task Checking_a_known_source_allocates_nothing()
    {
        await using var server = new DnsTestServer();
        server.SetAddresses("client.example.com", "192.0.2.7");
        server.SetAddresses("a.example.org", "192.0.2.9");
        server.SetNames("9.2.0.192.in-addr.arpa", "a.example.org");
        using var filter = Start(server, TimeSpan.FromMinutes(1), "client.example.com", "*.example.org");
        await WaitForAsync(filter, "192.0.2.7", null);
        await WaitForAsync(filter, "192.0.2.9", null);
        PeerEndpoint[] sources = [Endpoint("192.0.2.7"), Endpoint("192.0.2.9")];
        var before = GC.GetAllocatedBytesForCurrentThread();

        var refused = 0;
        for (var i = 0; i < 1000; i++)
            refused += filter.Check(sources[i % 2]) is null ? 0 : 1;

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(0, refused);
    }

    [Fact]
    public async Task A_listener_serves_a_client_once_its_name_is_known()
    {
        await using var server = new DnsTestServer();
        server.SetAddresses("device.example.com", "127.0.0.1");
        server.SetNames("1.0.0.127.in-addr.arpa", "device.example.com");
        await using var gateway = await TestGateway.StartAsync(configure: options => options with { NameServers = [server.Endpoint] });
        var definition = TestGateway.Udp() with { AllowedNetworks = [IPNetwork.Parse("192.0.2.0/24")] };
        var record = await gateway.ServeAsync(definition with { AllowedDomains = ["*.example.com"] });
        using var client = new UdpTestClient(record.Port);

        await Eventually.TrueAsync(
            async () =>
            {
                client.Send("hello");
                await Task.Delay(20);
                return client.HasReply;
            },
            "the client is answered");
        Assert.InRange(await gateway.DropsAsync("source_unresolved"), 1, double.MaxValue);

        await gateway.ServeAsync(definition with { AllowedDomains = ["other.example.com"] });
        client.Send("hello");
        await Eventually.TrueAsync(
            async () =>
            {
                client.Send("hello");
                return await gateway.DropsAsync("source_not_allowed") > 0;
            },
            "the client is refused");
    }

    private static DomainFilter Start(DnsTestServer server, params string[] domains) => Start(server, Soon, domains);

    private static DomainFilter Start(DnsTestServer server, TimeSpan minAge, params string[] domains)
    {
        var lookup = new LookupClient(new LookupClientOptions(server.Endpoint) { UseCache = false, Retries = 1, Timeout = TimeSpan.FromSeconds(5) });
        var filter = new DomainFilter(domains, lookup, minAge, new GatewayClock(TimeProvider.System), NullLoggerFactory.Instance.CreateLogger<DomainFilter>());
        filter.Start(CancellationToken.None);
        return filter;
    }

    private static Task WaitForAsync(DomainFilter filter, string source, DropReason? expected) =>
        Eventually.TrueAsync(() => filter.Check(Endpoint(source)) == expected, $"{source} is judged {expected?.ToString() ?? "allowed"}");

    private static PeerEndpoint Endpoint(string address) => PeerEndpoint.From(new IPEndPoint(IPAddress.Parse(address), 5000));
}
