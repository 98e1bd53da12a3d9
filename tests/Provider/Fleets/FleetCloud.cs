using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Xml.Linq;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using UdpGateway.Aws;
using UdpGateway.Aws.Tests;
using UdpGateway.Listeners.Storage;
using UdpGateway.Provider.Tests.TestDoubles;
using UdpGateway.Tests;

namespace UdpGateway.Provider.Tests.Fleets;

/// <summary>An account with a balancer, a cluster, security groups and a table in moto, and the provider's handler working with it through a proxy.</summary>
internal sealed class FleetCloud : IAsyncDisposable
{
    public const string Role = "arn:aws:iam::123456789012:role/udp-gateway";

    private readonly MotoServer _moto;
    private readonly HttpClient _responses = CustomResourceHandler.CreateResponseClient();
    private readonly MotoTable _table;
    private readonly AwsConnection _direct;
    private AwsConnection _proxied = null!;
    private SecretsManagerSecretStore _secrets = null!;
    private CustomResourceHandler _handler = null!;
    private int _requests;

    private FleetCloud(MotoServer moto)
    {
        _moto = moto;
        _table = new MotoTable(moto);
        _direct = new AwsConnection(moto.Administrator, TestEnvironment.Region, moto.Url);
        Balancing = new ElasticLoadBalancingV2Client(_direct);
        Ec2 = new Ec2Client(_direct);
        Ecs = new EcsClient(_direct);
        Queues = new SqsClient(_direct);
        Secrets = new SecretsManagerClient(_direct);
    }

    public AwsProxy Proxy { get; private set; } = null!;

    /// <summary>Asks through the proxy, where targets are judged.</summary>
    public IElasticLoadBalancingV2 JudgedBalancing { get; private set; } = null!;

    public ResponseEndpoint Endpoint { get; private set; } = null!;

    /// <summary>These ask moto itself.</summary>
    public IElasticLoadBalancingV2 Balancing { get; }

    public IEc2 Ec2 { get; }

    public IEcs Ecs { get; }

    public ISqs Queues { get; }

    public ISecretsManager Secrets { get; }

    public DynamoDbListenerStore Store { get; private set; } = null!;

    public DynamoDbFleetStore FleetStore { get; private set; } = null!;

    /// <summary>Unique, since tests share the server.</summary>
    public string Cluster { get; } = $"cluster-{Guid.NewGuid():N}";

    public string LoadBalancerArn { get; private set; } = null!;

    public string BalancerGroup { get; private set; } = null!;

    public string TaskGroup { get; private set; } = null!;

    public string Subnet { get; private set; } = null!;

    public int HealthPort { get; } = FreePort();

    public int RelayPort { get; } = FreePort();

    public string TableName => _table.Name;

    public static async Task<FleetCloud> StartAsync(MotoServer moto)
    {
        var cloud = new FleetCloud(moto);
        await cloud.MakeAccountAsync();
        cloud.Proxy = await AwsProxy.StartAsync(moto.Url);
        cloud.Endpoint = await ResponseEndpoint.StartAsync();
        cloud.Store = new DynamoDbListenerStore(await cloud._table.ConnectAsync(), cloud._table.Name);
        cloud.FleetStore = new DynamoDbFleetStore(await cloud._table.ConnectAsync(), cloud._table.Name);
        cloud._proxied = new AwsConnection(moto.Administrator, TestEnvironment.Region, cloud.Proxy.Url);
        cloud.JudgedBalancing = new ElasticLoadBalancingV2Client(cloud._proxied);
        // The handler's own stores, so that their calls fail too.
        var store = new DynamoDbListenerStore(cloud._proxied, cloud._table.Name);
        var provisioner = new AwsProvisioner(
            store, new DynamoDbFleetStore(cloud._proxied, cloud._table.Name), new EcsClient(cloud._proxied), new ElasticLoadBalancingV2Client(cloud._proxied), new Ec2Client(cloud._proxied),
            new FleetServiceOptions(TestEnvironment.Region, cloud._table.Name, TimeProvider.System), TimeSpan.FromMilliseconds(100));
        cloud._secrets = new SecretsManagerSecretStore(moto.Administrator, TestEnvironment.Region, serviceUrl: cloud.Proxy.Url, tags: ProvisioningTags.Of(cloud._table.Name));
        var options = ProviderUnderTest.Local with { MayOmitRole = static _ => true };
        cloud._handler = new CustomResourceHandler(options, store, cloud._secrets, provisioner, cloud._responses, TimeProvider.System, NullLogger<CustomResourceHandler>.Instance);
        return cloud;
    }

    public FleetSweep NewSweep(TimeSpan orphanAge, ILogger<FleetSweep>? log = null) => new(
        Store, FleetStore, new EcsClient(_proxied), new ElasticLoadBalancingV2Client(_proxied), new Ec2Client(_proxied),
        new TaggedOrphans(new ResourceGroupsTaggingClient(_proxied), new SqsClient(_proxied), new SecretsManagerClient(_proxied), new ElasticLoadBalancingV2Client(_proxied), TableName),
        orphanAge, log ?? NullLogger<FleetSweep>.Instance);

    /// <summary>Of every task: where the services are and as whom.</summary>
    public Dictionary<string, string> TaskEnvironment(Uri lambda)
    {
        var credentials = _moto.Administrator.GetCredentials();
        return new Dictionary<string, string>
        {
            ["AWS_REGION"] = TestEnvironment.Region,
            ["AWS_ENDPOINT_URL"] = Proxy.Url.AbsoluteUri,
            ["AWS_ENDPOINT_URL_LAMBDA"] = lambda.AbsoluteUri,
            ["AWS_ACCESS_KEY_ID"] = credentials.AccessKey,
            ["AWS_SECRET_ACCESS_KEY"] = credentials.SecretKey,
            ["UDPGW_WORKERS"] = "1",
            ["UDPGW_DRAIN_SECONDS"] = "1",
        };
    }

    public JsonObject FleetProperties(string name = "default", string image = "gateway:1") => new()
    {
        ["Name"] = name,
        [nameof(Cluster)] = Cluster,
        [nameof(LoadBalancerArn)] = LoadBalancerArn,
        ["Subnets"] = new JsonArray(Subnet),
        ["SecurityGroups"] = new JsonArray(TaskGroup),
        ["Image"] = image,
        ["TaskRoleArn"] = Role,
        ["ExecutionRoleArn"] = Role,
        ["LogGroupName"] = "/udp-gateway/default",
        ["PortRange"] = "30000-30999",
        [nameof(HealthPort)] = HealthPort.ToString(CultureInfo.InvariantCulture),
        [nameof(RelayPort)] = RelayPort.ToString(CultureInfo.InvariantCulture),
        ["DomainName"] = "udp.example.com",
    };

    public static JsonObject ListenerProperties(string name = "echo") => new()
    {
        ["Name"] = name,
        ["Protocols"] = new JsonArray("wg"),
        ["AllowUnknownPeers"] = "true",
        ["DecapsulatedDelivery"] = "true",
        ["Destinations"] = new JsonArray(new JsonObject { ["Name"] = "handler", ["DestinationArn"] = ProviderUnderTest.Function, ["Batching"] = new JsonObject { ["TimeoutInSeconds"] = "0.01" } }),
    };

    public Task<Answer> FleetAsync(string requestType, JsonObject? properties = null, string? physicalResourceId = null, TimeSpan? limit = null) =>
        SendAsync(Event("Custom::UdpGatewayFleet", "Fleet", requestType, properties, physicalResourceId), limit);

    public Task<Answer> ListenerAsync(string requestType, JsonObject? properties = null, string? physicalResourceId = null, string logicalId = "Listener", TimeSpan? limit = null) =>
        SendAsync(Event("Custom::UdpGatewayListener", logicalId, requestType, properties, physicalResourceId), limit);

    public JsonObject Event(string type, string logicalId, string requestType, JsonObject? properties, string? physicalResourceId, string stackId = ProviderUnderTest.StackId) => new()
    {
        ["RequestType"] = requestType,
        ["ResponseURL"] = Endpoint.Url($"{logicalId}-{Interlocked.Increment(ref _requests)}"),
        ["StackId"] = stackId,
        ["RequestId"] = $"request-{_requests}",
        ["LogicalResourceId"] = logicalId,
        ["ResourceType"] = type,
        ["ResourceProperties"] = properties?.DeepClone() ?? new JsonObject(),
        ["PhysicalResourceId"] = physicalResourceId,
    };

    public Task<Answer> SendAsync(JsonObject cloudFormationEvent, TimeSpan? limit = null) => SendAsync(_handler, cloudFormationEvent, limit);

    public async Task<Answer> SendAsync(CustomResourceHandler handler, JsonObject cloudFormationEvent, TimeSpan? limit = null, CancellationToken cancellationToken = default)
    {
        await handler.HandleAsync(JsonSerializer.SerializeToUtf8Bytes(cloudFormationEvent), DateTimeOffset.UtcNow + (limit ?? TimeSpan.FromSeconds(90)), cancellationToken);
        return AnswerTo(cloudFormationEvent) ?? throw new InvalidOperationException("No answer came.");
    }

    /// <summary>The last answer that was sent to the event's ResponseURL; null if none was.</summary>
    public Answer? AnswerTo(JsonObject cloudFormationEvent)
    {
        var path = new Uri(cloudFormationEvent["ResponseURL"]!.GetValue<string>()).AbsolutePath.TrimStart('/');
        return Endpoint.Taken.LastOrDefault(taken => taken.Path == path).Body is { } body ? new Answer(body) : null;
    }

    /// <summary>Delivers an event once more, with a ResponseURL of its own as a retried deployment has.</summary>
    public Task<Answer> SendAgainAsync(JsonObject cloudFormationEvent) => SendAsync(Again(cloudFormationEvent));

    /// <summary>The same event with another ResponseURL.</summary>
    public JsonObject Again(JsonObject cloudFormationEvent)
    {
        var again = (JsonObject)cloudFormationEvent.DeepClone();
        again["ResponseURL"] = Endpoint.Url($"again-{Interlocked.Increment(ref _requests)}");
        return again;
    }

    /// <summary>A provider as it is composed on AWS, in the place of a new process: with connections and credentials of its own, behind this proxy.</summary>
    public CustomResourceHandler Compose(Uri proxy, string serviceRole, AwsPatience patience)
    {
        var settings = new ProviderSettings
        {
            Region = TestEnvironment.Region,
            AccountId = "123456789012",
            TableName = _table.Name,
            DomainName = "udp.example.com",
            ServiceRoleArn = serviceRole,
        };
        var backing = AwsBacking.Compose(settings, NullLoggerFactory.Instance, _moto.Administrator, proxy, patience, TimeSpan.FromMilliseconds(20));
        return new CustomResourceHandler(
            backing.Options with { LocalMode = true }, backing.Store, backing.Secrets, backing.Provisioner, _responses, TimeProvider.System, NullLogger<CustomResourceHandler>.Instance, backing.PacketSources);
    }

    /// <summary>Everything that a provider may have made, also for other stacks and in other tests of the class.</summary>
    public async Task<IReadOnlyList<string>> InventoryAsync(CustomerAccount customer, params string[] fleets)
    {
        var things = new List<string>();
        foreach (var fleet in fleets)
        {
            things.AddRange((await LeftOfListenersAsync(fleet)).Split(", ", StringSplitOptions.RemoveEmptyEntries).Except(things));
            if (await Ecs.DescribeServicesAsync(Cluster, fleet, default) is { Status: not "INACTIVE" } service)
                things.Add($"service {fleet} for {service.DesiredCount} tasks");
            things.AddRange((await Ecs.ListTaskDefinitionsAsync($"{Cluster}-{fleet}", default)).Select(arn => $"task definition {arn}"));
        }

        var configuration = await Store.ReadConfigurationAsync(default);
        things.AddRange(configuration.Fleets.Concat<ResourceRecord>(configuration.DestinationArns).Concat(configuration.PacketSources).Select(record => $"record {record.PhysicalResourceId}"));
        things.AddRange((await SecretsAsync()).Select(name => $"secret {name}"));
        things.AddRange((await customer.SubscriptionsAsync()).Select(arn => $"subscription {arn}"));
        var queues = await CallAsync(_moto, "SQS", "sqs", AwsJson.Headers("AmazonSQS.ListQueues", "1.0"), []);
        things.AddRange((queues["QueueUrls"]?.AsArray() ?? []).Select(url => $"queue {url}"));
        return [.. things.Order(StringComparer.Ordinal)];
    }

    /// <summary>Makes a secret as a customer does.</summary>
    public Task CreateSecretAsync(string name, string value) => CallAsync(
        _moto, "Secrets Manager", "secretsmanager", AwsJson.Headers("secretsmanager.CreateSecret", "1.1"),
        new JsonObject { ["Name"] = name, ["SecretString"] = value, ["ClientRequestToken"] = Guid.NewGuid().ToString() });

    /// <summary>All items of the table, with binary attributes as text.</summary>
    public async Task<string> DumpTableAsync()
    {
        var scan = await CallAsync(_moto, "DynamoDB", "dynamodb", AwsJson.Headers("DynamoDB_20120810.Scan", "1.0"), new JsonObject { [nameof(TableName)] = TableName });
        var items = scan["Items"]!.AsArray();
        Assert.Null(scan["LastEvaluatedKey"]);
        var answers = items.Select(item => item!["Answer"]?["B"]?.GetValue<string>()).OfType<string>().Select(answer => Encoding.UTF8.GetString(Convert.FromBase64String(answer)));
        return string.Join('\n', answers.Prepend(items.ToJsonString()));
    }

    /// <summary>What of the listeners is left anywhere; empty when nothing is.</summary>
    public async Task<string> LeftOfListenersAsync(string fleet = "default")
    {
        var left = new List<string>();
        left.AddRange((await Balancing.DescribeListenersAsync(LoadBalancerArn, default)).Select(listener => $"listener on port {listener.Port}"));
        var groups = await QueryAsync("Elastic Load Balancing v2", "elasticloadbalancing", "2015-12-01", ("Action", "DescribeTargetGroups"));
        left.AddRange(groups.Descendants().Where(element => element.Name.LocalName == "HealthCheckPort" && element.Value == HealthPort.ToString(CultureInfo.InvariantCulture)).Select(_ => "target group"));
        left.AddRange((await FleetStore.ReadPortClaimsAsync(fleet, default)).Select(claim => $"port {claim.Key} of {claim.Value}"));
        left.AddRange((await Ec2.DescribeSecurityGroupRulesAsync(BalancerGroup, default)).Select(rule => $"rule for {rule.FromPort}"));
        left.AddRange((await Ec2.DescribeSecurityGroupRulesAsync(TaskGroup, default)).Select(rule => $"task rule for {rule.FromPort}"));
        left.AddRange((await Store.ReadConfigurationAsync(default)).Listeners.Select(record => $"record {record.PhysicalResourceId}"));
        return string.Join(", ", left);
    }

    /// <summary>Names of all secrets that are not on their way out, also those of other tests of the class.</summary>
    public async Task<IReadOnlyList<string>> SecretsAsync()
    {
        var names = new List<string>();
        var request = new JsonObject { ["MaxResults"] = 100 };
        while (true)
        {
            var page = await CallAsync(_moto, "Secrets Manager", "secretsmanager", AwsJson.Headers("secretsmanager.ListSecrets", "1.1"), request);
            names.AddRange(page["SecretList"]!.AsArray().Select(secret => secret!["Name"]!.GetValue<string>()));
            if (page["NextToken"] is not { } next)
                return names;
            request["NextToken"] = next.DeepClone();
        }
    }

    public Task<JsonNode> CallEcsAsync(string operation, JsonObject body) => CallEcsAsync(_moto, operation, body);

    public static Task<JsonNode> CallEcsAsync(MotoServer moto, string operation, JsonObject body) => CallAsync(moto, "ECS", "ecs", AwsJson.Headers($"AmazonEC2ContainerServiceV20141113.{operation}", "1.1"), body);

    public async ValueTask DisposeAsync()
    {
        await Proxy.DisposeAsync();
        await Endpoint.DisposeAsync();
        _secrets.Dispose();
        _proxied.Dispose();
        _direct.Dispose();
        _table.Dispose();
        _responses.Dispose();
    }

    private async Task MakeAccountAsync()
    {
        await CallEcsAsync("CreateCluster", new JsonObject { ["clusterName"] = Cluster });
        var subnets = await QueryAsync("EC2", "ec2", "2016-11-15", ("Action", "DescribeSubnets"));
        Subnet = Text(subnets, "subnetId");
        var vpc = Text(subnets, "vpcId");
        BalancerGroup = await MakeGroupAsync("balancer", vpc);
        TaskGroup = await MakeGroupAsync("tasks", vpc);
        var balancer = await QueryAsync(
            "Elastic Load Balancing v2", "elasticloadbalancing", "2015-12-01", ("Action", "CreateLoadBalancer"), ("Name", $"nlb-{Guid.NewGuid():N}"[..30]), ("Type", "network"), ("Subnets.member.1", Subnet), ("SecurityGroups.member.1", BalancerGroup));
        LoadBalancerArn = Text(balancer, "LoadBalancerArn");
    }

    private async Task<string> MakeGroupAsync(string name, string vpc) => Text(
        await QueryAsync("EC2", "ec2", "2016-11-15", ("Action", "CreateSecurityGroup"), ("GroupName", $"{name}-{Guid.NewGuid():N}"), ("GroupDescription", name), ("VpcId", vpc)), "groupId");

    private static async Task<JsonNode> CallAsync(MotoServer moto, string serviceId, string name, List<KeyValuePair<string, string>> headers, JsonObject body)
    {
        using var client = new AwsServiceClient(new AwsService(serviceId, name, name), moto.Administrator, new AwsClientSettings(TestEnvironment.Region) { ServiceUrl = moto.Url });
        var response = await client.SendAsync(new TestCall { Headers = headers, Body = Encoding.UTF8.GetBytes(body.ToJsonString()) }, default);
        return JsonNode.Parse(response.Body.Span)!;
    }

    private async Task<XElement> QueryAsync(string serviceId, string name, string version, params (string Name, string Value)[] parameters)
    {
        using var client = new AwsServiceClient(new AwsService(serviceId, name, name), _moto.Administrator, new AwsClientSettings(TestEnvironment.Region) { ServiceUrl = _moto.Url });
        using var form = new FormUrlEncodedContent(parameters.Append(("Version", version)).Select(parameter => KeyValuePair.Create(parameter.Item1, parameter.Item2)));
        var response = await client.SendAsync(new TestCall { Headers = [new("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")], Body = await form.ReadAsByteArrayAsync() }, default);
        return XElement.Parse(Encoding.UTF8.GetString(response.Body.Span));
    }

    private static string Text(XElement answer, string name) => answer.Descendants().First(element => element.Name.LocalName == name).Value;

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private sealed class TestCall : AwsRequest;
}
