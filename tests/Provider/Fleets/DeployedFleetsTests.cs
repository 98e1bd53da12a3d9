using System.Text.Json.Nodes;
using UdpGateway.Aws;
using UdpGateway.Aws.Tests;
using UdpGateway.Listeners;
using UdpGateway.Provider.Tests.Emulation;
using UdpGateway.Provider.Tests.TestDoubles;
using UdpGateway.Templates.Tests;

namespace UdpGateway.Provider.Tests.Fleets;

/// <summary>
/// The stacks of provider.yaml and fleet.yaml on moto, and the provider's process as the first one sets it up: with its variables, its time, and its role, whose
/// policy moto enforces. It gets the events that both stacks send.
/// </summary>
public sealed class DeployedFleetsTests(MotoWithBalancers moto) : IClassFixture<MotoWithBalancers>
{
    private const string Image = "123456789012.dkr.ecr.us-west-2.amazonaws.com/udp-gateway:1";

    [RequiresPythonFact(["cfnlint", "samtranslator", "moto", "flask", "boto3"], RequiresPythonFactAttribute.Moto)]
    public async Task The_fleets_of_both_templates_are_made_where_their_stacks_say_and_leave_nothing()
    {
        var deployed = await DeployAsync();
        var (provider, further) = (deployed["Default"]!, deployed["Further"]!);
        await using var lambda = await LambdaEmulator.StartAsync();
        await using var endpoint = await ResponseEndpoint.StartAsync();
        lambda.Add(Function(provider["Properties"]!["ProviderFunction"]!, deployed["Credentials"]!, lambda));
        var fleet = Stack(lambda, endpoint, "udp-gateway", "DefaultFleet", provider);
        var furtherFleet = Stack(lambda, endpoint, "udp-gateway-further", "Fleet", further);

        await CompleteAsync("CREATE_COMPLETE", fleet, fleet.CreateAsync(PropertiesOf(provider, "DefaultFleet")), lambda);
        await CompleteAsync("CREATE_COMPLETE", furtherFleet, furtherFleet.CreateAsync(PropertiesOf(further, "Fleet")), lambda);

        await AssertServiceAsync("default", provider, provider, ["PublicSubnetA", "PublicSubnetB"], "ARM64");
        var variables = await AssertServiceAsync("further", further, provider, ["PublicSubnetA"], "X86_64");
        Assert.Equal("1", variables["UDPGW_ROTATION_GRACE_HOURS"]);
        Assert.Equal(
            [("Fleet", "further"), ("Endpoint", further["Outputs"]!["LoadBalancerName"]!.GetValue<string>())],
            further["OutputsLeftOut"]!.AsObject().Select(output => (output.Key, Resolve(output.Value!, furtherFleet))));

        var table = Text(provider["Resources"]!["Table"]);
        using var connection = new AwsConnection(moto.Administrator, TestEnvironment.Region, moto.Url);
        var store = new DynamoDbListenerStore(connection, table);
        using var secrets = new SecretsManagerSecretStore(moto.Administrator, TestEnvironment.Region, serviceUrl: moto.Url);
        var keys = (await store.ReadConfigurationAsync(default)).Fleets.Select(record => new SecretReference(record.RelaySecretId!)).ToArray();
        Assert.Equal(2, keys.Length);

        await CompleteAsync("DELETE_COMPLETE", furtherFleet, furtherFleet.DeleteAsync(), lambda);
        await CompleteAsync("DELETE_COMPLETE", fleet, fleet.DeleteAsync(), lambda);

        await lambda.WhenIdleAsync();
        Assert.Empty(lambda.Errors);
        Assert.Empty((await store.ReadConfigurationAsync(default)).Fleets);
        foreach (var key in keys)
            Assert.Equal(SecretReadStatus.Deleted, (await secrets.ReadAsync(key, default)).Status);
        var ecs = new EcsClient(connection);
        foreach (var name in new[] { "default", "further" })
        {
            Assert.Equal("INACTIVE", (await ecs.DescribeServicesAsync(Text(provider["Outputs"]!["Cluster"]), name, default))?.Status);
            Assert.Empty(await ecs.ListTaskDefinitionsAsync($"udp-gateway-{name}", default));
        }
    }

    private async Task<JsonNode> DeployAsync()
    {
        var administrator = await moto.Administrator.GetCredentialsAsync();
        var run = await Tool.RunAsync(
            "python3", [Templates.Tests.Repository.PathOf("tests", "Templates", "deploy_fleets_on_moto.py"), moto.Url.AbsoluteUri, Image],
            new() { ["AWS_ACCESS_KEY_ID"] = administrator.AccessKey, ["AWS_SECRET_ACCESS_KEY"] = administrator.SecretKey });
        Assert.True(run.ExitCode == 0, run.Error);
        return JsonNode.Parse(run.Output)!;
    }

    private EmulatedFunction Function(JsonNode properties, JsonNode credentials, LambdaEmulator lambda)
    {
        var function = new EmulatedFunction
        {
            Name = Text(properties["FunctionName"]),
            FileName = "dotnet",
            Arguments = [EmulatedProvider.Program],
            Timeout = TimeSpan.FromSeconds(properties["Timeout"]!.GetValue<int>()),
            Environment =
            {
                ["TESTHOST_AWS"] = "1",
                ["AWS_ENDPOINT_URL"] = moto.Url.AbsoluteUri,
                ["AWS_ENDPOINT_URL_LAMBDA"] = lambda.Endpoint.AbsoluteUri,
            },
        };
        foreach (var (name, value) in properties["Environment"]!["Variables"]!.AsObject().Concat(credentials.AsObject()))
            function.Environment.Add(name, Text(value));
        return function;
    }

    private static CloudFormationEngine Stack(LambdaEmulator lambda, ResponseEndpoint endpoint, string name, string resource, JsonNode deployed) => new(lambda, endpoint, name)
    {
        ResourceType = "Custom::UdpGatewayFleet",
        LogicalResourceId = resource,
        Provider = Text(PropertiesOf(deployed, resource)["ServiceToken"]).Split(':')[^1],
    };

    private static async Task CompleteAsync(string expected, CloudFormationEngine stack, Task<string> step, LambdaEmulator lambda)
    {
        var status = await step;
        Assert.True(expected == status, $"{status}: {stack.Answers.LastOrDefault(answer => answer?.Succeeded is false)?.Reason}\n{string.Join('\n', lambda.Output)}");
    }

    /// <summary>What ECS was told of a fleet is what its stack, and the provider's, made.</summary>
    /// <returns>The tasks' variables.</returns>
    private async Task<Dictionary<string, string>> AssertServiceAsync(string name, JsonNode stack, JsonNode provider, string[] subnets, string architecture)
    {
        var outputs = provider["Outputs"]!;
        var described = await FleetCloud.CallEcsAsync(moto, "DescribeServices", new JsonObject { ["cluster"] = Text(outputs["Cluster"]), ["services"] = new JsonArray(name) });
        var service = Assert.Single(described["services"]!.AsArray())!;
        var network = service["networkConfiguration"]!["awsvpcConfiguration"]!;
        Assert.Equal(("ACTIVE", "FARGATE", 0), (Text(service["status"]), Text(service["launchType"]), service["desiredCount"]!.GetValue<int>()));
        Assert.Equal(subnets.Select(subnet => Text(provider["Resources"]![subnet])), network["subnets"]!.AsArray().Select(Text));
        Assert.Equal([Text(stack["Resources"]!["TaskSecurityGroup"])], network["securityGroups"]!.AsArray().Select(Text));
        Assert.Equal("ENABLED", Text(network["assignPublicIp"]));

        var task = (await FleetCloud.CallEcsAsync(moto, "DescribeTaskDefinition", new JsonObject { ["taskDefinition"] = Text(service["taskDefinition"]) }))["taskDefinition"]!;
        var container = Assert.Single(task["containerDefinitions"]!.AsArray())!;
        Assert.Equal((Text(outputs["ServiceRole"]), Text(outputs["ExecutionRole"])), (Text(task["taskRoleArn"]), Text(task["executionRoleArn"])));
        Assert.Equal(("256", "512", architecture), (Text(task["cpu"]), Text(task["memory"]), Text(task["runtimePlatform"]!["cpuArchitecture"])));
        Assert.Equal((Image, 120), (Text(container["image"]), container["stopTimeout"]!.GetValue<int>()));
        Assert.Equal(Text(outputs["GatewayLogGroup"]), Text(container["logConfiguration"]!["options"]!["awslogs-group"]));
        var variables = container["environment"]!.AsArray().ToDictionary(variable => Text(variable!["name"]), variable => Text(variable!["value"]));
        Assert.Equal(
            (Text(provider["Resources"]!["Table"]), Text(stack["Resources"]!["LoadBalancer"]), Text(stack["Outputs"]!["LoadBalancerName"])),
            (variables["UDPGW_TABLE"], variables["UDPGW_LOAD_BALANCER"], variables["UDPGW_DOMAIN"]));
        return variables;
    }

    /// <summary>A Ref or Fn::GetAtt of the fleet, as CloudFormation takes it from the answer.</summary>
    private static string Resolve(JsonNode value, CloudFormationEngine stack) =>
        value["Fn::GetAtt"] is { } attribute ? Text(stack.Answers[^1]!.Data[Text(attribute[1])]) : stack.PhysicalResourceId!;

    private static JsonObject PropertiesOf(JsonNode stack, string resource) => stack["Properties"]![resource]!.AsObject();

    private static string Text(JsonNode? node) => node!.GetValue<string>();
}

/// <summary>Whose stacks make balancers as their template says.</summary>
public sealed class MotoWithBalancers : MotoServer
{
    protected override string Preparation => $"import sys; sys.path.insert(0, '{Templates.Tests.Repository.PathOf("tests", "Templates")}'); import balancers_on_moto";
}
