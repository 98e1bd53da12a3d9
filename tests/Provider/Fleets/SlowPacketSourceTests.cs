using System.Text.Json.Nodes;
using UdpGateway.Aws;
using UdpGateway.Aws.Tests;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;
using UdpGateway.Provider.Provisioning;
using UdpGateway.Provider.Tests.Emulation;
using UdpGateway.Tests;

namespace UdpGateway.Provider.Tests.Fleets;

/// <summary>A packet source whose topic or queue takes longer than an invocation of the provider may last.</summary>
public sealed class SlowPacketSourceTests(MotoServer moto) : IClassFixture<MotoServer>
{
    [RequiresMotoFact]
    public async Task What_fails_for_longer_than_an_invocation_goes_on_in_the_next()
    {
        await using var cloud = await FleetCloud.StartAsync(moto);
        await using var lambda = await LambdaEmulator.StartAsync();
        var (stack, account) = await StartAsync(cloud, lambda);
        cloud.Proxy.Fault = call => call is { Service: "sns", Operation: "Subscribe" } && lambda.Invocations.Count < 3 ? ProxyFault.ServiceFault : null;

        Assert.Equal("CREATE_COMPLETE", await stack.CreateAsync(Source(account)));

        await lambda.WhenIdleAsync();
        Assert.Equal(3, lambda.Invocations.Count);
        Assert.Empty(lambda.Errors);
        Assert.Equal(1, await account.CountSubscriptionsAsync());
    }

    [RequiresMotoFact]
    public async Task A_call_that_never_returns_goes_on_in_the_next_invocation()
    {
        await using var cloud = await FleetCloud.StartAsync(moto);
        await using var lambda = await LambdaEmulator.StartAsync();
        var (stack, account) = await StartAsync(cloud, lambda);
        cloud.Proxy.Replace = async call =>
        {
            if (call.Operation == "CreateQueue" && lambda.Invocations.Count < 2)
                await Task.Delay(Timeout.Infinite);
            return null;
        };

        Assert.Equal("CREATE_COMPLETE", await stack.CreateAsync(Source(account)));

        await lambda.WhenIdleAsync();
        Assert.Equal(2, lambda.Invocations.Count);
    }

    [RequiresMotoFact]
    public async Task What_never_succeeds_fails_with_what_the_service_says_and_leaves_nothing()
    {
        await using var cloud = await FleetCloud.StartAsync(moto);
        await using var lambda = await LambdaEmulator.StartAsync();
        var (stack, account) = await StartAsync(cloud, lambda);
        cloud.Proxy.Fault = call => call is { Service: "sns", Operation: "Subscribe" } ? ProxyFault.ServiceFault : null;
        var properties = Source(account);
        properties["ServiceTimeout"] = "20";

        Assert.Equal("ROLLBACK_COMPLETE", await stack.CreateAsync(properties));

        await lambda.WhenIdleAsync();
        var reason = stack.Answers[0]!.Reason!;
        Assert.StartsWith("The packet source was not ready in the time that the request has.", reason, StringComparison.Ordinal);
        Assert.Contains("as the test wants", reason, StringComparison.Ordinal);
        Assert.Empty((await cloud.Store.ReadConfigurationAsync(default)).PacketSources);
        var made = cloud.Proxy.Calls.First(call => call.Operation == "CreateQueue");
        var gone = await Assert.ThrowsAsync<AwsServiceException>(() => cloud.Queues.GetQueueUrlAsync(JsonNode.Parse(made.Text)!["QueueName"]!.GetValue<string>(), "123456789012", default));
        Assert.True(SqsPacketSourceProvisioner.IsMissing(gone));
    }

    private async Task<(CloudFormationEngine Stack, CustomerAccount Account)> StartAsync(FleetCloud cloud, LambdaEmulator lambda)
    {
        var stack = new CloudFormationEngine(lambda, cloud.Endpoint, $"app-{Guid.NewGuid():N}"[..12]) { ResourceType = "Custom::UdpGatewayPacketSource", LogicalResourceId = "Source" };
        var account = await CustomerAccount.CreateAsync(moto, stack.StackId);
        lambda.Add(await ProviderStacks.ProviderFunctionAsync(moto, cloud, lambda, account, TimeSpan.FromSeconds(14)));
        var listener = new ListenerRecord
        {
            PhysicalResourceId = "echo",
            StackId = stack.StackId,
            LogicalResourceId = "Listener",
            RequestId = "r",
            Port = 30_000,
            Definition = new ListenerDefinition { Name = "echo", Protocol = ListenerProtocol.Udp, Destinations = [] },
        };
        Assert.True(await cloud.Store.TryWriteAsync(listener, 0, default));
        return (stack, account);
    }

    private static JsonObject Source(CustomerAccount account) => new()
    {
        ["ListenerName"] = "echo",
        ["SnsTopicSource"] = new JsonObject { ["TopicArn"] = account.Topic, ["Role"] = account.TopicRole },
    };
}
