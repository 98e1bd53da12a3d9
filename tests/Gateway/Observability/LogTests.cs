using System.Reflection;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using UdpGateway.Gateway.Tests.TestDoubles;
using UdpGateway.Listeners;

namespace UdpGateway.Gateway.Tests.Observability;

public sealed class LogTests
{
    [Fact]
    public void Every_line_has_an_id_of_its_own()
    {
        var ids = typeof(GatewayHost).Assembly.GetTypes()
            .SelectMany(type => type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic))
            .Select(method => method.GetCustomAttribute<LoggerMessageAttribute>()?.EventId)
            .OfType<int>()
            .ToList();

        Assert.NotEmpty(ids);
        Assert.Equal(ids.Order(), ids.Distinct().Order());
    }

    [Fact]
    public async Task Junk_is_counted_and_not_mentioned()
    {
        await using var gateway = await TestGateway.StartAsync();
        var key = WireGuardTestKeys.NewPrivateKey();
        await gateway.Store.WriteAsync("listener/junk", $$"""{"PrivateKey":"{{Convert.ToBase64String(key)}}"}""", CancellationToken.None);
        var record = await gateway.ServeAsync(
            TestGateway.Udp() with { Protocol = ListenerProtocol.WireGuard, AllowUnknownPeers = true }, publicKey: WireGuardTestKeys.PublicKeyOf(key), secretId: "listener/junk");
        using var client = new UdpTestClient(record.Port);
        var lines = gateway.LogLines.Count;

        for (var length = 0; length < 200; length++)
            client.Send(RandomNumberGenerator.GetBytes(length));

        await gateway.WaitForDropsAsync("malformed", 100);
        Assert.Equal(lines, gateway.LogLines.Count);
    }
}
