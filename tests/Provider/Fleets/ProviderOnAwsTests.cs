using UdpGateway.Aws;
using UdpGateway.Aws.Tests;
using UdpGateway.Gateway.Tests.TestDoubles;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;

namespace UdpGateway.Provider.Tests.Fleets;

/// <summary>The provider's process as Lambda runs it and as it is composed on AWS, a whole stack's life long.</summary>
public sealed class ProviderOnAwsTests(MotoServer moto) : IClassFixture<MotoServer>
{
    [RequiresMotoFact]
    public async Task A_stack_lives_from_its_fleet_to_a_push_and_leaves_nothing()
    {
        await using var stacks = await ProviderStacks.StartAsync(moto);
        var (cloud, fargate, functions, listeners) = (stacks.Cloud, stacks.Fargate, stacks.Functions, stacks.Listeners);

        await stacks.CompleteAsync("CREATE_COMPLETE", stacks.Fleets, stacks.Fleets.CreateAsync(cloud.FleetProperties()));
        await stacks.CompleteAsync("CREATE_COMPLETE", listeners, listeners.CreateAsync(stacks.Listener("first")));
        var created = listeners.Answers[^1]!;
        var first = Assert.Single(fargate.Running);
        using var client = new WireGuardTestClient(created.Port, created.PublicKey, address: first.Address);
        Assert.Equal("one"u8.ToArray(), await client.ExchangeAsync("one"u8.ToArray()));

        // An update changes what is done, and no session.
        await stacks.CompleteAsync("UPDATE_COMPLETE", listeners, listeners.UpdateAsync(stacks.Listener("second")));
        var received = client.DatagramsReceived;
        Assert.Equal("two"u8.ToArray(), await client.ExchangeAsync("two"u8.ToArray()));
        Assert.Equal(received + 1, client.DatagramsReceived);
        Assert.Contains("second", functions.Requests[^1].RawTarget, StringComparison.Ordinal);

        // An application sends on its own account.
        await stacks.CompleteAsync("CREATE_COMPLETE", stacks.Sources, stacks.Sources.CreateAsync(stacks.Source()));
        await stacks.Account.PublishAsync(client.PublicKey, "news");
        Assert.Equal("news"u8.ToArray(), await client.ReceiveAsync());

        // A task that dies without a word is not sent to any more.
        first.Kill();
        await Eventually.TrueAsync(() => fargate.Running.Any(task => task != first), "ECS starts another task");
        var second = fargate.Running.Single(task => task != first);
        await Eventually.TrueAsync(async () => (await AddressesAsync(cloud)).SequenceEqual([second.Address.ToString()]), "only the new task is registered");
        await Eventually.TrueAsync(async () => (await cloud.FleetStore.ReadReportsAsync("default", default)).Select(report => report.TaskId).SequenceEqual([second.Id]), "only the new task is remembered");
        using var afterwards = new WireGuardTestClient(created.Port, created.PublicKey, address: second.Address);
        Assert.Equal("three"u8.ToArray(), await afterwards.ExchangeAsync("three"u8.ToArray()));

        var secrets = await OwnSecretsAsync(cloud);
        await stacks.CompleteAsync("DELETE_COMPLETE", stacks.Sources, stacks.Sources.DeleteAsync());
        await stacks.CompleteAsync("DELETE_COMPLETE", listeners, listeners.DeleteAsync());
        await Eventually.TrueAsync(() => second.StoppedAt is not null, "the last task ends");
        await stacks.CompleteAsync("DELETE_COMPLETE", stacks.Fleets, stacks.Fleets.DeleteAsync());
        await stacks.Lambda.WhenIdleAsync();

        Assert.Empty(stacks.Lambda.Errors);
        Assert.Equal("", await cloud.LeftOfListenersAsync());
        Assert.Equal(0, await stacks.Account.CountSubscriptionsAsync());
        Assert.Equal("INACTIVE", (await cloud.Ecs.DescribeServicesAsync(cloud.Cluster, "default", default))?.Status);
        using var store = new SecretsManagerSecretStore(moto.Administrator, TestEnvironment.Region, serviceUrl: moto.Url);
        Assert.Equal(2, secrets.Count);
        foreach (var secret in secrets)
            Assert.Equal(SecretReadStatus.Deleted, (await store.ReadAsync(new SecretReference(secret), default)).Status);
    }

    [RequiresMotoFact]
    public async Task A_push_reaches_its_client_whichever_task_takes_it()
    {
        await using var stacks = await ProviderStacks.StartAsync(moto);
        var fleet = stacks.Cloud.FleetProperties();
        fleet["DesiredCount"] = "2";
        await stacks.CompleteAsync("CREATE_COMPLETE", stacks.Fleets, stacks.Fleets.CreateAsync(fleet));
        await stacks.CompleteAsync("CREATE_COMPLETE", stacks.Listeners, stacks.Listeners.CreateAsync(stacks.Listener("first")));
        await stacks.CompleteAsync("CREATE_COMPLETE", stacks.Sources, stacks.Sources.CreateAsync(stacks.Source()));
        await Eventually.TrueAsync(async () => (await AddressesAsync(stacks.Cloud)).Count() == 2, "both tasks are registered");
        var created = stacks.Listeners.Answers[^1]!;
        var (owner, other) = (stacks.Fargate.Running.First(), stacks.Fargate.Running.Last());
        using var client = new WireGuardTestClient(created.Port, created.PublicKey, address: owner.Address);
        Assert.Equal("one"u8.ToArray(), await client.ExchangeAsync("one"u8.ToArray()));

        // Either takes a message from the queue; what the other one takes has to come through the first.
        await Eventually.TrueAsync(
            async () =>
            {
                await stacks.Account.PublishAsync(client.PublicKey, "news");
                return await client.ReceiveAsync(TimeSpan.FromSeconds(1)) is not null && await stacks.CountRelayedAsync(other) > 0;
            },
            "the other task hands a packet over");
    }

    private static async Task<IEnumerable<string>> AddressesAsync(FleetCloud cloud)
    {
        var group = Assert.Single(await cloud.Balancing.DescribeTargetGroupsOfAsync(cloud.LoadBalancerArn, default));
        return (await cloud.Balancing.DescribeTargetHealthAsync(group.Arn, default)).Select(target => target.Target.Address);
    }

    private static async Task<IReadOnlyList<string>> OwnSecretsAsync(FleetCloud cloud) =>
        [(await cloud.Store.FindAsync<ListenerRecord>("echo", default))!.SecretId!, (await cloud.Store.FindAsync<FleetRecord>("default", default))!.RelaySecretId!];
}
