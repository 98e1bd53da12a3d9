using UdpGateway.Aws.Tests;
using UdpGateway.Tests;

namespace UdpGateway.Provider.Tests.Fleets;

/// <summary>All calls of a service fail for longer than an event lasts: it fails clean, and life goes on.</summary>
public sealed class ServiceOutageTests(MotoServer moto) : IClassFixture<MotoServer>
{
    [RequiresMotoFact]
    public Task An_event_that_meets_an_outage_of_the_balancers_fails_clean() => FailWithoutAsync("elasticloadbalancing");

    [LongMotoFact]
    public Task An_event_that_meets_an_outage_of_ECS_fails_clean() => FailWithoutAsync("ecs");

    [LongMotoFact]
    public Task An_event_that_meets_an_outage_of_the_secrets_fails_clean() => FailWithoutAsync("secretsmanager");

    [LongMotoFact]
    public Task An_event_that_meets_an_outage_of_the_table_fails_clean() => FailWithoutAsync("dynamodb");

    /// <summary>A listener's Create while a service answers nothing but errors; then the same event again, the rollback, and another Create.</summary>
    private async Task FailWithoutAsync(string service)
    {
        await using var cloud = await FleetCloud.StartAsync(moto);
        await using var tasks = new PaperTasks(cloud);
        Assert.True((await cloud.FleetAsync("Create", cloud.FleetProperties())).Succeeded);
        var secrets = await cloud.SecretsAsync();
        var create = cloud.Event("Custom::UdpGatewayListener", "Listener", "Create", FleetCloud.ListenerProperties(), null);

        cloud.Proxy.Fault = call => call.Service == service ? ProxyFault.ServiceFault : null;
        var failed = await cloud.SendAsync(create, TimeSpan.FromSeconds(12));
        cloud.Proxy.Fault = static _ => null;

        Assert.False(failed.Succeeded);
        // CloudFormation took the failure; whatever a repetition does, the rollback's Delete finds it.
        await cloud.SendAgainAsync(create);
        Assert.True((await cloud.ListenerAsync("Delete", FleetCloud.ListenerProperties(), failed.PhysicalResourceId)).Succeeded);
        Assert.Equal("", await cloud.LeftOfListenersAsync());
        Assert.Equal(secrets.Order(), (await cloud.SecretsAsync()).Order());

        var created = await cloud.ListenerAsync("Create", FleetCloud.ListenerProperties());
        Assert.True(created.Succeeded, created.Reason);
        Assert.True((await cloud.ListenerAsync("Delete", null, created.PhysicalResourceId)).Succeeded);
        Assert.True((await cloud.FleetAsync("Delete", null, "default")).Succeeded);
        Assert.Equal("", await cloud.LeftOfListenersAsync());
    }
}
