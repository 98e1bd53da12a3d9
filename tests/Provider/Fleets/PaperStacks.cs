using System.Text.Json.Nodes;
using UdpGateway.Aws.Tests;
using UdpGateway.Provider.Tests.Emulation;

namespace UdpGateway.Provider.Tests.Fleets;

/// <summary>
/// The provider's process as it is composed on AWS, under an emulation of Lambda that tries an event once more, with moto behind a proxy and a fleet
/// whose tasks are on paper.
/// </summary>
internal sealed class PaperStacks : IAsyncDisposable
{
    public const string Provider = "provider";

    private readonly PaperTasks _tasks;

    private PaperStacks(FleetCloud cloud, LambdaEmulator lambda, CustomerAccount account)
    {
        (Cloud, Lambda, Account) = (cloud, lambda, account);
        _tasks = new PaperTasks(cloud);
    }

    public FleetCloud Cloud { get; }

    public LambdaEmulator Lambda { get; }

    public CustomerAccount Account { get; }

    public static async Task<PaperStacks> StartAsync(MotoServer moto)
    {
        var stacks = new PaperStacks(await FleetCloud.StartAsync(moto), await LambdaEmulator.StartAsync(), await CustomerAccount.CreateAsync(moto, stackId: null));
        stacks.Lambda.Add(await ProviderStacks.ProviderFunctionAsync(moto, stacks.Cloud, stacks.Lambda, stacks.Account, TimeSpan.FromMinutes(1), retryDelay: TimeSpan.FromMilliseconds(50)));
        var fleet = stacks.NewStack("provider", "Custom::UdpGatewayFleet", "DefaultFleet");
        Assert.True(await fleet.CreateAsync(stacks.Cloud.FleetProperties()) == "CREATE_COMPLETE", fleet.Answers[^1]?.Reason);
        return stacks;
    }

    public CloudFormationEngine NewStack(string name, string type = "Custom::ProxylityUdpGatewayListener", string logicalId = "Listener") =>
        new(Lambda, Cloud.Endpoint, name) { ResourceType = type, LogicalResourceId = logicalId };

    /// <param name="name">The listener's, and that of its only destination.</param>
    /// <param name="key">Literal or a reference.</param>
    public JsonObject Listener(string name, string key)
    {
        var properties = FleetCloud.ListenerProperties(name);
        properties["Destinations"]![0]!["Name"] = name;
        properties["Destinations"]![0]!["Role"] = Account.DeliveryRole;
        properties["UnknownPeerPreSharedKey"] = key;
        return properties;
    }

    public async ValueTask DisposeAsync()
    {
        await Lambda.DisposeAsync();
        await _tasks.DisposeAsync();
        await Cloud.DisposeAsync();
    }
}
