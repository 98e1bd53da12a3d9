using System.Text;
using System.Text.Json.Nodes;
using UdpGateway.Aws;
using UdpGateway.Aws.Tests;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;
using UdpGateway.Provider.Tests.TestDoubles;
using static UdpGateway.Provider.Tests.ListenerLifecycleTests;
using static UdpGateway.Provider.Tests.TestDoubles.ProviderUnderTest;

namespace UdpGateway.Provider.Tests;

/// <summary>The handler on DynamoDB and Secrets Manager.</summary>
public sealed class CloudStoresTests(MotoServer moto) : IClassFixture<MotoServer>
{
    [RequiresMotoFact]
    public async Task Listeners_are_in_the_table_and_their_keys_in_secrets_manager_only()
    {
        await using var provider = await StartAsync();
        using var table = new MotoTable(moto);
        var store = new DynamoDbListenerStore(await table.ConnectAsync(), table.Name);
        using var secrets = new SecretsManagerSecretStore(moto.Administrator, TestEnvironment.Region, serviceUrl: moto.Url);
        var handler = provider.NewHandler(store, secrets);
        var literal = Convert.ToBase64String([.. Enumerable.Range(50, 32).Select(value => (byte)value)]);
        JsonObject Properties() => With(WireGuardProperties(), "UnknownPeerPreSharedKey", literal);
        var keys = new List<string> { literal };

        await SucceedAsync(provider.Create(Properties()));
        keys.Add(await PrivateKeyAsync());
        await SucceedAsync(provider.Update("echo", With(Properties(), "KeyRotationToken", "2")));
        keys.Add(await PrivateKeyAsync());
        var items = await table.DumpAsync();

        Assert.Equal(3, keys.Distinct().Count());
        Assert.Contains("Listener#echo", items, StringComparison.Ordinal);
        // Answers are bytes, which the table's JSON shows as base64.
        var answers = JsonNode.Parse(items)!["Items"]!.AsArray().Select(item => item!["Answer"]?["B"]?.GetValue<string>()).OfType<string>().Select(answer => Encoding.UTF8.GetString(Convert.FromBase64String(answer))).ToList();
        Assert.Equal(2, answers.Count);
        foreach (var key in keys)
            Assert.All([items, .. answers, .. provider.Log.Lines], place => Assert.DoesNotContain(key, Unescaped(place), StringComparison.Ordinal));

        var secretId = (await store.FindAsync<ListenerRecord>("echo", default))!.SecretId!;
        await SucceedAsync(provider.Delete("echo"));
        Assert.Null(await store.FindAsync<ListenerRecord>("echo", default));
        Assert.Equal(SecretReadStatus.Deleted, (await secrets.ReadAsync(new SecretReference(secretId), default)).Status);

        async Task SucceedAsync(JsonObject cloudFormationEvent)
        {
            await handler.HandleAsync(Encoding.UTF8.GetBytes(cloudFormationEvent.ToJsonString()), DateTimeOffset.UtcNow.AddMinutes(1), default);
            var answer = new Answer(provider.Endpoint.Taken[^1].Body);
            Assert.True(answer.Succeeded, answer.Reason);
        }

        async Task<string> PrivateKeyAsync()
        {
            var own = (await store.FindAsync<ListenerRecord>("echo", default))!.SecretId!;
            return (await secrets.ReadAsync(new SecretReference(own, "PrivateKey"), default)).Value!;
        }
    }

    // JSON may write the + of base64 as an escape.
    private static string Unescaped(string text) =>
        text.Replace("\\\\u002B", "+", StringComparison.OrdinalIgnoreCase).Replace("\\u002B", "+", StringComparison.OrdinalIgnoreCase);
}
