using System.Globalization;
using System.Text.Json.Nodes;
using UdpGateway.Aws.Tests;
using UdpGateway.Provider.Tests.Emulation;

namespace UdpGateway.Provider.Tests.Fleets;

/// <summary>
/// The provider's process as it is composed on AWS, under an emulation of Lambda, with moto and gateway processes for ECS's tasks; and two stacks:
/// the provider's own with a fleet, and a customer's with a listener and a packet source. Everybody has the roles that they have on AWS.
/// </summary>
internal sealed class ProviderStacks : IAsyncDisposable
{
    private const string Provider = "provider";

    private readonly HttpClient _http = new();

    private ProviderStacks(FleetCloud cloud, LambdaEmulator lambda, StubService functions)
    {
        (Cloud, Lambda, Functions) = (cloud, lambda, functions);
        Fleets = new CloudFormationEngine(lambda, cloud.Endpoint, "provider") { ResourceType = "Custom::UdpGatewayFleet", LogicalResourceId = "DefaultFleet" };
        // Of its own: the queue is named after it, and moto gives messages to polls of processes that are gone.
        var application = $"app-{Guid.NewGuid():N}"[..12];
        Listeners = new CloudFormationEngine(lambda, cloud.Endpoint, application);
        Sources = new CloudFormationEngine(lambda, cloud.Endpoint, application) { ResourceType = "Custom::ProxylityUdpGatewayPacketSource", LogicalResourceId = "Source" };
    }

    public FleetCloud Cloud { get; }

    public LambdaEmulator Lambda { get; }

    /// <summary>The customer's functions, which answer with what they get.</summary>
    public StubService Functions { get; }

    public CustomerAccount Account { get; private set; } = null!;

    public FargateAgent Fargate { get; private set; } = null!;

    public CloudFormationEngine Fleets { get; }

    public CloudFormationEngine Listeners { get; }

    public CloudFormationEngine Sources { get; }

    public static async Task<ProviderStacks> StartAsync(MotoServer moto)
    {
        var cloud = await FleetCloud.StartAsync(moto);
        var lambda = await LambdaEmulator.StartAsync();
        var stacks = new ProviderStacks(cloud, lambda, await StubService.StartAsync(EchoAsync));
        stacks.Account = await CustomerAccount.CreateAsync(moto, stacks.Listeners.StackId);
        lambda.Add(await ProviderFunctionAsync(moto, cloud, lambda, stacks.Account, TimeSpan.FromMinutes(3)));
        var environment = cloud.TaskEnvironment(stacks.Functions.Url);
        foreach (var (name, value) in await stacks.Account.TaskCredentialsAsync())
            environment[name] = value;
        stacks.Fargate = await FargateAgent.StartAsync(cloud.Proxy, cloud.CallEcsAsync, environment);
        stacks.Fargate.Announce = stopped => lambda.SendEvent(Provider, stopped.ToJsonString());
        return stacks;
    }

    /// <summary>The provider's process as it is composed on AWS, but that its answers may go to a loopback address.</summary>
    /// <param name="program">Null takes the build of the tests.</param>
    /// <param name="retryDelay">As <see cref="EmulatedFunction.RetryDelays"/>, of the one further attempt; null for none.</param>
    public static async Task<EmulatedFunction> ProviderFunctionAsync(
        MotoServer moto, FleetCloud cloud, LambdaEmulator lambda, CustomerAccount account, TimeSpan timeout, string? program = null, TimeSpan? retryDelay = null)
    {
        var own = await moto.Administrator.GetCredentialsAsync();
        return new EmulatedFunction
        {
            Name = Provider,
            FileName = program ?? "dotnet",
            Arguments = program is null ? [EmulatedProvider.Program] : [],
            Timeout = timeout,
            RetryDelays = retryDelay is { } delay ? [delay] : [],
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

    public JsonObject Listener(string function)
    {
        var properties = FleetCloud.ListenerProperties();
        properties["Destinations"]![0]!["DestinationArn"] = $"arn:aws:lambda:us-west-2:123456789012:function:{function}";
        properties["Destinations"]![0]!["Role"] = Account.DeliveryRole;
        return properties;
    }

    public JsonObject Source() => new()
    {
        ["ListenerName"] = "echo",
        ["SnsTopicSource"] = new JsonObject { ["TopicArn"] = Account.Topic, ["Role"] = Account.TopicRole },
    };

    public async Task CompleteAsync(string expected, CloudFormationEngine stack, Task<string> step)
    {
        var status = await step;
        Assert.True(expected == status, $"{status}: {stack.Answers.LastOrDefault(answer => answer?.Succeeded is false)?.Reason}\n{string.Join('\n', Lambda.Output)}\n{string.Join('\n', Fargate.Tasks.Select(task => task.Output))}");
    }

    /// <summary>Packets that the task had others send.</summary>
    public async Task<double> CountRelayedAsync(FargateAgent.AgentTask task)
    {
        var metrics = await _http.GetStringAsync(new Uri($"http://127.0.0.1:{task.AdminPort}/metrics"));
        return metrics.Split('\n').Where(line => line.StartsWith("udpgw_pushed_packets_total", StringComparison.Ordinal) && line.Contains("\"relayed\"", StringComparison.Ordinal))
            .Sum(line => double.Parse(line.Split(' ')[^1], CultureInfo.InvariantCulture));
    }

    public async ValueTask DisposeAsync()
    {
        await Fargate.DisposeAsync();
        await Lambda.DisposeAsync();
        await Functions.DisposeAsync();
        await Cloud.DisposeAsync();
        _http.Dispose();
    }

    private static Task EchoAsync(Microsoft.AspNetCore.Http.HttpContext context, int number)
    {
        var messages = JsonNode.Parse(StubService.RequestOf(context).Body)!["Messages"]!.AsArray();
        var answer = new JsonObject { ["Replies"] = new JsonArray([.. messages.Select(packet => new JsonObject { ["Tag"] = packet!["Tag"]!.DeepClone(), ["Data"] = packet["Data"]!.DeepClone() })]) };
        return StubService.AnswerAsync(context, 200, answer.ToJsonString());
    }
}
