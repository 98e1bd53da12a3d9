using System.Text;
using System.Text.Json.Nodes;
using UdpGateway.Aws;
using UdpGateway.Aws.Tests;
using UdpGateway.Gateway.Tests.TestDoubles;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;
using UdpGateway.Provider.Tests.Emulation;

namespace UdpGateway.Provider.Tests.Fleets;

/// <summary>The provider's process as Lambda runs it and as it is composed on AWS, a whole stack's life long.</summary>
public sealed class ProviderOnAwsTests(MotoServer moto) : IClassFixture<MotoServer>
{
    private const string Provider = "provider";

    [RequiresMotoFact]
    public async Task A_stack_lives_from_its_fleet_to_a_push_and_leaves_nothing()
    {
        await using var cloud = await FleetCloud.StartAsync(moto);
        await using var functions = await StubService.StartAsync(EchoAsync);
        await using var lambda = await LambdaEmulator.StartAsync();
        var listeners = new CloudFormationEngine(lambda, cloud.Endpoint, "app");
        var account = await CustomerAccount.CreateAsync(moto, listeners.StackId);
        lambda.Add(await FunctionAsync(cloud, account, lambda));
        await using var fargate = await FargateAgent.StartAsync(cloud.Proxy, cloud.CallEcsAsync, await TaskEnvironmentAsync(cloud, account, functions.Url));
        fargate.Announce = stopped => lambda.SendEvent(Provider, stopped.ToJsonString());
        var fleets = new CloudFormationEngine(lambda, cloud.Endpoint, "provider") { ResourceType = "Custom::UdpGatewayFleet", LogicalResourceId = "DefaultFleet" };
        var sources = new CloudFormationEngine(lambda, cloud.Endpoint, "app") { ResourceType = "Custom::ProxylityUdpGatewayPacketSource", LogicalResourceId = "Source" };

        await CompleteAsync("CREATE_COMPLETE", fleets, fleets.CreateAsync(cloud.FleetProperties()));
        await CompleteAsync("CREATE_COMPLETE", listeners, listeners.CreateAsync(Listener(account, "first")));
        var created = listeners.Answers[^1]!;
        var first = Assert.Single(fargate.Running);
        using var client = new WireGuardTestClient(created.Port, created.PublicKey, address: first.Address);
        Assert.Equal("one"u8.ToArray(), await client.ExchangeAsync("one"u8.ToArray()));

        // An update changes what is done, and no session.
        await CompleteAsync("UPDATE_COMPLETE", listeners, listeners.UpdateAsync(Listener(account, "second")));
        var received = client.DatagramsReceived;
        Assert.Equal("two"u8.ToArray(), await client.ExchangeAsync("two"u8.ToArray()));
        Assert.Equal(received + 1, client.DatagramsReceived);
        Assert.Contains("second", functions.Requests[^1].RawTarget, StringComparison.Ordinal);

        // An application sends on its own account.
        await CompleteAsync("CREATE_COMPLETE", sources, sources.CreateAsync(Source(account)));
        await account.PublishAsync(client.PublicKey, "news");
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
        await CompleteAsync("DELETE_COMPLETE", sources, sources.DeleteAsync());
        await CompleteAsync("DELETE_COMPLETE", listeners, listeners.DeleteAsync());
        await Eventually.TrueAsync(() => second.StoppedAt is not null, "the last task ends");
        await CompleteAsync("DELETE_COMPLETE", fleets, fleets.DeleteAsync());
        await lambda.WhenIdleAsync();

        Assert.Empty(lambda.Errors);
        Assert.Equal("", await cloud.LeftOfListenersAsync());
        Assert.Equal(0, await account.CountSubscriptionsAsync());
        Assert.Equal("INACTIVE", (await cloud.Ecs.DescribeServicesAsync(cloud.Cluster, "default", default))?.Status);
        using var store = new SecretsManagerSecretStore(moto.Administrator, TestEnvironment.Region, serviceUrl: moto.Url);
        Assert.Equal(2, secrets.Count);
        foreach (var secret in secrets)
            Assert.Equal(SecretReadStatus.Deleted, (await store.ReadAsync(new SecretReference(secret), default)).Status);

        async Task CompleteAsync(string expected, CloudFormationEngine stack, Task<string> step)
        {
            var status = await step;
            Assert.True(expected == status, $"{status}: {stack.Answers.LastOrDefault(answer => answer?.Succeeded is false)?.Reason}\n{string.Join('\n', lambda.Output)}\n{string.Join('\n', fargate.Tasks.Select(task => task.Output))}");
        }
    }

    private static JsonObject Listener(CustomerAccount account, string function)
    {
        var properties = FleetCloud.ListenerProperties();
        properties["Destinations"]![0]!["DestinationArn"] = $"arn:aws:lambda:us-west-2:123456789012:function:{function}";
        properties["Destinations"]![0]!["Role"] = account.DeliveryRole;
        return properties;
    }

    private static JsonObject Source(CustomerAccount account) => new()
    {
        ["ListenerName"] = "echo",
        ["SnsTopicSource"] = new JsonObject { ["TopicArn"] = account.Topic, ["Role"] = account.TopicRole },
    };

    private async Task<EmulatedFunction> FunctionAsync(FleetCloud cloud, CustomerAccount account, LambdaEmulator lambda)
    {
        var own = await moto.Administrator.GetCredentialsAsync();
        return new EmulatedFunction
        {
            Name = Provider,
            FileName = "dotnet",
            Arguments = [EmulatedProvider.Program],
            Timeout = TimeSpan.FromMinutes(3),
            ReservedConcurrency = 2,
            Environment =
            {
                ["TESTHOST_AWS"] = "1",
                ["UDPGW_ACCOUNT_ID"] = "123456789012",
                ["UDPGW_SERVICE_ROLE"] = account.ServiceRole,
                ["UDPGW_TABLE"] = cloud.TableName,
                ["UDPGW_DOMAIN"] = "udp.example.com",
                ["AWS_ENDPOINT_URL"] = cloud.Proxy.Url.AbsoluteUri,
                ["AWS_ENDPOINT_URL_LAMBDA"] = lambda.Endpoint.AbsoluteUri,
                ["AWS_ACCESS_KEY_ID"] = own.AccessKey,
                ["AWS_SECRET_ACCESS_KEY"] = own.SecretKey,
            },
        };
    }

    private static async Task<IReadOnlyDictionary<string, string>> TaskEnvironmentAsync(FleetCloud cloud, CustomerAccount account, Uri functions)
    {
        var environment = cloud.TaskEnvironment(functions);
        foreach (var (name, value) in await account.TaskCredentialsAsync())
            environment[name] = value;
        return environment;
    }

    private static async Task<IEnumerable<string>> AddressesAsync(FleetCloud cloud)
    {
        var group = Assert.Single(await cloud.Balancing.DescribeTargetGroupsOfAsync(cloud.LoadBalancerArn, default));
        return (await cloud.Balancing.DescribeTargetHealthAsync(group.Arn, default)).Select(target => target.Target.Address);
    }

    private static async Task<IReadOnlyList<string>> OwnSecretsAsync(FleetCloud cloud) =>
        [(await cloud.Store.FindAsync<ListenerRecord>("echo", default))!.SecretId!, (await cloud.Store.FindAsync<FleetRecord>("default", default))!.RelaySecretId!];

    private static Task EchoAsync(Microsoft.AspNetCore.Http.HttpContext context, int number)
    {
        var messages = JsonNode.Parse(Encoding.UTF8.GetString(StubService.RequestOf(context).Body))!["Messages"]!.AsArray();
        var answer = new JsonObject { ["Replies"] = new JsonArray([.. messages.Select(packet => new JsonObject { ["Tag"] = packet!["Tag"]!.DeepClone(), ["Data"] = packet["Data"]!.DeepClone() })]) };
        return StubService.AnswerAsync(context, 200, answer.ToJsonString());
    }
}
