using System.Text;
using System.Text.Json.Nodes;
using UdpGateway.Aws;
using UdpGateway.Aws.Tests;
using UdpGateway.Gateway.Tests.TestDoubles;
using UdpGateway.Listeners.Storage;
using UdpGateway.Tests;

namespace UdpGateway.Provider.Tests.Fleets;

/// <summary>Fleets and their listeners with real gateway processes in the place of Fargate's tasks.</summary>
public sealed class FleetTests(MotoServer moto) : IClassFixture<MotoServer>
{
    [RequiresMotoFact]
    public async Task A_listener_is_served_by_a_task_that_its_creation_started_and_its_deletion_stops()
    {
        await using var cloud = await FleetCloud.StartAsync(moto);
        await using var functions = await StubService.StartAsync(EchoAsync);
        await using var fargate = await FargateAgent.StartAsync(cloud.Proxy, cloud.CallEcsAsync, cloud.TaskEnvironment(functions.Url));
        Succeeded(await cloud.FleetAsync("Create", cloud.FleetProperties()), fargate);
        Assert.Empty(fargate.Tasks);

        var created = await cloud.ListenerAsync("Create", FleetCloud.ListenerProperties());

        Succeeded(created, fargate);
        Assert.InRange(created.Port, 30_000, 30_999);
        Assert.Equal("udp.example.com", created.Data["Domain"]!.GetValue<string>());
        var task = Assert.Single(fargate.Running);
        using var client = new WireGuardTestClient(created.Port, created.PublicKey, address: task.Address);
        Assert.Equal("one"u8.ToArray(), await client.ExchangeAsync("one"u8.ToArray()));

        var changed = FleetCloud.ListenerProperties();
        changed["Destinations"]![0]!["DestinationArn"] = ProviderUnderTestFunction("second");
        Succeeded(await cloud.ListenerAsync("Update", changed, "echo"), fargate);
        var initiations = client.DatagramsReceived;
        Assert.Equal("two"u8.ToArray(), await client.ExchangeAsync("two"u8.ToArray()));
        Assert.Equal(initiations + 1, client.DatagramsReceived);
        Assert.Contains("second", functions.Requests[^1].RawTarget, StringComparison.Ordinal);
        Assert.Equal(task, Assert.Single(fargate.Tasks));

        Succeeded(await cloud.ListenerAsync("Delete", null, "echo"), fargate);
        await Eventually.TrueAsync(() => task.StoppedAt is not null, "the task ends");
        Assert.True(task.ExitCode == 0, task.Output);
        Assert.Equal("", await cloud.LeftOfListenersAsync());
        Assert.Empty(await cloud.FleetStore.ReadReportsAsync("default", default));

        Succeeded(await cloud.FleetAsync("Delete", null, "default"), fargate);
        Assert.Equal("INACTIVE", (await cloud.Ecs.DescribeServicesAsync(cloud.Cluster, "default", default))?.Status);
        Assert.Empty(await cloud.Ecs.ListTaskDefinitionsAsync($"{cloud.Cluster}-default", default));
    }

    [RequiresMotoFact]
    public async Task A_fleet_rolls_to_a_new_image_and_keeps_serving()
    {
        await using var cloud = await FleetCloud.StartAsync(moto);
        await using var functions = await StubService.StartAsync(EchoAsync);
        await using var fargate = await FargateAgent.StartAsync(cloud.Proxy, cloud.CallEcsAsync, cloud.TaskEnvironment(functions.Url));
        Succeeded(await cloud.FleetAsync("Create", cloud.FleetProperties()), fargate);
        var created = await cloud.ListenerAsync("Create", FleetCloud.ListenerProperties());
        Succeeded(created, fargate);
        var first = Assert.Single(fargate.Running);

        Succeeded(await cloud.FleetAsync("Update", cloud.FleetProperties(image: "gateway:2"), "default"), fargate);

        await Eventually.TrueAsync(() => first.StoppedAt is not null, "the old task ends");
        var second = Assert.Single(fargate.Running);
        Assert.NotEqual(first.Definition, second.Definition);
        Assert.Equal([second.Definition], await cloud.Ecs.ListTaskDefinitionsAsync($"{cloud.Cluster}-default", default));
        using var client = new WireGuardTestClient(created.Port, created.PublicKey, address: second.Address);
        Assert.Equal("one"u8.ToArray(), await client.ExchangeAsync("one"u8.ToArray()));
        var group = Assert.Single(await cloud.Balancing.DescribeTargetGroupsOfAsync(cloud.LoadBalancerArn, default));
        Assert.Equal([new TargetAddress(second.Address.ToString(), created.Port)], (await cloud.Balancing.DescribeTargetHealthAsync(group.Arn, default)).Select(target => target.Target));
    }

    [RequiresMotoFact]
    public async Task A_port_that_only_root_may_bind_is_served_on_another_one_and_admitted()
    {
        await using var cloud = await FleetCloud.StartAsync(moto);
        await using var functions = await StubService.StartAsync(EchoAsync);
        await using var fargate = await FargateAgent.StartAsync(cloud.Proxy, cloud.CallEcsAsync, cloud.TaskEnvironment(functions.Url));
        Succeeded(await cloud.FleetAsync("Create", cloud.FleetProperties()), fargate);
        var properties = FleetCloud.ListenerProperties();
        properties["Port"] = "53";

        var created = await cloud.ListenerAsync("Create", properties);

        Succeeded(created, fargate);
        Assert.Equal(53, created.Port);
        var elsewhere = cloud.FleetProperties();
        elsewhere["HealthPort"] = "9999";
        Assert.Equal("HealthPort cannot be changed while the fleet serves listeners: echo.", (await cloud.FleetAsync("Update", elsewhere, "default")).Reason);
        Assert.Equal(53, Assert.Single(await cloud.Ec2.DescribeSecurityGroupRulesAsync(cloud.BalancerGroup, default)).FromPort);
        Assert.Equal(64_565, Assert.Single(await cloud.Ec2.DescribeSecurityGroupRulesAsync(cloud.TaskGroup, default)).FromPort);
        using var client = new WireGuardTestClient(64_565, created.PublicKey, address: Assert.Single(fargate.Running).Address);
        Assert.Equal("one"u8.ToArray(), await client.ExchangeAsync("one"u8.ToArray()));
        Succeeded(await cloud.ListenerAsync("Delete", null, "echo"), fargate);
        Assert.Equal("", await cloud.LeftOfListenersAsync());
    }

    [RequiresMotoFact]
    public async Task Listeners_stay_admitted_when_the_fleets_range_leaves_their_ports_and_its_network_changes()
    {
        await using var cloud = await FleetCloud.StartAsync(moto);
        await using var functions = await StubService.StartAsync(EchoAsync);
        await using var fargate = await FargateAgent.StartAsync(cloud.Proxy, cloud.CallEcsAsync, cloud.TaskEnvironment(functions.Url));
        Succeeded(await cloud.FleetAsync("Create", cloud.FleetProperties()), fargate);
        var created = await cloud.ListenerAsync("Create", FleetCloud.ListenerProperties());
        Succeeded(created, fargate);
        Assert.Equal("", await AdmittedAsync());

        await UpdateAsync("31000-31999", "198.51.100.7/24");
        Assert.Equal($"{created.Port} from 198.51.100.0/24, {created.Port} from the balancer", await AdmittedAsync());

        // Whoever narrows it means these ports, too.
        await UpdateAsync("31000-31999", "203.0.113.7");
        Assert.Equal($"{created.Port} from 203.0.113.7/32, {created.Port} from the balancer", await AdmittedAsync());

        await UpdateAsync("30000-31999", "203.0.113.7");
        Assert.Equal("", await AdmittedAsync());
        Assert.Single(fargate.Tasks);

        async Task UpdateAsync(string range, string clients)
        {
            var properties = cloud.FleetProperties();
            (properties["PortRange"], properties["ClientCidr"]) = (range, clients);
            Succeeded(await cloud.FleetAsync("Update", properties, "default"), fargate);
        }

        async Task<string> AdmittedAsync() => string.Join(", ",
            (await cloud.Ec2.DescribeSecurityGroupRulesAsync(cloud.BalancerGroup, default)).Select(rule => $"{rule.FromPort} from {rule.Cidr}")
            .Concat((await cloud.Ec2.DescribeSecurityGroupRulesAsync(cloud.TaskGroup, default)).Select(rule => $"{rule.FromPort} from {rule.Cidr ?? "the balancer"}")));
    }

    [RequiresMotoFact]
    public async Task A_task_that_cannot_start_says_why_in_the_reason_and_leaves_nothing()
    {
        await using var cloud = await FleetCloud.StartAsync(moto);
        await using var fargate = await FargateAgent.StartAsync(cloud.Proxy, cloud.CallEcsAsync, new Dictionary<string, string>());
        Succeeded(await cloud.FleetAsync("Create", cloud.FleetProperties(image: "missing:1")), fargate);

        var failed = await cloud.ListenerAsync("Create", FleetCloud.ListenerProperties());

        Assert.False(failed.Succeeded);
        Assert.StartsWith("The tasks of the fleet default do not start. Task ", failed.Reason, StringComparison.Ordinal);
        Assert.Contains("CannotPullContainerError", failed.Reason, StringComparison.Ordinal);
        Assert.Equal("", await cloud.LeftOfListenersAsync());
        Assert.Equal(0, (await cloud.Ecs.DescribeServicesAsync(cloud.Cluster, "default", default))!.DesiredCount);
    }

    [RequiresMotoFact]
    public async Task What_cannot_be_is_refused_with_a_sentence_before_anything_is_made()
    {
        await using var cloud = await FleetCloud.StartAsync(moto);

        Assert.Equal(
            "Fleet is absent and this provider has no fleet named default; name one of its fleets.",
            (await cloud.ListenerAsync("Create", FleetCloud.ListenerProperties())).Reason);
        var invalid = cloud.FleetProperties();
        (invalid["PortRange"], invalid["Cpu"], invalid["Memory"]) = ("1-70000", "256", "1536");
        var reason = (await cloud.FleetAsync("Create", invalid)).Reason!;
        Assert.Contains("PortRange must be two ports from 1024 to 64511", reason, StringComparison.Ordinal);
        Assert.Contains("Memory must be 512, 1024 or 2048 MiB for a Cpu of 256; 1536 was given.", reason, StringComparison.Ordinal);

        Assert.True((await cloud.FleetAsync("Create", cloud.FleetProperties(image: ""))).Succeeded);
        Assert.Equal(
            "The fleet default has no gateway image. Publish one from the provider's sources with `templates/publish-image --region REGION`, give the name that it prints to the parameter Image of the stack fleet, and deploy that stack again.",
            (await cloud.ListenerAsync("Create", FleetCloud.ListenerProperties())).Reason);
        Assert.Equal("", await cloud.LeftOfListenersAsync());
        Assert.DoesNotContain(cloud.Proxy.Calls, call => IsListenersSecret(call));
    }

    [RequiresMotoFact]
    public async Task The_limits_of_a_balancer_are_told_before_anything_is_made()
    {
        await using var cloud = await FleetCloud.StartAsync(moto);
        var fleet = cloud.FleetProperties();
        (fleet["PortRange"], fleet["DesiredCount"]) = ("30000-30001", "6");
        Assert.True((await cloud.FleetAsync("Create", fleet)).Succeeded);

        await cloud.FleetStore.TryClaimPortAsync("default", 30_000, "first", default);
        Assert.Equal("Port 30000 of the fleet default is taken by the listener first; choose another Port or remove it.", await RefusalAsync(port: "30000"));
        var vpc = (await cloud.Store.FindAsync<FleetRecord>("default", default))!.VpcId;
        var foreign = await cloud.Balancing.CreateTargetGroupAsync(new TargetGroupInput($"foreign-{cloud.HealthPort}", vpc, 7000, cloud.HealthPort + 1, "/", new Dictionary<string, string>()), default);
        await cloud.Balancing.CreateListenerAsync(cloud.LoadBalancerArn, 7000, foreign, new Dictionary<string, string>(), default);
        Assert.Equal("Port 7000 of the fleet default's balancer has a listener that is not this provider's; choose another Port.", await RefusalAsync(port: "7000"));
        await cloud.FleetStore.TryClaimPortAsync("default", 30_001, "second", default);
        Assert.Equal("Every port from 30000 to 30001 of the fleet default is taken; give the fleet a larger PortRange, or the listener another Fleet.", await RefusalAsync());
        for (var port = 40_000; port < 40_039; port++)
            await cloud.FleetStore.TryClaimPortAsync("default", port, $"listener-{port}", default);
        Assert.Equal(
            "The fleet default has 6 tasks, and 2 times as many while a change is rolled out; a balancer takes 500 targets, which is enough for 41 listeners. Give the listener another Fleet, or the fleet a smaller DesiredCount.",
            await RefusalAsync(port: "5000"));
        fleet["DesiredCount"] = "1";
        Assert.True((await cloud.FleetAsync("Update", fleet, "default")).Succeeded);
        for (var port = 41_000; port < 41_008; port++)
            await cloud.FleetStore.TryClaimPortAsync("default", port, $"listener-{port}", default);
        Assert.Equal(
            "The balancer of the fleet default has the 50 listeners that a Network Load Balancer takes; declare another Custom::UdpGatewayFleet and name it in the listener's Fleet.",
            await RefusalAsync(port: "5000"));

        Assert.DoesNotContain(cloud.Proxy.Calls, call => IsListenersSecret(call) || call.Operation is "CreateTargetGroup" or "CreateListener" or "AuthorizeSecurityGroupIngress");

        async Task<string?> RefusalAsync(string? port = null)
        {
            var properties = FleetCloud.ListenerProperties();
            if (port is not null)
                properties["Port"] = port;
            return (await cloud.ListenerAsync("Create", properties)).Reason;
        }
    }

    [RequiresMotoTheory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_security_group_that_is_full_is_told_before_anything_is_made_at_the_balancer(int rule)
    {
        await using var cloud = await FleetCloud.StartAsync(moto);
        Assert.True((await cloud.FleetAsync("Create", cloud.FleetProperties())).Succeeded);
        var rules = 0;
        cloud.Proxy.Replace = call => Task.FromResult(call.Operation == "AuthorizeSecurityGroupIngress" && ++rules == rule ? new ProxiedAnswer(400, "text/xml", Encoding.UTF8.GetBytes(Full)) : null);
        var properties = FleetCloud.ListenerProperties();
        properties["Port"] = "53";

        var failed = await cloud.ListenerAsync("Create", properties);

        Assert.Equal(
            $"The security group {(rule == 1 ? cloud.BalancerGroup : cloud.TaskGroup)} has as many rules as its quota permits, and port {(rule == 1 ? 53 : 64_565)} needs one more; declare a Port from 30000-30999, or none, or have the quota of inbound rules per security group raised.",
            failed.Reason);
        Assert.DoesNotContain(cloud.Proxy.Calls, call => call.Operation is "CreateTargetGroup" or "CreateListener" or "UpdateService");
        Assert.Equal("", await cloud.LeftOfListenersAsync());
    }

    private const string Full = """
        <Response><Errors><Error><Code>RulesPerSecurityGroupLimitExceeded</Code><Message>The maximum number of rules per security group has been reached.</Message></Error></Errors><RequestID>1</RequestID></Response>
        """;

    [RequiresMotoFact]
    public async Task A_target_group_that_would_be_made_differently_now_is_found_by_its_name()
    {
        await using var cloud = await FleetCloud.StartAsync(moto);
        await using var tasks = new PaperTasks(cloud);
        Assert.True((await cloud.FleetAsync("Create", cloud.FleetProperties())).Succeeded);
        Assert.True((await cloud.ListenerAsync("Create", FleetCloud.ListenerProperties())).Succeeded);
        var before = await cloud.LeftOfListenersAsync();
        cloud.Proxy.Replace = call => Task.FromResult(call.Operation == "CreateTargetGroup"
            ? new ProxiedAnswer(400, "text/xml", "<ErrorResponse><Error><Code>DuplicateTargetGroupName</Code><Message>A target group with the specified name already exists, but with different settings</Message></Error></ErrorResponse>"u8.ToArray())
            : null);
        var changed = FleetCloud.ListenerProperties();
        changed["Description"] = "changed";

        var updated = await cloud.ListenerAsync("Update", changed, "echo");

        Assert.True(updated.Succeeded, updated.Reason);
        Assert.Equal(before, await cloud.LeftOfListenersAsync());
    }

    [RequiresMotoFact]
    public async Task What_the_table_cannot_hold_is_refused_before_anything_is_made()
    {
        await using var cloud = await FleetCloud.StartAsync(moto);
        Assert.True((await cloud.FleetAsync("Create", cloud.FleetProperties())).Succeeded);
        var properties = FleetCloud.ListenerProperties();
        (properties["Port"], properties["Description"]) = ("53", new string('x', 410_000));
        var fleet = cloud.FleetProperties("second");
        fleet["Environment"] = new JsonObject { ["A"] = new string('x', 410_000) };

        var failures = new[] { await cloud.ListenerAsync("Create", properties), await cloud.FleetAsync("Create", fleet, limit: TimeSpan.FromSeconds(20)) };

        Assert.All(failures, failed => Assert.Contains("which holds at most 409,600 for one", failed.Reason, StringComparison.Ordinal));
        Assert.DoesNotContain(cloud.Proxy.Calls, IsListenersSecret);
        Assert.Single(cloud.Proxy.Calls, call => call.Operation == "CreateSecret");
        Assert.Equal("", await cloud.LeftOfListenersAsync());
    }

    [RequiresMotoFact]
    public async Task A_second_clean_up_does_not_touch_a_fleet_whose_announcement_was_not_noted()
    {
        await using var cloud = await FleetCloud.StartAsync(moto);
        await cloud.FleetAsync("Create", cloud.FleetProperties("first", image: ""));
        Assert.True((await cloud.FleetAsync("Update", cloud.FleetProperties("second", image: ""), "first")).Succeeded);
        var live = (await cloud.Store.FindAsync<FleetRecord>("second", default))!;
        await cloud.Store.TryWriteAsync(live with { Announced = false }, live.Version, default);

        Assert.True((await cloud.FleetAsync("Delete", null, "first")).Succeeded);
        Assert.True((await cloud.FleetAsync("Delete", null, "first")).Succeeded);

        Assert.Equal(["second"], (await cloud.Store.ReadConfigurationAsync(default)).Fleets.Select(fleet => fleet.PhysicalResourceId));
    }

    [RequiresMotoFact]
    public async Task A_task_has_what_the_fleet_says()
    {
        await using var cloud = await FleetCloud.StartAsync(moto);
        var fleet = cloud.FleetProperties();
        (fleet["Cpu"], fleet["Memory"], fleet["Architecture"], fleet["StopTimeoutSeconds"]) = ("1024", "2048", "ARM64", "60");
        fleet["Environment"] = new JsonArray("UDPGW_ROTATION_GRACE_HOURS=1");

        Assert.True((await cloud.FleetAsync("Create", fleet)).Succeeded);

        var task = JsonNode.Parse(cloud.Proxy.Calls.Single(call => call.Operation == "RegisterTaskDefinition").Text)!;
        var container = task["containerDefinitions"]![0]!;
        var environment = container["environment"]!.AsArray().ToDictionary(variable => variable!["name"]!.GetValue<string>(), variable => variable!["value"]!.GetValue<string>());
        Assert.Equal(("1024", "2048", "ARM64"), (task["cpu"]!.GetValue<string>(), task["memory"]!.GetValue<string>(), task["runtimePlatform"]!["cpuArchitecture"]!.GetValue<string>()));
        Assert.Equal((FleetCloud.Role, FleetCloud.Role), (task["taskRoleArn"]!.GetValue<string>(), task["executionRoleArn"]!.GetValue<string>()));
        Assert.Equal(("/udp-gateway/default", 60), (container["logConfiguration"]!["options"]!["awslogs-group"]!.GetValue<string>(), container["stopTimeout"]!.GetValue<int>()));
        Assert.Equal(["CMD", "/app/UdpGateway.Gateway", "--health"], container["healthCheck"]!["command"]!.AsArray().Select(part => part!.GetValue<string>()));
        Assert.Equal(("1", "50", cloud.TableName), (environment["UDPGW_ROTATION_GRACE_HOURS"], environment["UDPGW_DRAIN_SECONDS"], environment["UDPGW_TABLE"]));
        Assert.Contains(task["tags"]!.AsArray(), tag => tag!["key"]!.GetValue<string>() == "udp-gateway:installation" && tag["value"]!.GetValue<string>() == cloud.TableName);
    }

    [RequiresMotoFact]
    public async Task What_ECS_and_the_balancer_report_is_in_the_reason()
    {
        await using var cloud = await FleetCloud.StartAsync(moto);
        Assert.True((await cloud.FleetAsync("Create", cloud.FleetProperties())).Succeeded);
        cloud.Proxy.Change = (call, answer) => Task.FromResult(call.Operation switch
        {
            "DescribeServices" => ProxiedAnswer.Json(Say(answer.Text)),
            "DescribeTargetHealth" => answer with { Body = Encoding.UTF8.GetBytes(Unhealthy) },
            _ => answer,
        });

        var unstarted = await cloud.ListenerAsync("Create", FleetCloud.ListenerProperties(), limit: TimeSpan.FromSeconds(8));

        Assert.Equal(
            "The listener was not served in the time that the request has. No gateway task has reported yet. ECS: (service default) was unable to place a task. Reason: Capacity is unavailable at this time.",
            unstarted.Reason);
        Assert.Equal("", await cloud.LeftOfListenersAsync());

        using var stop = new CancellationTokenSource();
        var reports = ReportAsync(cloud, stop.Token);
        var unhealthy = await cloud.ListenerAsync("Create", FleetCloud.ListenerProperties(), limit: TimeSpan.FromSeconds(8));
        await stop.CancelAsync();
        await reports;

        Assert.Equal(
            "The listener was not served in the time that the request has. The balancer has no healthy target: 10.0.0.9 is unhealthy (Target.FailedHealthChecks: Health checks failed with these codes: [503]).",
            unhealthy.Reason);
        Assert.Equal("", await cloud.LeftOfListenersAsync());

        static string Say(string services)
        {
            var answer = JsonNode.Parse(services)!;
            foreach (var service in answer["services"]!.AsArray())
                service!["events"] = new JsonArray(new JsonObject { ["message"] = "(service default) was unable to place a task. Reason: Capacity is unavailable at this time." });
            return answer.ToJsonString();
        }
    }

    [RequiresMotoFact]
    public async Task What_a_task_cannot_serve_is_in_the_reason()
    {
        const string Cause = "The gateway cannot read the record of listener echo: a newer version of the provider wrote it.";
        await using var cloud = await FleetCloud.StartAsync(moto);
        Assert.True((await cloud.FleetAsync("Create", cloud.FleetProperties())).Succeeded);
        using var stop = new CancellationTokenSource();
        var reports = ReportAsync(cloud, stop.Token, new() { ["echo"] = Cause });

        var refused = await cloud.ListenerAsync("Create", FleetCloud.ListenerProperties());
        await stop.CancelAsync();
        await reports;

        Assert.Equal(Cause, refused.Reason);
        Assert.Equal("", await cloud.LeftOfListenersAsync());
    }

    private const string Unhealthy = """
        <DescribeTargetHealthResponse xmlns="http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"><DescribeTargetHealthResult><TargetHealthDescriptions><member>
        <Target><Id>10.0.0.9</Id><Port>30000</Port></Target><TargetHealth><State>unhealthy</State><Reason>Target.FailedHealthChecks</Reason><Description>Health checks failed with these codes: [503]</Description></TargetHealth>
        </member></TargetHealthDescriptions></DescribeTargetHealthResult></DescribeTargetHealthResponse>
        """;

    private static async Task ReportAsync(FleetCloud cloud, CancellationToken cancellationToken, Dictionary<string, string>? failures = null)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            var served = await cloud.Store.ReadRevisionAsync(CancellationToken.None);
            await cloud.FleetStore.WriteReportAsync(new GatewayTaskReport { TaskId = "task", FleetName = "default", Address = "10.0.0.9", ServedRevision = served, Failures = failures ?? [] }, CancellationToken.None);
            await Task.Delay(200, CancellationToken.None);
        }
    }

    private static bool IsListenersSecret(ProxiedCall call) => call.Operation == "CreateSecret" && !call.Text.Contains("udp-gateway/fleet-", StringComparison.Ordinal);

    private static string ProviderUnderTestFunction(string name) => $"arn:aws:lambda:us-west-2:123456789012:function:{name}";

    private static void Succeeded(TestDoubles.Answer answer, FargateAgent fargate) =>
        Assert.True(answer.Succeeded, $"{answer.Reason}\n{string.Join('\n', fargate.Tasks.Select(task => task.Output))}");

    private static Task EchoAsync(Microsoft.AspNetCore.Http.HttpContext context, int number)
    {
        var messages = JsonNode.Parse(StubService.RequestOf(context).Body)!["Messages"]!.AsArray();
        var answer = new JsonObject { ["Replies"] = new JsonArray([.. messages.Select(packet => new JsonObject { ["Tag"] = packet!["Tag"]!.DeepClone(), ["Data"] = packet["Data"]!.DeepClone() })]) };
        return StubService.AnswerAsync(context, 200, answer.ToJsonString());
    }
}
