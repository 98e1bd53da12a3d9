using System.Text;
using System.Text.Json.Nodes;
using UdpGateway.Aws;
using UdpGateway.Aws.Tests;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;
using UdpGateway.Provider.Provisioning;
using UdpGateway.Provider.Tests.TestDoubles;
using UdpGateway.Tests;

namespace UdpGateway.Provider.Tests.Fleets;

/// <summary>What tasks and events that died left is removed, and nothing else.</summary>
public sealed class FleetSweepTests(MotoServer moto) : IClassFixture<MotoServer>
{
    private static readonly FleetEvent SomeTaskStopped = new("default", null, "gone");

    [RequiresMotoFact]
    public async Task The_address_of_a_killed_task_goes_unless_another_task_has_it()
    {
        await using var cloud = await StartAsync();
        AnswerTasks(cloud, ("gone", "10.0.0.1", "STOPPED"), ("next", "10.0.0.1", "RUNNING"), ("dead", "10.0.0.2", "STOPPED"), ("draining", "10.0.0.3", "DEACTIVATING"), ("starting", "10.0.0.4", "PENDING"));
        var group = await MakeGroupAsync(cloud, await ListenerAsync(cloud), "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6");
        await ReportAsync(cloud, "gone", "10.0.0.1");
        await ReportAsync(cloud, "dead", "10.0.0.2");
        // ECS does not list it yet, or not any more.
        await ReportAsync(cloud, "unlisted", "10.0.0.5");

        await cloud.NewSweep(TimeSpan.FromHours(6)).RunAsync(SomeTaskStopped with { ClusterName = cloud.Cluster, StoppedTaskId = "gone" }, default);

        Assert.Equal(["10.0.0.1", "10.0.0.3", "10.0.0.4", "10.0.0.5"], (await cloud.Balancing.DescribeTargetHealthAsync(group, default)).Select(target => target.Target.Address).Order(StringComparer.Ordinal));
        Assert.Equal(["unlisted"], (await cloud.FleetStore.ReadReportsAsync("default", default)).Select(report => report.TaskId));
    }

    [RequiresMotoFact]
    public async Task Another_fleets_task_concerns_nothing_here()
    {
        await using var cloud = await StartAsync();
        AnswerTasks(cloud);
        var group = await MakeGroupAsync(cloud, await ListenerAsync(cloud), "10.0.0.1");

        await cloud.NewSweep(TimeSpan.Zero).RunAsync(SomeTaskStopped with { ClusterName = "another" }, default);
        await cloud.NewSweep(TimeSpan.Zero).RunAsync(SomeTaskStopped with { ClusterName = cloud.Cluster, ServiceName = "another" }, default);

        Assert.Single(await cloud.Balancing.DescribeTargetHealthAsync(group, default));
    }

    [RequiresMotoFact]
    public async Task What_belongs_to_no_record_goes_when_it_has_been_so_for_hours()
    {
        await using var cloud = await StartAsync();
        AnswerTasks(cloud, ("task", "10.0.0.1", "RUNNING"));
        var kept = await ListenerAsync(cloud);
        var keptGroup = await MakeGroupAsync(cloud, kept, "10.0.0.1");
        await cloud.FleetStore.TryClaimPortAsync("default", kept.Port, kept.PhysicalResourceId, default);
        await AdmitAsync(cloud, kept);
        var forgotten = kept with { PhysicalResourceId = "forgotten", Port = 5353 };
        var forgottenGroup = await MakeGroupAsync(cloud, forgotten, "10.0.0.1");
        await cloud.FleetStore.TryClaimPortAsync("default", forgotten.Port, forgotten.PhysicalResourceId, default);
        await AdmitAsync(cloud, forgotten);
        var foreign = await cloud.Balancing.CreateTargetGroupAsync(new TargetGroupInput("somebody-elses", (await FleetAsync(cloud)).VpcId, 7000, 9101, "/", new Dictionary<string, string>()), default);
        await cloud.Balancing.CreateListenerAsync(cloud.LoadBalancerArn, 7000, foreign, new Dictionary<string, string>(), default);

        await cloud.NewSweep(TimeSpan.FromHours(6)).RunAsync(FleetEvent.Scheduled, default);
        Assert.Equal([53, 5353, 7000], await PortsAsync());
        Assert.Equal(2, (await cloud.FleetStore.ReadPortClaimsAsync("default", default)).Count);

        await cloud.NewSweep(TimeSpan.Zero).RunAsync(FleetEvent.Scheduled, default);

        Assert.Equal([53, 7000], await PortsAsync());
        Assert.Equal([kept.PhysicalResourceId], (await cloud.FleetStore.ReadPortClaimsAsync("default", default)).Values);
        Assert.Equal([53], (await cloud.Ec2.DescribeSecurityGroupRulesAsync(cloud.BalancerGroup, default)).Select(rule => rule.FromPort));
        Assert.Empty(await cloud.Balancing.DescribeTargetHealthAsync(forgottenGroup, default));
        Assert.Single(await cloud.Balancing.DescribeTargetHealthAsync(keptGroup, default));

        async Task<IEnumerable<int>> PortsAsync() => (await cloud.Balancing.DescribeListenersAsync(cloud.LoadBalancerArn, default)).Select(listener => listener.Port).Order();
    }

    [RequiresMotoFact]
    public async Task What_hangs_on_no_balancer_is_found_by_the_installations_tag()
    {
        await using var cloud = await StartAsync();
        AnswerTasks(cloud);
        var listener = await ListenerAsync(cloud, secretId: $"udp-gateway/echo-{cloud.TableName}");
        var source = await SourceAsync(cloud, listener);
        var ours = ProvisioningTags.Of(cloud.TableName);
        var theirs = ProvisioningTags.Of("another-table");
        var none = new Dictionary<string, string>();
        var fleet = await FleetAsync(cloud);
        var kept = new List<string>
        {
            await QueueAsync(SqsPacketSourceProvisioner.QueueName(source), ours),
            await QueueAsync($"udpgw-source-theirs-{cloud.HealthPort}", theirs),
            await QueueAsync($"udpgw-source-former-{cloud.HealthPort}", none),
            await QueueAsync($"customers-{cloud.HealthPort}", ours),
            await SecretAsync(listener.SecretId!, ours),
            await SecretAsync($"udp-gateway/theirs-{cloud.HealthPort}", theirs),
            await SecretAsync($"udp-gateway/former-{cloud.HealthPort}", none),
            await SecretAsync($"customers-{cloud.HealthPort}", ours),
            fleet.RelaySecretId!,
            await GroupAsync("live", ProvisioningTags.Of(cloud.TableName, fleet, listener)),
            await GroupAsync("theirs", ProvisioningTags.Of("another-table", fleet, listener with { PhysicalResourceId = "gone" })),
            await GroupAsync("former", none),
        };
        var orphans = new List<string>
        {
            await QueueAsync(SqsPacketSourceProvisioner.QueueName(source with { PhysicalResourceId = "echo/gone" }), ours),
            await SecretAsync($"udp-gateway/gone-{cloud.HealthPort}", ours),
            await GroupAsync("gone", ProvisioningTags.Of(cloud.TableName, fleet, listener with { PhysicalResourceId = "gone" })),
        };

        await cloud.NewSweep(TimeSpan.FromHours(6)).RunAsync(FleetEvent.Scheduled, default);
        Assert.Equal([.. kept, .. orphans], await LivingAsync([.. kept, .. orphans]));
        await cloud.NewSweep(TimeSpan.Zero).RunAsync(SomeTaskStopped, default);
        Assert.Equal([.. kept, .. orphans], await LivingAsync([.. kept, .. orphans]));

        await cloud.NewSweep(TimeSpan.Zero).RunAsync(FleetEvent.Scheduled, default);
        Assert.Equal(kept, await LivingAsync([.. kept, .. orphans]));

        // A deleted secret keeps its tag for as long as it can be restored.
        var before = cloud.Proxy.Calls.Count(call => call.Operation == "DeleteSecret");
        await cloud.NewSweep(TimeSpan.Zero).RunAsync(FleetEvent.Scheduled, default);
        Assert.Equal(before, cloud.Proxy.Calls.Count(call => call.Operation == "DeleteSecret"));

        async Task<string> QueueAsync(string name, IReadOnlyDictionary<string, string> tags)
        {
            await cloud.Queues.CreateQueueAsync(name, none, tags, default);
            return name;
        }

        async Task<string> SecretAsync(string name, IReadOnlyDictionary<string, string> tags)
        {
            await cloud.Secrets.CreateSecretAsync(name, "value", Guid.NewGuid().ToString(), null, tags, default);
            return name;
        }

        async Task<string> GroupAsync(string name, IReadOnlyDictionary<string, string> tags)
        {
            name = $"udpgw-{name}-{cloud.HealthPort}";
            await cloud.Balancing.CreateTargetGroupAsync(new TargetGroupInput(name, fleet.VpcId, 7000, cloud.HealthPort, "/", tags), default);
            return name;
        }

        async Task<IReadOnlyList<string>> LivingAsync(IEnumerable<string> names)
        {
            var secrets = await cloud.SecretsAsync();
            var living = new List<string>();
            foreach (var name in names)
            {
                if (secrets.Contains(name) || (!name.Contains('/', StringComparison.Ordinal) && (await cloud.Balancing.DescribeTargetGroupsAsync(name, default) is not null || await HasQueueAsync(name))))
                    living.Add(name);
            }

            return living;
        }

        async Task<bool> HasQueueAsync(string name)
        {
            try
            {
                await cloud.Queues.GetQueueUrlAsync(name, "123456789012", default);
                return true;
            }
            catch (AwsServiceException failure) when (SqsPacketSourceProvisioner.IsMissing(failure))
            {
                return false;
            }
        }
    }

    [RequiresMotoFact]
    public async Task What_another_installation_made_on_the_same_balancer_stays()
    {
        await using var cloud = await StartAsync();
        AnswerTasks(cloud);
        var fleet = await FleetAsync(cloud);
        var theirs = (await ListenerAsync(cloud)) with { PhysicalResourceId = "theirs", Port = 5353 };
        var tags = ProvisioningTags.Of("another-table", fleet, theirs);
        var group = await cloud.Balancing.CreateTargetGroupAsync(
            new TargetGroupInput(FleetNames.TargetGroup(cloud.LoadBalancerArn, theirs), fleet.VpcId, theirs.Port, cloud.HealthPort, "/", tags), default);
        await cloud.Balancing.CreateListenerAsync(cloud.LoadBalancerArn, theirs.Port, group, tags, default);
        await cloud.Ec2.AuthorizeSecurityGroupIngressAsync(cloud.BalancerGroup, new IngressRule(theirs.Port, "0.0.0.0/0", null, "clients", tags), default);

        await cloud.NewSweep(TimeSpan.Zero).RunAsync(FleetEvent.Scheduled, default);

        Assert.Equal([5353], (await cloud.Balancing.DescribeListenersAsync(cloud.LoadBalancerArn, default)).Select(listener => listener.Port));
        Assert.Equal([5353], (await cloud.Ec2.DescribeSecurityGroupRulesAsync(cloud.BalancerGroup, default)).Select(rule => rule.FromPort));
    }

    [RequiresMotoFact]
    public async Task Without_an_answer_about_tags_nothing_is_taken_for_forgotten()
    {
        await using var cloud = await StartAsync();
        await MakeGroupAsync(cloud, (await ListenerAsync(cloud)) with { PhysicalResourceId = "forgotten", Port = 5353 }, "10.0.0.1");
        AnswerTasks(cloud);
        var answerTasks = cloud.Proxy.Replace!;
        cloud.Proxy.Replace = call => call.Operation == "GetResources" ? Task.FromResult<ProxiedAnswer?>(ProxiedAnswer.Json("{}") with { Status = 400 }) : answerTasks(call);

        await cloud.NewSweep(TimeSpan.Zero).RunAsync(FleetEvent.Scheduled, default);

        Assert.Equal([5353], (await cloud.Balancing.DescribeListenersAsync(cloud.LoadBalancerArn, default)).Select(listener => listener.Port));
    }

    [RequiresMotoFact]
    public async Task A_fleet_with_listeners_that_nobody_serves_is_told_of_at_every_look()
    {
        await using var cloud = await StartAsync();
        AnswerTasks(cloud);
        var log = new CapturedLog<FleetSweep>();
        var sweep = cloud.NewSweep(TimeSpan.FromHours(6), log);

        await sweep.RunAsync(FleetEvent.Scheduled, default);
        Assert.DoesNotContain(log.Lines, IsTold);

        await ListenerAsync(cloud);
        await sweep.RunAsync(FleetEvent.Scheduled, default);
        Assert.Single(log.Lines, IsTold);

        await cloud.FleetStore.WriteReportAsync(new GatewayTaskReport { TaskId = "leaving", FleetName = "default", Address = "10.0.0.1", ServedRevision = 1, IsDraining = true }, default);
        await sweep.RunAsync(FleetEvent.Scheduled, default);
        Assert.Equal(2, log.Lines.Count(IsTold));

        await ReportAsync(cloud, "serving", "10.0.0.2");
        await sweep.RunAsync(FleetEvent.Scheduled, default);
        Assert.Equal(2, log.Lines.Count(IsTold));

        static bool IsTold(string line) => line.StartsWith("Warning The fleet default has 1 listeners and no gateway task", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"source":"aws.events","detail-type":"Scheduled Event","detail":{}}""", true, true)]
    [InlineData("""{"source":"aws.ecs","detail-type":"ECS Task State Change","detail":{"lastStatus":"STOPPED","group":"service:default","clusterArn":"arn:aws:ecs:us-west-2:123456789012:cluster/c","taskArn":"arn:aws:ecs:us-west-2:123456789012:task/c/1"}}""", true, true)]
    [InlineData("""{"source":"aws.ecs","detail-type":"ECS Task State Change","detail":{"lastStatus":"RUNNING","group":"service:default","clusterArn":"c","taskArn":"t"}}""", true, false)]
    [InlineData("""{"source":"aws.ecs","detail-type":"ECS Task State Change","detail":7}""", true, false)]
    [InlineData("""{"source":"aws.s3","detail-type":"Object Created"}""", true, false)]
    [InlineData("""{"RequestType":"Create","ResponseURL":"https://a"}""", false, false)]
    [InlineData("""{"source":"\ud800","detail-type":"Scheduled Event"}""", false, false)]
    [InlineData("[]", false, false)]
    [InlineData("no json", false, false)]
    public void Events_of_EventBridge_are_told_from_CloudFormations(string payload, bool isEvent, bool asksForWork)
    {
        Assert.Equal(isEvent, FleetEvent.TryParse(Encoding.UTF8.GetBytes(payload), out var fleetEvent));
        Assert.Equal(asksForWork, fleetEvent is not null);
    }

    private async Task<FleetCloud> StartAsync()
    {
        var cloud = await FleetCloud.StartAsync(moto);
        var answer = await cloud.FleetAsync("Create", cloud.FleetProperties());
        Assert.True(answer.Succeeded, answer.Reason);
        return cloud;
    }

    private static async Task<FleetRecord> FleetAsync(FleetCloud cloud) => (await cloud.Store.FindAsync<FleetRecord>("default", default))!;

    /// <summary>A record as an event leaves it, without the wait for tasks.</summary>
    private static async Task<ListenerRecord> ListenerAsync(FleetCloud cloud, string? secretId = null)
    {
        var record = new ListenerRecord
        {
            PhysicalResourceId = "echo",
            StackId = "stack",
            LogicalResourceId = "Listener",
            RequestId = "r",
            Port = 53,
            TargetPort = FleetNames.TargetPort(53),
            SecretId = secretId,
            Definition = new ListenerDefinition { Name = "echo", Protocol = ListenerProtocol.Udp, Destinations = [] },
        };
        Assert.True(await cloud.Store.TryWriteAsync(record, 0, default));
        return record;
    }

    private static async Task<PacketSourceRecord> SourceAsync(FleetCloud cloud, ListenerRecord listener)
    {
        var record = new PacketSourceRecord
        {
            PhysicalResourceId = "echo/source",
            StackId = $"stack-{cloud.TableName}",
            LogicalResourceId = "Source",
            RequestId = "r",
            ListenerName = listener.PhysicalResourceId,
            TopicArn = "arn:aws:sns:us-west-2:123456789012:topic",
        };
        Assert.True(await cloud.Store.TryWriteAsync(record, 0, default));
        return record;
    }

    private static async Task<string> MakeGroupAsync(FleetCloud cloud, ListenerRecord listener, params string[] addresses)
    {
        var fleet = await FleetAsync(cloud);
        var tags = ProvisioningTags.Of(cloud.TableName, fleet, listener);
        var group = await cloud.Balancing.CreateTargetGroupAsync(
            new TargetGroupInput(FleetNames.TargetGroup(cloud.LoadBalancerArn, listener), fleet.VpcId, listener.Port, cloud.HealthPort, "/", tags), default);
        await cloud.Balancing.CreateListenerAsync(cloud.LoadBalancerArn, listener.Port, group, tags, default);
        await cloud.Balancing.RegisterTargetsAsync(group, [.. addresses.Select(address => new TargetAddress(address, listener.Port))], default);
        return group;
    }

    private static async Task AdmitAsync(FleetCloud cloud, ListenerRecord listener) => await cloud.Ec2.AuthorizeSecurityGroupIngressAsync(
        cloud.BalancerGroup, new IngressRule(listener.Port, "0.0.0.0/0", null, "clients", ProvisioningTags.Of(cloud.TableName, await FleetAsync(cloud), listener)), default);

    private static Task ReportAsync(FleetCloud cloud, string task, string address) =>
        cloud.FleetStore.WriteReportAsync(new GatewayTaskReport { TaskId = task, FleetName = "default", Address = address, ServedRevision = 1 }, default);

    /// <summary>moto runs no tasks.</summary>
    private static void AnswerTasks(FleetCloud cloud, params (string Id, string Address, string Status)[] tasks) => cloud.Proxy.Replace = call =>
    {
        var answer = call.Operation switch
        {
            "ListTasks" => new JsonObject { ["taskArns"] = new JsonArray([.. tasks.Where(task => (task.Status is "RUNNING" or "PENDING") == call.Text.Contains("\"RUNNING\"", StringComparison.Ordinal)).Select(task => JsonValue.Create($"arn:aws:ecs:::task/c/{task.Id}"))]) },
            "DescribeTasks" => new JsonObject
            {
                ["tasks"] = new JsonArray([.. tasks.Select(task => new JsonObject
                {
                    ["taskArn"] = $"arn:aws:ecs:::task/c/{task.Id}",
                    ["lastStatus"] = task.Status,
                    ["attachments"] = new JsonArray(new JsonObject { ["details"] = new JsonArray(new JsonObject { ["name"] = "privateIPv4Address", ["value"] = task.Address }) }),
                })]),
            },
            _ => null,
        };
        return Task.FromResult(answer is null ? null : ProxiedAnswer.Json(answer.ToJsonString()));
    };
}
