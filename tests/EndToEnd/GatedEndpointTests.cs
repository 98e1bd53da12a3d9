using System.Security.Cryptography;
using UdpGateway.EndToEnd.Tests.Harness;

namespace UdpGateway.EndToEnd.Tests;

/// <summary>The sample gated-wireguard, with a second named peer that has no key of its own.</summary>
public sealed class GatedEndpointTests(GatedEndpointTests.GatedEndpoint endpoint) : IClassFixture<GatedEndpointTests.GatedEndpoint>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private readonly RunningStack _stack = endpoint.Stack!;

    [Fact]
    public async Task A_stranger_with_the_shared_key_is_answered()
    {
        using var stranger = new TunnelClient(_stack, presharedKey: endpoint.SharedKey);

        Assert.Equal($"hello {stranger.PublicKey[..8]}: knock", await stranger.AskAsync("knock"));
    }

    [Fact]
    public async Task Send_takes_the_shared_key_from_a_file()
    {
        var run = (await ProgramRun.UdpgwAsync(
            "send", _stack.Listener.Endpoint, "knock", "--public-key", _stack.PublicKey, "--psk", endpoint.SharedKeyFile, "--inner", "10.8.0.1:9")).Succeeded();

        Assert.EndsWith(": knock\n", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_or_absent_key_never_reaches_the_function()
    {
        using var wrong = new TunnelClient(_stack, presharedKey: RandomNumberGenerator.GetBytes(32));
        using var absent = new TunnelClient(_stack);

        Assert.Null(await wrong.AskAsync("let me in", Patience));
        Assert.Null(await absent.AskAsync("let me in", Patience));

        Assert.Equal((0, 0), (wrong.HandshakesCompleted, absent.HandshakesCompleted));
        AssertNeverSeen(wrong, absent);
    }

    [Fact]
    public async Task A_named_peer_with_a_secret_of_its_own_is_answered_beside_the_strangers()
    {
        using var named = new TunnelClient(_stack, endpoint.NamedKey, endpoint.NamedSecret);

        Assert.Equal($"hello {named.PublicKey[..8]}: it is me", await named.AskAsync("it is me"));
    }

    [Fact]
    public async Task The_shared_key_opens_nothing_for_a_named_peer()
    {
        using var withSharedKey = new TunnelClient(_stack, endpoint.NamedKey, endpoint.SharedKey);
        Assert.Null(await withSharedKey.AskAsync("it is me", Patience));

        using var withoutKey = new TunnelClient(_stack, endpoint.NamedKey);
        Assert.Null(await withoutKey.AskAsync("it is me", Patience));

        Assert.Equal((0, 0), (withSharedKey.HandshakesCompleted, withoutKey.HandshakesCompleted));
    }

    [Fact]
    public async Task A_named_peer_without_a_secret_needs_none()
    {
        using var plain = new TunnelClient(_stack, endpoint.PlainKey);

        Assert.Equal($"hello {plain.PublicKey[..8]}: no secret", await plain.AskAsync("no secret"));
    }

    [Fact]
    public async Task The_client_configuration_that_up_writes_connects_and_is_kept_to_the_user()
    {
        var file = endpoint.ClientConfigurationFile;
        var settings = File.ReadLines(file).Where(line => line.Contains('=', StringComparison.Ordinal)).Select(line => line.Split(" = ")).ToDictionary(pair => pair[0], pair => pair[1]);

        using var client = new TunnelClient(_stack, Convert.FromBase64String(settings["PrivateKey"]), Convert.FromBase64String(settings["PresharedKey"]));

        Assert.Equal((_stack.PublicKey, _stack.Listener.Endpoint), (settings["PublicKey"], settings["Endpoint"]));
        Assert.EndsWith(": as configured", await client.AskAsync("as configured"), StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
    }

    [Fact]
    public void No_key_shows_in_what_the_program_prints_or_writes_beside_its_secrets()
    {
        var secrets = new[] { endpoint.SharedKey, endpoint.NamedSecret }.Select(Convert.ToBase64String).ToArray();

        Assert.All(secrets, secret => Assert.DoesNotContain(secret, _stack.Log, StringComparison.Ordinal));
        Assert.All(secrets, secret => Assert.DoesNotContain(secret, endpoint.OutputsText, StringComparison.Ordinal));
    }

    private void AssertNeverSeen(params TunnelClient[] clients)
    {
        var seen = File.Exists(endpoint.EvidenceFile) ? File.ReadAllText(endpoint.EvidenceFile) : "";
        Assert.All(clients, client => Assert.DoesNotContain(client.PublicKey, seen, StringComparison.Ordinal));
    }

    public sealed class GatedEndpoint : IAsyncLifetime
    {
        private readonly Workspace _workspace = new();

        internal RunningStack? Stack { get; private set; }

        internal byte[] SharedKey { get; } = RandomNumberGenerator.GetBytes(32);

        internal byte[] NamedKey { get; } = TunnelClient.NewPrivateKey();

        internal byte[] NamedSecret { get; } = RandomNumberGenerator.GetBytes(32);

        internal byte[] PlainKey { get; } = TunnelClient.NewPrivateKey();

        internal string SharedKeyFile => _workspace.Path("shared.key");

        internal string EvidenceFile => _workspace.Path("evidence");

        internal string ClientConfigurationFile => Path.Combine(_workspace.State, "client.conf");

        internal string OutputsText => File.ReadAllText(_workspace.Outputs);

        public async Task InitializeAsync()
        {
            _workspace.Write("shared.key", Convert.ToBase64String(SharedKey) + "\n");
            var template = _workspace.WriteVariant("gated-wireguard", Variants.WithEvidence(EvidenceFile), Variants.WithPeer(TunnelClient.PublicKeyOf(PlainKey)));
            Stack = await RunningStack.UpAsync(_workspace, template,
                "--secret", $"WireGuardPSK={SharedKeyFile}",
                "--parameter-overrides", $"NamedPeerPublicKey={TunnelClient.PublicKeyOf(NamedKey)}", $"NamedPeerSharedSecret={Convert.ToBase64String(NamedSecret)}");
        }

        public async Task DisposeAsync()
        {
            if (Stack is not null)
                await Stack.DisposeAsync();
            _workspace.Dispose();
        }
    }
}
