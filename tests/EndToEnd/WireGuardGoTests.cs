using System.Security.Cryptography;
using UdpGateway.EndToEnd.Tests.Harness;

namespace UdpGateway.EndToEnd.Tests;

/// <summary>A foreign implementation with a real network interface, in a namespace of its own.</summary>
public sealed class WireGuardGoTests
{
    [NamespaceFact]
    public async Task A_key_that_nobody_registered_pings_and_gets_udp_back()
    {
        using var workspace = new Workspace();
        await using var client = await ClientNamespace.CreateAsync();
        await using var stack = await RunningStack.UpAsync(workspace, Repository.Sample("open-wireguard"), "--bind", client.HostAddress);

        var tunnel = await client.AddTunnelAsync(stack.PublicKey, stack.Listener.Endpoint, await KeyFileAsync(workspace));

        await client.RunAsync("ping", "-c", "3", "-i", "0.2", "-W", "5", "10.8.0.1");
        await client.RunAsync("ping", "-6", "-c", "3", "-i", "0.2", "-W", "5", "fd00:8::1");
        await client.RunAsync("ping", "-c", "2", "-i", "0.2", "-W", "5", "-s", "1392", "10.8.0.77");
        Assert.Equal("hello from udpgw: over IPv4\n", await client.RunAsync("dotnet", Repository.Program, "send", "10.8.0.1:7", "over IPv4"));
        Assert.Equal("hello from udpgw: over IPv6\n", await client.RunAsync("dotnet", Repository.Program, "send", "[fd00:8::1]:4242", "over IPv6"));
        Assert.NotEqual(0, await client.LatestHandshakeAsync(tunnel));

        // A new source port, as after a NAT rebinding: the session goes on without another handshake.
        var handshake = await client.LatestHandshakeAsync(tunnel);
        await client.RunAsync("wg", "set", tunnel, "listen-port", "40404");
        await client.RunAsync("ping", "-c", "2", "-i", "0.2", "-W", "5", "10.8.0.1");
        Assert.Equal(handshake, await client.LatestHandshakeAsync(tunnel));
    }

    [NamespaceFact]
    public async Task Without_AllowUnknownPeers_it_gets_not_one_byte()
    {
        using var workspace = new Workspace();
        await using var client = await ClientNamespace.CreateAsync();
        var template = workspace.WriteVariant("gated-wireguard", Variants.WithoutSharedKey, Variants.WithoutUnknownPeers);
        await using var stack = await RunningStack.UpAsync(workspace, template, "--bind", client.HostAddress);
        await client.CountArrivalsAsync();

        var tunnel = await client.AddTunnelAsync(stack.PublicKey, stack.Listener.Endpoint, await KeyFileAsync(workspace));
        var ping = await client.TryRunAsync("ping", "-c", "2", "-i", "0.5", "-W", "2", "10.8.0.1");

        Assert.NotEqual(0, ping.ExitCode);
        Assert.Equal(0, await client.LatestHandshakeAsync(tunnel));
        Assert.True(await stack.DropsAsync("unknown_peer") >= 1);
        Assert.Equal(0, await client.ArrivalsAsync());
    }

    [NamespaceFact]
    public async Task The_shared_key_decides_over_strangers_and_a_named_peer_works_beside_them()
    {
        using var workspace = new Workspace();
        await using var client = await ClientNamespace.CreateAsync();
        var evidence = workspace.Path("evidence");
        var shared = workspace.Write("shared.key", Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)));
        var named = TunnelClient.NewPrivateKey();
        var namedKey = workspace.Write("named.key", Convert.ToBase64String(named));
        var namedSecret = workspace.Write("named.psk", Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)));
        await using var stack = await RunningStack.UpAsync(workspace, workspace.WriteVariant("gated-wireguard", Variants.WithEvidence(evidence)),
            "--bind", client.HostAddress, "--secret", $"WireGuardPSK={shared}",
            "--parameter-overrides", $"NamedPeerPublicKey={TunnelClient.PublicKeyOf(named)}", $"NamedPeerSharedSecret={await File.ReadAllTextAsync(namedSecret)}");

        Assert.True(await PingsAsync(await KeyFileAsync(workspace), shared));
        Assert.True(await PingsAsync(namedKey, namedSecret));
        var seen = await File.ReadAllTextAsync(evidence);
        Assert.False(await PingsAsync(await KeyFileAsync(workspace), namedSecret));
        Assert.False(await PingsAsync(await KeyFileAsync(workspace), null));
        Assert.False(await PingsAsync(namedKey, shared));
        Assert.Equal(seen, await File.ReadAllTextAsync(evidence));

        async Task<bool> PingsAsync(string privateKeyFile, string? presharedKeyFile)
        {
            var tunnel = await client.AddTunnelAsync(stack.PublicKey, stack.Listener.Endpoint, privateKeyFile, presharedKeyFile);
            var ping = await client.TryRunAsync("ping", "-c", "1", "-W", "3", "10.8.0.1");
            Assert.Equal(ping.ExitCode == 0, await client.LatestHandshakeAsync(tunnel) != 0);
            await client.RunAsync("ip", "link", "delete", tunnel);
            return ping.ExitCode == 0;
        }
    }

    private static async Task<string> KeyFileAsync(Workspace workspace) =>
        workspace.Write($"{Guid.NewGuid()}.key", (await ProgramRun.UdpgwAsync("keys", "new")).Succeeded().Output);
}
