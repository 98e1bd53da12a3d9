using System.Text;
using System.Text.Json.Nodes;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;
using UdpGateway.Provider.Tests.TestDoubles;
using UdpGateway.WireGuard;
using static UdpGateway.Provider.Tests.ListenerLifecycleTests;
using static UdpGateway.Provider.Tests.TestDoubles.ProviderUnderTest;

namespace UdpGateway.Provider.Tests;

public sealed class ListenerSecretsTests
{
    private static readonly string Preshared = Convert.ToBase64String([.. Enumerable.Range(100, 32).Select(value => (byte)value)]);

    [Theory]
    [InlineData("{{resolve:secretsmanager:absent}}", "UnknownPeerPreSharedKey: the secret absent does not exist")]
    [InlineData("{{resolve:secretsmanager:word}}", "the secret word holds no base64 key of 32 bytes; `udpgw keys psk` makes one.")]
    [InlineData("{{resolve:secretsmanager:json:SecretString:other}}", "the secret json holds no base64 key of 32 bytes under its JSON key other; `udpgw keys psk` makes one.")]
    [InlineData("{{resolve:secretsmanager:zero}}", "the secret zero holds the all-zero key")]
    public async Task A_reference_that_gives_no_key_fails_with_its_own_sentence(string reference, string part)
    {
        await using var provider = await StartAsync();
        await provider.Store.WriteAsync("word", "correct horse battery staple", default);
        await provider.Store.WriteAsync("json", $$"""{"psk":"{{Preshared}}"}""", default);
        await provider.Store.WriteAsync("zero", Convert.ToBase64String(new byte[32]), default);

        var failed = await provider.FailAsync(provider.Create(With(WireGuardProperties(), "UnknownPeerPreSharedKey", reference)));

        Assert.Contains(part, failed.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain("correct horse", failed.Reason, StringComparison.Ordinal);
        Assert.Empty(await provider.IdsAsync());
    }

    [Theory]
    [InlineData(SecretReadStatus.Deleted, "is scheduled for deletion")]
    [InlineData(SecretReadStatus.AccessDenied, "the provider may not read the secret fleet/key")]
    [InlineData(SecretReadStatus.KeyUnavailable, "the secret fleet/key cannot be decrypted; allow the provider kms:Decrypt")]
    [InlineData(SecretReadStatus.Missing, "does not exist")]
    [InlineData(SecretReadStatus.NotAKey, "`udpgw keys psk` makes one")]
    public async Task Each_status_of_a_secret_has_its_own_sentence(SecretReadStatus status, string part)
    {
        await using var provider = await StartAsync();
        var handler = provider.NewHandler(provider.Store, new RefusingSecrets(status));
        var create = provider.Create(With(WireGuardProperties(), "UnknownPeerPreSharedKey", "{{resolve:secretsmanager:fleet/key}}"));

        await handler.HandleAsync(Encoding.UTF8.GetBytes(create.ToJsonString()), DateTimeOffset.UtcNow.AddSeconds(20), default);

        var answer = new Answer(Assert.Single(provider.Endpoint.Taken).Body);
        Assert.Contains(part, answer.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_reference_that_gives_a_key_stays_a_reference()
    {
        await using var provider = await StartAsync();
        await provider.Store.WriteAsync("json", $$"""{"psk":"{{Preshared}}"}""", default);

        await provider.SucceedAsync(provider.Create(With(WireGuardProperties(), "UnknownPeerPreSharedKey", "{{resolve:secretsmanager:json:SecretString:psk}}")));

        var record = (await provider.Store.FindAsync<ListenerRecord>("echo", default))!;
        Assert.Equal(new SecretReference("json", "psk"), record.Definition.UnknownPeerPreSharedKey);
        Assert.DoesNotContain(Preshared, (await provider.Store.ReadAsync(new SecretReference(record.SecretId!), default)).Value, StringComparison.Ordinal);
    }

    [Fact]
    public async Task All_references_that_give_no_key_are_named_at_once()
    {
        await using var provider = await StartAsync();
        var properties = With(WireGuardProperties(), "UnknownPeerPreSharedKey", "{{resolve:secretsmanager:a}}");
        properties["Peers"] = new JsonArray(new JsonObject { ["PublicKey"] = PeerKey, ["SharedSecret"] = "{{resolve:secretsmanager:b}}" });

        var failed = await provider.FailAsync(provider.Create(properties));

        Assert.Contains("UnknownPeerPreSharedKey: the secret a", failed.Reason, StringComparison.Ordinal);
        Assert.Contains("Peers[0].SharedSecret: the secret b", failed.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_listener_whose_own_secret_is_gone_is_not_given_another_key()
    {
        await using var provider = await StartAsync();
        await provider.SucceedAsync(provider.Create(WireGuardProperties()));
        await provider.Store.DeleteAsync((await provider.Store.FindAsync<ListenerRecord>("echo", default))!.SecretId!, default);

        var failed = await provider.FailAsync(provider.Update("echo", With(WireGuardProperties(), "Description", "x")));

        Assert.Contains("own secret", failed.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_rotation_token_makes_another_key_once_and_a_rollback_brings_the_former_one_back()
    {
        await using var provider = await StartAsync();
        var created = await provider.SucceedAsync(provider.Create(WireGuardProperties()));

        var rotation = provider.Update("echo", With(WireGuardProperties(), "KeyRotationToken", "2"));
        var rotated = await provider.SucceedAsync(rotation);
        var repeated = await provider.SucceedAsync(provider.Update("echo", With(With(WireGuardProperties(), "KeyRotationToken", "2"), "Description", "x")));
        Assert.NotEqual(created.PublicKey, rotated.PublicKey);
        Assert.Equal(rotated.PublicKey, repeated.PublicKey);
        Assert.Equal(created.Port, rotated.Port);
        var own = await OwnSecretAsync(provider);
        Assert.Equal(created.PublicKey, PublicKeyOf(own["FormerPrivateKey"]!.GetValue<string>()));
        Assert.NotNull(own["RotatedAt"]);

        var rolledBack = await provider.SucceedAsync(provider.Update("echo", WireGuardProperties()));
        Assert.Equal(created.PublicKey, rolledBack.PublicKey);
        Assert.Equal(rotated.PublicKey, PublicKeyOf((await OwnSecretAsync(provider))["FormerPrivateKey"]!.GetValue<string>()));
        Assert.Single(provider.SecretFiles);
    }

    [Fact]
    public async Task An_imported_key_is_the_listeners_and_stays_when_it_is_no_longer_declared()
    {
        await using var provider = await StartAsync();
        var second = Convert.ToBase64String([.. Enumerable.Range(150, 32).Select(value => (byte)value)]);
        await provider.Store.WriteAsync("mine", Preshared, default);
        static JsonObject Properties() => With(WireGuardProperties(), "PrivateKey", "{{resolve:secretsmanager:mine}}");

        var created = await provider.SucceedAsync(provider.Create(Properties()));
        Assert.Equal(PublicKeyOf(Preshared), created.PublicKey);
        Assert.Equal(new SecretReference("mine"), (await provider.Store.FindAsync<ListenerRecord>("echo", default))!.Definition.PrivateKey);

        await provider.Store.WriteAsync("mine", second, default);
        var replaced = await provider.SucceedAsync(provider.Update("echo", With(Properties(), "Description", "x")));
        Assert.Equal(PublicKeyOf(second), replaced.PublicKey);
        Assert.Equal(Preshared, (await OwnSecretAsync(provider))["FormerPrivateKey"]!.GetValue<string>());

        var undeclared = await provider.SucceedAsync(provider.Update("echo", WireGuardProperties()));
        Assert.Equal(PublicKeyOf(second), undeclared.PublicKey);
    }

    [Fact]
    public async Task An_import_that_is_rolled_back_leaves_the_key_that_the_listener_had()
    {
        await using var provider = await StartAsync();
        await provider.Store.WriteAsync("mine", Preshared, default);
        var created = await provider.SucceedAsync(provider.Create(WireGuardProperties()));

        var imported = await provider.SucceedAsync(provider.Update("echo", With(WireGuardProperties(), "PrivateKey", "{{resolve:secretsmanager:mine}}")));
        var rolledBack = await provider.SucceedAsync(provider.Update("echo", WireGuardProperties()));

        Assert.Equal(PublicKeyOf(Preshared), imported.PublicKey);
        Assert.Equal(created.PublicKey, rolledBack.PublicKey);
    }

    [Fact]
    public async Task More_literal_keys_than_a_secret_holds_are_refused_before_anything_is_made()
    {
        await using var provider = await StartAsync();
        var properties = WireGuardProperties();
        properties["Peers"] = new JsonArray([.. Enumerable.Range(1, 700).Select(number => new JsonObject
        {
            ["PublicKey"] = Convert.ToBase64String([.. Enumerable.Repeat((byte)1, 28), .. BitConverter.GetBytes(number)]),
            ["SharedSecret"] = Convert.ToBase64String([.. Enumerable.Repeat((byte)2, 28), .. BitConverter.GetBytes(number)]),
        })]);

        var failed = await provider.FailAsync(provider.Create(properties));

        Assert.StartsWith("Peers have so many keys as SharedSecret that the listener's secret would take 7", failed.Reason, StringComparison.Ordinal);
        Assert.Contains("Secrets Manager holds at most 65,536 in one; give some of them as {{resolve:secretsmanager:…}} references", failed.Reason, StringComparison.Ordinal);
        Assert.Empty(provider.Provisioner.Calls);
        Assert.Empty(provider.SecretFiles);
    }

    [Fact]
    public async Task A_key_that_cannot_be_imported_fails_with_the_command_that_makes_one()
    {
        await using var provider = await StartAsync();
        await provider.Store.WriteAsync("word", "correct horse battery staple", default);

        var failed = await provider.FailAsync(provider.Create(With(WireGuardProperties(), "PrivateKey", "{{resolve:secretsmanager:word}}")));

        Assert.Contains("PrivateKey: the secret word holds no base64 key of 32 bytes; `udpgw keys new` makes one.", failed.Reason, StringComparison.Ordinal);
        Assert.Empty(await provider.IdsAsync());
    }

    [Fact]
    public async Task No_key_is_found_outside_the_secrets_nor_in_any_log_or_answer()
    {
        const string ApiKey = "api-key-of-the-customer";
        await using var provider = await StartAsync(Local with { ApiKey = ApiKey });
        await provider.Store.WriteAsync("referenced", Preshared, default);
        var literal = Convert.ToBase64String([.. Enumerable.Range(50, 32).Select(value => (byte)value)]);
        var malformed = "c2VjcmV0LXRoYXQtaXMtbm90LWEta2V5";
        JsonObject Properties(string key)
        {
            var properties = With(With(WireGuardProperties(), "UnknownPeerPreSharedKey", key), "ApiKey", ApiKey);
            properties["Peers"] = new JsonArray(new JsonObject { ["PublicKey"] = PeerKey, ["SharedSecret"] = "{{resolve:secretsmanager:referenced}}" });
            return properties;
        }

        await provider.SucceedAsync(provider.Create(Properties(literal)));
        var own = JsonNode.Parse((await provider.Store.ReadAsync(new SecretReference((await provider.Store.FindAsync<ListenerRecord>("echo", default))!.SecretId!), default)).Value!)!;
        await provider.SucceedAsync(provider.Update("echo", With(Properties(literal), "Description", "changed")));
        await provider.FailAsync(provider.Update("echo", Properties(malformed)));
        await provider.FailAsync(provider.Update("echo", With(Properties(literal), "ApiKey", "another-key")));
        provider.Provisioner.Serve = (_, _) => throw new InvalidOperationException("fault");
        await provider.FailAsync(provider.Update("echo", Properties(Preshared)));
        provider.Endpoint.Refusals = 1;
        await provider.SucceedAsync(provider.Delete("echo"));

        var places = Directory.GetFiles(provider.DirectoryPath).Where(file => Path.GetFileName(file) != "lock").Select(File.ReadAllText)
            .Concat(provider.Log.Lines)
            .Concat(provider.Endpoint.Taken.Select(taken => Encoding.UTF8.GetString(taken.Body)))
            .Append(provider.Options.ToString())
            .ToArray();
        Assert.True(places.Length > 12);
        foreach (var secret in (string[])[own["PrivateKey"]!.GetValue<string>(), literal, malformed, Preshared, ApiKey, "another-key", "X-Amz-Signature", "not-to-be-logged"])
            Assert.All(places, place => Assert.DoesNotContain(secret, place, StringComparison.Ordinal));
    }

    private static async Task<JsonNode> OwnSecretAsync(ProviderUnderTest provider)
    {
        var record = (await provider.Store.FindAsync<ListenerRecord>("echo", default))!;
        return JsonNode.Parse((await provider.Store.ReadAsync(new SecretReference(record.SecretId!), default)).Value!)!;
    }

    private static string PublicKeyOf(string privateKey)
    {
        var publicKey = new byte[32];
        WireGuardKeys.ComputePublicKey(Convert.FromBase64String(privateKey), publicKey);
        return Convert.ToBase64String(publicKey);
    }

    private sealed class RefusingSecrets(SecretReadStatus status) : ISecretStore
    {
        public Task<SecretText> ReadAsync(SecretReference reference, CancellationToken cancellationToken) => Task.FromResult(new SecretText(status, null));

        public Task WriteAsync(string secretId, string value, CancellationToken cancellationToken) => Task.CompletedTask;

        public Task DeleteAsync(string secretId, CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
