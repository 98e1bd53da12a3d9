using System.Diagnostics;
using System.Text.Json.Nodes;
using UdpGateway.Aws.Tests;
using UdpGateway.Provider.Tests.TestDoubles;
using UdpGateway.Tests;
using Xunit.Abstractions;

namespace UdpGateway.Provider.Tests.Fleets;

/// <summary>
/// Calls of every step fail: each in turn, or all of a service. The first event succeeds or fails clean, the same event again gets the same
/// answer, and whatever came of it, the life goes on and nothing is left.
/// </summary>
public sealed class FleetFaultTests(MotoServer moto, ITestOutputHelper output) : IClassFixture<MotoServer>
{
    private const int StepCount = 7;

    private static readonly string[] Services = ["ecs", "elasticloadbalancing", "ec2", "dynamodb", "secretsmanager"];

    /// <summary>Every eleventh call of every step, with one kind of fault after the other.</summary>
    [RequiresMotoFact]
    public async Task A_fault_at_calls_of_every_step_orphans_nothing()
    {
        const int Stride = 11;
        await using var cloud = await StartAsync();
        await using var tasks = new PaperTasks(cloud);
        cloud.Proxy.Slowness = TimeSpan.FromSeconds(1);
        var counts = await LiveAsync(cloud, null, 0);
        for (var call = 1; call <= counts.Max(); call += Stride)
            await LiveAsync(cloud, (ProxyFault)(call / Stride % Enum.GetValues<ProxyFault>().Length), call);
        Assert.Empty(await cloud.SecretsAsync());
    }

    [LongMotoFact]
    public Task Throttling_at_any_call_orphans_nothing() => LiveWithAsync(ProxyFault.Throttled);

    [LongMotoFact]
    public Task A_server_error_at_any_call_orphans_nothing() => LiveWithAsync(ProxyFault.ServiceFault);

    [LongMotoFact]
    public Task An_answer_lost_at_any_call_orphans_nothing() => LiveWithAsync(ProxyFault.AnswerLost);

    [LongMotoFact]
    public Task A_slow_answer_at_any_call_orphans_nothing() => LiveWithAsync(ProxyFault.Slow);

    [RequiresMotoFact]
    public Task An_event_that_meets_an_outage_of_the_balancers_fails_clean() => FailWithoutAsync("elasticloadbalancing");

    [LongMotoFact]
    public Task An_event_that_meets_an_outage_of_ECS_fails_clean() => FailWithoutAsync("ecs");

    [LongMotoFact]
    public Task An_event_that_meets_an_outage_of_the_secrets_fails_clean() => FailWithoutAsync("secretsmanager");

    [LongMotoFact]
    public Task An_event_that_meets_an_outage_of_the_table_fails_clean() => FailWithoutAsync("dynamodb");

    private async Task<FleetCloud> StartAsync()
    {
        var cloud = await FleetCloud.StartAsync(moto);
        // moto never finishes a rollout.
        cloud.Proxy.Change = static (call, answer) => Task.FromResult(call.Operation == "DescribeServices"
            ? answer with { Body = System.Text.Encoding.UTF8.GetBytes(answer.Text.Replace("\"IN_PROGRESS\"", "\"COMPLETED\"", StringComparison.Ordinal)) }
            : answer);
        return cloud;
    }

    private async Task LiveWithAsync(ProxyFault fault)
    {
        await using var cloud = await StartAsync();
        await using var tasks = new PaperTasks(cloud);
        cloud.Proxy.Slowness = TimeSpan.FromSeconds(1);
        var counts = await LiveAsync(cloud, null, 0);
        for (var call = 1; call <= counts.Max(); call++)
            await LiveAsync(cloud, fault, call);
        Assert.Empty(await cloud.SecretsAsync());
    }

    /// <summary>A fleet and a listener from creation to deletion; in each step the call with this number fails.</summary>
    /// <returns>The calls of each step.</returns>
    private async Task<int[]> LiveAsync(FleetCloud cloud, ProxyFault? fault, int number)
    {
        var life = Stopwatch.StartNew();
        var counts = new int[StepCount];
        var step = 0;
        cloud.Proxy.Fault = call => Services.Contains(call.Service) && Interlocked.Increment(ref counts[step]) == number ? fault : null;
        var what = fault is null ? "without a fault" : $"{fault} at call {number}";
        var listener = FleetCloud.ListenerProperties();
        listener["Port"] = "53";
        var changedFleet = cloud.FleetProperties();
        changedFleet["AssignPublicIp"] = "false";
        var replacedListener = (JsonObject)listener.DeepClone();
        replacedListener["Port"] = "5353";

        await StepAsync("Custom::UdpGatewayFleet", "Fleet", "Create", cloud.FleetProperties(), null);
        await StepAsync("Custom::UdpGatewayListener", "Listener", "Create", listener, null);
        await StepAsync("Custom::UdpGatewayFleet", "Fleet", "Update", changedFleet, "default");
        var replaced = await StepAsync("Custom::UdpGatewayListener", "Listener", "Update", replacedListener, "echo");
        await StepAsync("Custom::UdpGatewayListener", "Listener", "Delete", null, "echo");
        await StepAsync("Custom::UdpGatewayListener", "Listener", "Delete", null, replaced.PhysicalResourceId);
        Assert.Equal("", await cloud.LeftOfListenersAsync());
        await StepAsync("Custom::UdpGatewayFleet", "Fleet", "Delete", null, "default");
        cloud.Proxy.Fault = static _ => null;
        Assert.Equal("INACTIVE", (await cloud.Ecs.DescribeServicesAsync(cloud.Cluster, "default", default))?.Status);
        Assert.Empty(await cloud.Ecs.ListTaskDefinitionsAsync($"{cloud.Cluster}-default", default));
        output.WriteLine($"{what}: {life.Elapsed.TotalSeconds:0.0} s, calls {string.Join(", ", counts)}");
        return counts;

        async Task<Answer> StepAsync(string type, string logicalId, string requestType, JsonObject? properties, string? physicalResourceId)
        {
            var sent = cloud.Event(type, logicalId, requestType, properties, physicalResourceId);
            var answer = await cloud.SendAsync(sent);
            // One call that fails is made up for within the event.
            Assert.True(answer.Succeeded, $"{what}, {requestType} of {logicalId}: {answer.Reason}");
            step = Math.Min(step + 1, StepCount - 1);
            Assert.Equal(answer.Body, (await cloud.SendAgainAsync(sent)).Body);
            return answer;
        }
    }

    /// <summary>A listener's Create while a service answers nothing but errors; then the same event again, the rollback, and another Create.</summary>
    private async Task FailWithoutAsync(string service)
    {
        await using var cloud = await StartAsync();
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
