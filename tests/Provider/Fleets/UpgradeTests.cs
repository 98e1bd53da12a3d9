using System.Net;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using UdpGateway.Aws.Tests;
using UdpGateway.EndToEnd.Tests.Harness;
using UdpGateway.Gateway.Tests.TestDoubles;
using UdpGateway.Listeners.Storage;
using UdpGateway.Provider.Tests.Emulation;
using UdpGateway.Tests;
using Xunit.Abstractions;
using Eventually = UdpGateway.EndToEnd.Tests.Harness.Eventually;

namespace UdpGateway.Provider.Tests.Fleets;

/// <summary>An upgrade of the provider's stack, with the clients that README's "What an upgrade changes" speaks of.</summary>
public sealed class UpgradeTests(MotoServer moto, ITestOutputHelper output) : IClassFixture<MotoServer>
{
    // As 60 and 110 seconds on AWS.
    private static readonly TimeSpan DeregistrationDelay = TimeSpan.FromSeconds(1);
    private const string DrainSeconds = "3";

    // WireGuard's KEEPALIVE_TIMEOUT and REKEY_TIMEOUT together.
    private static readonly TimeSpan NewHandshakeTime = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    [UpgradeFact]
    public async Task Clients_keep_key_port_and_endpoint_and_make_one_new_handshake()
    {
        await using var stacks = await ProviderStacks.StartAsync(moto);
        var (cloud, fargate, lambda, listeners, fleets) = (stacks.Cloud, stacks.Fargate, stacks.Lambda, stacks.Listeners, stacks.Fleets);
        var plainListener = new CloudFormationEngine(lambda, cloud.Endpoint, listeners.StackId.Split('/')[1]) { LogicalResourceId = "Plain" };
        await using var device = await ClientNamespace.CreateAsync();
        var address = IPAddress.Parse(device.HostAddress);
        await using var balancer = FlowBalancer.Start(cloud.JudgedBalancing, cloud.LoadBalancerArn, address, DeregistrationDelay);
        using var workspace = new Workspace();

        // The old version.
        var sharedKey = NewKey();
        var (namedKey, namedSecret) = (WireGuardTestKeys.NewPrivateKey(), NewKey());
        await cloud.CreateSecretAsync("devices", sharedKey);
        var listener = stacks.Listener("first");
        listener["UnknownPeerPreSharedKey"] = "{{resolve:secretsmanager:devices:SecretString}}";
        listener["Peers"] = new JsonArray(new JsonObject { ["PublicKey"] = WireGuardTestKeys.PublicKeyOf(namedKey), ["SharedSecret"] = namedSecret });
        await stacks.CompleteAsync("CREATE_COMPLETE", fleets, fleets.CreateAsync(Fleet(cloud, "gateway:1")));
        await Task.WhenAll(
            stacks.CompleteAsync("CREATE_COMPLETE", listeners, listeners.CreateAsync(listener)),
            stacks.CompleteAsync("CREATE_COMPLETE", plainListener, plainListener.CreateAsync(Plain(stacks))));
        var (created, plainPort) = (listeners.Answers[^1]!, plainListener.Answers[^1]!.Port);
        var privateKey = await PrivateKeyAsync(cloud);
        var first = Assert.Single(fargate.Running);

        // Two clients that never stop sending: a stranger with the shared key, and plain UDP.
        await Eventually.TrueAsync(() => balancer.Serves(created.Port) && balancer.Serves(plainPort), Patience);
        var tunnel = await device.AddTunnelAsync(created.PublicKey, $"{address}:{created.Port}", workspace.Write("device.key", NewKey()), workspace.Write("devices.psk", sharedKey));
        using var inTunnel = new EchoClient(device, "10.8.0.1", 7);
        using var plain = new EchoClient(device, device.HostAddress, plainPort);
        // And some that are silent for a while: the named peer, and strangers.
        using var named = new WireGuardTestClient(created.Port, created.PublicKey, namedKey, Convert.FromBase64String(namedSecret), address);
        using var older = new WireGuardTestClient(created.Port, created.PublicKey, null, Convert.FromBase64String(sharedKey), address);
        using var oldest = new WireGuardTestClient(created.Port, created.PublicKey, null, Convert.FromBase64String(sharedKey), address);
        foreach (var silent in new[] { named, older, oldest })
            Assert.Equal("before"u8.ToArray(), await silent.ExchangeAsync("before"u8.ToArray()));
        await inTunnel.GoesOnAsync();
        var start = await plain.GoesOnAsync();
        var handshake = await device.LatestHandshakeAsync(tunnel);

        // CloudFormation changes first what others depend on: the function, which its schedule calls, too.
        lambda.Add(await ProviderStacks.ProviderFunctionAsync(moto, cloud, lambda, stacks.Account, TimeSpan.FromMinutes(3)));
        lambda.SendEvent("provider", """{"source":"aws.events","detail-type":"Scheduled Event"}""");
        await lambda.WhenIdleAsync();
        var hasNewCode = await inTunnel.GoesOnAsync();
        Assert.Empty(inTunnel.Lost(start, hasNewCode));

        // Then the fleet.
        var rolling = stacks.CompleteAsync("UPDATE_COMPLETE", fleets, fleets.UpdateAsync(Fleet(cloud, "gateway:2")));
        await Eventually.TrueAsync(() => balancer.FlowsOf(created.Port).Any(flow => !flow.Target.Equals(first.Address)) || rolling.IsCompleted, Patience);
        var lostBySilent = new List<(int Packets, TimeSpan Time)>();
        foreach (var (silent, age) in new[] { (oldest, 181), (older, 121), (named, 0) })
        {
            silent.Age(TimeSpan.FromSeconds(age));
            lostBySilent.Add(await SendUntilAnsweredAsync(silent));
        }

        await inTunnel.GoesOnAsync();
        await rolling;
        Assert.Equal(fleets.Answers[0]!.Data.ToJsonString(), fleets.Answers[^1]!.Data.ToJsonString());
        var second = Assert.Single(fargate.Running);
        Assert.NotEqual(first.Definition, second.Definition);
        Assert.True(first.ExitCode == 0, first.Output);
        var renewed = await device.LatestHandshakeAsync(tunnel);

        // The new code changes what the old made.
        listener["Destinations"]![0]!["DestinationArn"] = "arn:aws:lambda:us-west-2:123456789012:function:second";
        await stacks.CompleteAsync("UPDATE_COMPLETE", listeners, listeners.UpdateAsync(listener));
        Assert.Equal(created.Data.ToJsonString(), listeners.Answers[^1]!.Data.ToJsonString());
        Assert.Equal(privateKey, await PrivateKeyAsync(cloud));
        Assert.Equal("after"u8.ToArray(), await named.ExchangeAsync("after"u8.ToArray()));
        Assert.Contains(stacks.Functions.Requests, request => request.RawTarget.Contains("second", StringComparison.Ordinal) && Encoding.UTF8.GetString(request.Body).Contains(named.PublicKey, StringComparison.Ordinal));
        var end = await inTunnel.GoesOnAsync();
        await plain.GoesOnAsync();

        // What they noticed.
        var (sent, lost) = (inTunnel.Sent(start, end), inTunnel.Lost(start, end));
        output.WriteLine($"Plain UDP: {plain.Lost(start, end).Count} of {plain.Sent(start, end).Count} packets lost.");
        Assert.NotEmpty(lost);
        output.WriteLine($"wireguard-go: {lost.Count} of {sent.Count} packets lost, in {Seconds(lost[^1] - lost[0])}.");
        output.WriteLine($"Silent until then, with a session older than 180 and 120 seconds, and a younger one: {string.Join(", ", lostBySilent.Select(client => $"{client.Packets} packets lost in {Seconds(client.Time)}"))}.");
        Assert.Equal([first.Address, second.Address], balancer.FlowsOf(plainPort).Select(flow => flow.Target));
        Assert.Empty(plain.Lost(start, end));
        // One piece, one handshake.
        Assert.Equal(sent.Where(at => at >= lost[0] && at <= lost[^1]), lost);
        Assert.InRange(lost[^1] - lost[0], NewHandshakeTime / 2, NewHandshakeTime * 2);
        Assert.True(renewed > handshake);
        Assert.Equal(renewed, await device.LatestHandshakeAsync(tunnel));
        // WireGuard's REJECT_AFTER_TIME and REKEY_AFTER_TIME.
        Assert.Equal(0, lostBySilent[0].Packets);
        Assert.NotEqual(0, lostBySilent[1].Packets);
        Assert.InRange(lostBySilent[1].Time, TimeSpan.Zero, NewHandshakeTime);
        Assert.InRange(lostBySilent[2].Time, NewHandshakeTime / 2, NewHandshakeTime * 2);

        await Task.WhenAll(new[] { listeners, plainListener }.Select(stack => stacks.CompleteAsync("DELETE_COMPLETE", stack, stack.DeleteAsync())));
        await stacks.CompleteAsync("DELETE_COMPLETE", fleets, fleets.DeleteAsync());
        await lambda.WhenIdleAsync();
        Assert.Empty(lambda.Errors);
        Assert.Equal("", await cloud.LeftOfListenersAsync());
        Assert.Equal(["devices"], await cloud.SecretsAsync());
    }

    private static string Seconds(TimeSpan time) => $"{time.TotalSeconds:0.0} s";

    /// <summary>As provider.yaml declares it.</summary>
    private static JsonObject Fleet(FleetCloud cloud, string image)
    {
        var properties = cloud.FleetProperties(image: image);
        properties["ServiceToken"] = "arn:aws:lambda:us-west-2:123456789012:function:provider";
        (properties["AssignPublicIp"], properties["DesiredCount"]) = ("true", "1");
        (properties["Cpu"], properties["Memory"], properties["Architecture"]) = ("256", "512", "ARM64");
        (properties["ClientCidr"], properties["StopTimeoutSeconds"]) = ("0.0.0.0/0", "120");
        properties["Environment"] = new JsonArray($"UDPGW_DRAIN_SECONDS={DrainSeconds}");
        return properties;
    }

    private static JsonObject Plain(ProviderStacks stacks)
    {
        var properties = stacks.Listener("first");
        (properties["Name"], properties["Protocols"]) = ("plain", new JsonArray("udp"));
        properties.Remove("AllowUnknownPeers");
        properties.Remove("DecapsulatedDelivery");
        return properties;
    }

    private static async Task<string> PrivateKeyAsync(FleetCloud cloud)
    {
        var secret = (await cloud.Store.FindAsync<ListenerRecord>("echo", default))!.SecretId!;
        return JsonNode.Parse((await cloud.Secrets.GetSecretValueAsync(secret, null, null, default))!)!["PrivateKey"]!.GetValue<string>();
    }

    /// <summary>Packets five times a second, and how many went before the one that was answered.</summary>
    private static async Task<(int Lost, TimeSpan Time)> SendUntilAnsweredAsync(WireGuardTestClient client)
    {
        var start = EchoClient.Now;
        for (var number = 0; EchoClient.Now - start < NewHandshakeTime * 3; number++)
        {
            client.Send([(byte)number]);
            if (await client.ReceiveAsync(TimeSpan.FromSeconds(0.2)) is [var answered])
                return (answered, EchoClient.Now - start);
        }

        throw new TimeoutException("The client is not answered any more.");
    }

    private static string NewKey() => Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));

    [AttributeUsage(AttributeTargets.Method)]
    private sealed class UpgradeFactAttribute([CallerMemberName] string? test = null)
        : SkippableFactAttribute(RequiresMotoFactAttribute.IsAvailable ? NamespaceFactAttribute.ReasonToSkip() : "The moto server is not installed: pip install 'moto[server]'.", test);
}
