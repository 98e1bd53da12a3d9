using UdpGateway.Aws.Tests;
using UdpGateway.Provider.Tests.TestDoubles;
using UdpGateway.Tests;

namespace UdpGateway.Provider.Tests.Fleets;

/// <summary>Every call of every step fails in turn; whatever comes of it, the life goes on and nothing is left.</summary>
public sealed class FleetFaultTests(MotoServer moto) : IClassFixture<MotoServer>
{
    private const int StepCount = 6;

    private static readonly string[] Services = ["ecs", "elasticloadbalancing", "ec2"];

    [RequiresMotoFact]
    public Task Throttling_at_any_call_orphans_nothing() => LiveWithAsync(ProxyFault.Throttled);

    [RequiresMotoFact]
    public Task A_server_error_at_any_call_orphans_nothing() => LiveWithAsync(ProxyFault.ServiceFault);

    [RequiresMotoFact]
    public Task An_answer_lost_at_any_call_orphans_nothing() => LiveWithAsync(ProxyFault.AnswerLost);

    private async Task LiveWithAsync(ProxyFault fault)
    {
        await using var cloud = await FleetCloud.StartAsync(moto);
        await using var tasks = new PaperTasks(cloud);
        // moto never finishes a rollout.
        cloud.Proxy.Change = static (call, answer) => Task.FromResult(call.Operation == "DescribeServices"
            ? answer with { Body = System.Text.Encoding.UTF8.GetBytes(answer.Text.Replace("\"IN_PROGRESS\"", "\"COMPLETED\"", StringComparison.Ordinal)) }
            : answer);
        var counts = await LiveAsync(cloud, null, 0);

        for (var call = 1; call <= counts.Max(); call++)
            await LiveAsync(cloud, fault, call);
    }

    /// <summary>A fleet and a listener from creation to deletion; in each step the call with this number fails.</summary>
    /// <returns>The calls of each step.</returns>
    private static async Task<int[]> LiveAsync(FleetCloud cloud, ProxyFault? fault, int number)
    {
        var counts = new int[StepCount];
        var step = 0;
        cloud.Proxy.Fault = call => Services.Contains(call.Service) && Interlocked.Increment(ref counts[step]) == number ? fault : null;
        var what = $"{fault} at call {number}";
        var listener = FleetCloud.ListenerProperties();
        listener["Port"] = "53";

        await SucceedAsync(what, () => cloud.FleetAsync("Create", cloud.FleetProperties()));
        step++;
        await SucceedAsync(what, () => cloud.ListenerAsync("Create", listener));
        step++;
        await SucceedAsync(what, () => cloud.FleetAsync("Update", ChangedFleet(cloud), "default"));
        step++;
        listener["Port"] = "5353";
        var replaced = await SucceedAsync(what, () => cloud.ListenerAsync("Update", listener, "echo"));
        step++;
        await SucceedAsync(what, () => cloud.ListenerAsync("Delete", null, "echo"));
        await SucceedAsync(what, () => cloud.ListenerAsync("Delete", null, replaced.PhysicalResourceId));
        step++;
        Assert.Equal("", await cloud.LeftOfListenersAsync());
        await SucceedAsync(what, () => cloud.FleetAsync("Delete", null, "default"));
        cloud.Proxy.Fault = static _ => null;
        Assert.Equal("INACTIVE", (await cloud.Ecs.DescribeServicesAsync(cloud.Cluster, "default", default))?.Status);
        Assert.Empty(await cloud.Ecs.ListTaskDefinitionsAsync($"{cloud.Cluster}-default", default));
        return counts;
    }

    private static System.Text.Json.Nodes.JsonObject ChangedFleet(FleetCloud cloud)
    {
        var properties = cloud.FleetProperties();
        properties["AssignPublicIp"] = "false";
        return properties;
    }

    private static async Task<Answer> SucceedAsync(string what, Func<Task<Answer>> send)
    {
        var answer = await send();
        Assert.True(answer.Succeeded, $"{what}: {answer.Reason}");
        return answer;
    }
}
