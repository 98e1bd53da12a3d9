using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using UdpGateway.Listeners;

namespace UdpGateway.Templates.Tests;

/// <summary>The provider's template on moto, which makes most of what it declares.</summary>
public sealed partial class DeploymentTests
{
    /// <summary>What moto's stacks leave out.</summary>
    private static readonly string[] UnknownToMoto =
    [
        "AWS::CloudWatch::Alarm", "AWS::Logs::MetricFilter", "AWS::S3::BucketPolicy", "AWS::EC2::SecurityGroupEgress", "AWS::CloudFormation::WaitConditionHandle",
        "AWS::Lambda::EventInvokeConfig",
    ];

    // By parameters; nobody changes them.
    private static readonly ConcurrentDictionary<string, Lazy<Task<JsonNode>>> Deployed = new(StringComparer.Ordinal);

    [RequiresPythonFact(["cfnlint", "samtranslator", "moto", "boto3"], RequiresPythonFactAttribute.Moto)]
    public async Task The_provider_stack_is_made_with_its_defaults()
    {
        var template = await ExpandedTemplate.ReadAsync(Repository.PathOf("templates", "provider.yaml"));

        var stack = await DeployAsync();

        Assert.Equal("CREATE_COMPLETE", stack["Status"]!.GetValue<string>());
        Assert.All(Texts(stack["Missing"]), missing => Assert.Contains(template.Resources[missing]!["Type"]!.GetValue<string>(), UnknownToMoto));
        Assert.Equal(
            $$"""{"Name":"udp-gateway-default","Type":"network","Vpc":"{{stack["Outputs"]!["VpcId"]}}","Zones":2,"SecurityGroups":1}""", stack["LoadBalancer"]!.ToJsonString());
        Assert.Equal("""{"PK":"HASH","SK":"RANGE"}""", stack["Table"]!.ToJsonString());
        Assert.Equal(["udp 20000-20999 from ['0.0.0.0/0']", "udp 20000-20999 from a group", "tcp 9101-9101 from a group", "tcp 9102-9102 from a group"], Texts(stack["Admissions"]));
        Assert.Equal("udp-gateway-default-1.us-west-2.elb.amazonaws.com", stack["Properties"]!["ProviderFunction"]!["Environment"]!["Variables"]!["UDPGW_DOMAIN"]!.GetValue<string>());
        Assert.All(stack["Retention"]!.AsObject(), group => Assert.Equal(30, group.Value!.GetValue<int>()));
        var fleet = FleetOf(stack);
        Assert.Equal(("ARM64", 2, "", true), (fleet.Architecture, fleet.DesiredCount, fleet.Image, fleet.AssignPublicIp));
        Assert.Equal(new[] { "SubnetA", "SubnetB" }.Select(output => stack["Outputs"]![output]!.GetValue<string>()), fleet.Subnets);
    }

    [RequiresPythonFact(["cfnlint", "samtranslator", "moto", "boto3"], RequiresPythonFactAttribute.Moto)]
    public async Task An_existing_network_is_used_and_none_is_made()
    {
        var template = await ExpandedTemplate.ReadAsync(Repository.PathOf("templates", "provider.yaml"));

        var stack = await DeployAsync("--existing-vpc", "TaskPublicIp=false", "FixedAddresses=true");

        var given = stack["Parameters"]!;
        string[] subnets = [given["SubnetA"]!.GetValue<string>(), given["SubnetB"]!.GetValue<string>()];
        Assert.Equal(
            ["AWS::EC2::EIP", "AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupIngress"],
            Texts(stack["Resources"]).Select(resource => template.Resources[resource]!["Type"]!.GetValue<string>()).Where(type => type.StartsWith("AWS::EC2::", StringComparison.Ordinal)).Distinct().Order());
        Assert.Equal(subnets, MappingsOf(stack).Select(mapping => mapping.Subnet));
        Assert.Equal(Texts(stack["FixedAddresses"]), MappingsOf(stack).Select(mapping => mapping.Address).Order());
        Assert.Equal(subnets, FleetOf(stack).Subnets);
        Assert.False(FleetOf(stack).AssignPublicIp);
        Assert.Equal(given["VpcId"]!.GetValue<string>(), stack["LoadBalancer"]!["Vpc"]!.GetValue<string>());
        Assert.Equal([given["VpcId"]!.GetValue<string>(), .. subnets], new[] { "VpcId", "SubnetA", "SubnetB" }.Select(output => stack["Outputs"]![output]!.GetValue<string>()));
    }

    [RequiresPythonFact(["cfnlint", "samtranslator", "moto", "boto3"], RequiresPythonFactAttribute.Moto)]
    public async Task One_zone_is_one_subnet_and_one_address()
    {
        var stack = await DeployAsync("ApiKey=a-key-of-ours", "FixedAddresses=true", "Zones=1", "AlarmEmail=someone@example.com");

        var subnet = stack["Outputs"]!["SubnetA"]!.GetValue<string>();
        Assert.Equal([(subnet, Assert.Single(Texts(stack["FixedAddresses"])))], MappingsOf(stack));
        Assert.Equal([subnet], FleetOf(stack).Subnets);
        Assert.DoesNotContain("udp-gateway-subnet-b", Texts(stack["Exports"]));
    }

    [RequiresPythonFact(["cfnlint", "samtranslator", "moto", "boto3"], RequiresPythonFactAttribute.Moto)]
    public async Task What_is_asked_for_reaches_fleet_policies_and_logs()
    {
        const string Secrets = "arn:aws:secretsmanager:us-west-2:123456789012:secret:*PSK-*";
        var stack = await DeployAsync(
            "TaskCount=3", "TaskCpu=1024", "TaskMemory=2048", "TaskArchitecture=X86_64", "TaskStopTimeout=60", "TaskEnvironment=A=1,B=2", "Image=gateway:1", "PortRange=30000-30099", "ClientCidr=10.0.0.0/8",
            "DomainName=udp.example.com", "DestinationRoleArns=arn:aws:iam::123456789012:role/a,arn:aws:iam::210987654321:role/b", $"SecretArns={Secrets}", "CallerOrganization=o-abcdefghij", "LogRetention=7");

        var fleet = FleetOf(stack);
        Assert.Equal((3, 1024, 2048, "X86_64", 60, "gateway:1"), (fleet.DesiredCount, fleet.Cpu, fleet.Memory, fleet.Architecture, fleet.StopTimeoutSeconds, fleet.Image));
        Assert.Equal((new PortRange(30_000, 30_099), "10.0.0.0/8", "udp.example.com"), (fleet.PortRange, fleet.ClientCidr, fleet.DomainName));
        Assert.Equal([("A", "1"), ("B", "2")], fleet.Environment.Select(variable => (variable.Key, variable.Value)));
        Assert.Equal(["udp 30000-30099 from ['10.0.0.0/8']", "udp 30000-30099 from a group"], Texts(stack["Admissions"]).Where(rule => rule.StartsWith("udp", StringComparison.Ordinal)));
        var statements = stack["Policies"]!["udp-gateway-service-us-west-2"]!["gateway"]!["Statement"]!.AsArray().ToDictionary(statement => statement!["Sid"]!.GetValue<string>(), statement => statement!["Resource"]!);
        Assert.Equal(["arn:aws:iam::123456789012:role/a", "arn:aws:iam::210987654321:role/b"], Texts(statements["Destinations"]));
        Assert.Equal([Secrets], Texts(statements["ReferencedSecrets"]));
        Assert.Contains("CallersOfOrganization", Texts(stack["Resources"]));
        Assert.All(stack["Retention"]!.AsObject(), group => Assert.Equal(7, group.Value!.GetValue<int>()));
        Assert.Equal(4, stack["Retention"]!.AsObject().Count);
    }

    [RequiresPythonFact(["cfnlint", "samtranslator", "moto", "boto3"], RequiresPythonFactAttribute.Moto)]
    public async Task Networks_that_cannot_be_are_refused()
    {
        Assert.Equal(
            ["SubnetA and SubnetB belong to an existing VPC; give its VpcId, or leave all three empty.", "The VPC that this stack makes has no NAT, so that tasks need a public address; set TaskPublicIp to \"true\"."],
            await RefuseAsync("SubnetA=subnet-1", "TaskPublicIp=false"));
        Assert.Equal(
            ["With VpcId, SubnetA must name a subnet of that VPC.", "With VpcId and two Zones, SubnetB must name a subnet in a second zone; or set Zones to 1."], await RefuseAsync("VpcId=vpc-1"));
        Assert.Equal(["With VpcId, SubnetA must name a subnet of that VPC."], await RefuseAsync("VpcId=vpc-1", "Zones=1"));
    }

    [RequiresPythonFact(["cfnlint", "samtranslator"], RequiresPythonFactAttribute.Lint)]
    public async Task What_faces_the_internet_waits_for_the_gateway_to_it()
    {
        var template = await ExpandedTemplate.ReadAsync(Repository.PathOf("templates", "provider.yaml"));

        Assert.Contains("InternetGatewayAttachment", template.Before("LoadBalancer"));
        Assert.Contains("InternetGatewayAttachment", template.Before("DefaultFleet"));
    }

    [RequiresPythonFact(["cfnlint", "samtranslator", "moto", "boto3"], RequiresPythonFactAttribute.Moto)]
    public async Task The_provider_function_starts_with_the_variables_of_the_stack()
    {
        var stack = await DeployAsync("DomainName=udp.example.com", "ApiKey=a-key-of-ours");
        var function = stack["Properties"]!["ProviderFunction"]!;
        var variables = function["Environment"]!["Variables"]!.AsObject().ToDictionary(variable => variable.Key, variable => variable.Value!.GetValue<string>());
        variables["AWS_REGION"] = "us-west-2";

        Assert.StartsWith("arn:aws:secretsmanager:", variables["UDPGW_API_KEY_SECRET"], StringComparison.Ordinal);
        Assert.Equal("udp.example.com", variables["UDPGW_DOMAIN"]);
        Assert.DoesNotContain("a-key-of-ours", function.ToJsonString(), StringComparison.Ordinal);
        Assert.Matches("^[0-9]{12}$", variables["UDPGW_ACCOUNT_ID"]);
    }

    [RequiresPythonFact(["cfnlint", "samtranslator", "moto", "boto3"], RequiresPythonFactAttribute.Moto)]
    public async Task Readmes_snippets_name_what_the_stack_publishes()
    {
        var stack = await DeployAsync();
        string[] published =
        [
            .. Texts(stack["Exports"]), .. Texts(stack["StoredParameters"]),
            stack["Outputs"]!["ConfigurationDocument"]!.GetValue<string>().Replace("123456789012", "${AWS::AccountId}", StringComparison.Ordinal).Replace("us-west-2", "${AWS::Region}", StringComparison.Ordinal),
        ];
        var named = Directory.GetFiles(Repository.Snippets, "*.yaml").SelectMany(File.ReadAllLines)
            .Select(line => Published().Match(line)).Where(match => match.Success).Select(match => match.Groups["name"].Value).Distinct().ToArray();

        Assert.Equal(6, named.Length);
        Assert.Subset(published.ToHashSet(), named.ToHashSet());
    }

    [RequiresPythonFact(["cfnlint", "samtranslator", "moto", "boto3"], RequiresPythonFactAttribute.Moto)]
    public async Task Everything_that_other_stacks_name_has_a_fixed_name()
    {
        var stack = await DeployAsync("ApiKey=a-key-of-ours", "FixedAddresses=true", "Zones=1", "AlarmEmail=someone@example.com");

        Assert.Equal("arn:aws:lambda:us-west-2:123456789012:function:udp-gateway-provider", stack["Outputs"]!["ServiceToken"]!.GetValue<string>());
        Assert.Equal("arn:aws:iam::123456789012:role/udp-gateway-service-us-west-2", stack["Outputs"]!["ServiceRole"]!.GetValue<string>());
        Assert.Equal("s3://udp-gateway-config-123456789012-us-west-2/customer-config.json", stack["Outputs"]!["ConfigurationDocument"]!.GetValue<string>());
        Assert.Subset(Texts(stack["Exports"]).ToHashSet(), new HashSet<string> { "udp-gateway-service-token", "udp-gateway-service-role", "udp-gateway-cluster", "udp-gateway-endpoint" });
        Assert.Equal(
            """{"us-west-2":{"ServiceToken":"arn:aws:lambda:us-west-2:123456789012:function:udp-gateway-provider","ServiceRole":"arn:aws:iam::123456789012:role/udp-gateway-service-us-west-2"},"Account":{"ApiKey":"a-key-of-ours"}}""",
            stack["Document"]!["Written"]!.ToJsonString());
        Assert.Equal(["SUCCESS", "SUCCESS", "FAILED"], Texts(stack["Document"]!["Answers"]));
        Assert.Equal(0, stack["Document"]!["Left"]!.GetValue<int>());
    }

    [RequiresPythonFact(["cfnlint", "samtranslator"], RequiresPythonFactAttribute.Lint)]
    public async Task What_is_kept_is_protected()
    {
        var template = await ExpandedTemplate.ReadAsync(Repository.PathOf("templates", "provider.yaml"));
        var table = template.PropertiesOf("Table");

        Assert.Equal("""{"AttributeName":"ExpiresAt","Enabled":true}""", table["TimeToLiveSpecification"]!.ToJsonString());
        Assert.Equal("""{"PointInTimeRecoveryEnabled":true}""", table["PointInTimeRecoverySpecification"]!.ToJsonString());
        Assert.Equal("""{"SSEEnabled":true}""", table["SSESpecification"]!.ToJsonString());
        Assert.Equal("RetainExceptOnCreate", template.Resources["ServiceRole"]!["DeletionPolicy"]!.GetValue<string>());
    }

    [RequiresPythonFact(["cfnlint", "samtranslator"], RequiresPythonFactAttribute.Lint)]
    public async Task Fleets_bring_the_ApiKey_that_the_provider_demands_of_every_resource()
    {
        var provider = await ExpandedTemplate.ReadAsync(Repository.PathOf("templates", "provider.yaml"));
        var further = await ExpandedTemplate.ReadAsync(Repository.PathOf("templates", "fleet.yaml"));

        Assert.Equal("""{"Ref":"ApiKey"}""", provider.PropertiesOf("DefaultFleet")["ApiKey"]!.ToJsonString());
        Assert.Equal("""{"Ref":"ApiKey"}""", further.PropertiesOf("Fleet")["ApiKey"]!.ToJsonString());
        Assert.Equal(
            ("AWS::SSM::Parameter::Value<String>", provider.PropertiesOf("ApiKeyParameter")["Name"]!.GetValue<string>()),
            (further.Parameters["ApiKey"]!["Type"]!.GetValue<string>(), further.Parameters["ApiKey"]!["Default"]!.GetValue<string>()));
    }

    [RequiresPythonFact(["cfnlint", "samtranslator"], RequiresPythonFactAttribute.Lint)]
    public async Task No_ApiKey_can_be_answered_where_sam_takes_no_empty_answer()
    {
        const string Print = """
            import json, sys
            sys.path.insert(0, sys.argv[1])
            from conditions import settle
            from expand import expand
            for key in ("", "none", "a-key-of-ours"):
                made = settle(expand(sys.argv[2]), {"ApiKey": key})["Resources"]
                print("ApiKeySecret" in made, "UDPGW_API_KEY_SECRET" in made["ProviderFunction"]["Properties"]["Environment"]["Variables"])
            """;

        var run = await Tool.RunAsync("python3", "-c", Print, Repository.PathOf("tests", "Templates"), Repository.PathOf("templates", "provider.yaml"));

        Assert.Equal("False False\nFalse False\nTrue True\n", run.Output);
    }

    [RequiresPythonFact(["cfnlint", "samtranslator"], RequiresPythonFactAttribute.Lint)]
    public async Task Sam_builds_with_make_and_the_SDK_alone()
    {
        var template = await ExpandedTemplate.ReadAsync(Repository.PathOf("templates", "provider.yaml"));

        var packed = template.Resources.Where(resource => resource.Value!["Properties"]?["Code"]?["S3Key"] is not null)
            .ToDictionary(resource => resource.Key, resource => resource.Value!["Metadata"]?.ToJsonString());

        Assert.Equal(new() { ["ProviderFunction"] = """{"BuildMethod":"makefile"}""", ["AnsweringFunction"] = """{"SkipBuild":true}""" }, packed);
    }

    [RequiresPythonFact(["cfnlint", "samtranslator"], RequiresPythonFactAttribute.Lint)]
    public async Task Alarms_count_log_lines_that_there_are()
    {
        var template = await ExpandedTemplate.ReadAsync(Repository.PathOf("templates", "provider.yaml"));

        var counted = template.Resources.Where(resource => resource.Value!["Type"]!.GetValue<string>() == "AWS::Logs::MetricFilter").Select(resource => resource.Value!["Properties"]!)
            .SelectMany(filter => filter["FilterPattern"]!.GetValue<string>().Split(' ').Where(word => int.TryParse(word, out _)).Select(id => (Group: filter["LogGroupName"]!["Ref"]!.GetValue<string>(), Id: id))).ToArray();

        Assert.Equal(["GatewayLogs", "ProviderLogs"], counted.Select(line => line.Group).Distinct().Order());
        Assert.All(counted, line => Assert.Contains($"LoggerMessage({line.Id}, LogLevel.", Sources(line.Group == "GatewayLogs" ? "Gateway" : "Provider"), StringComparison.Ordinal));

        static string Sources(string program) => string.Concat(Directory.GetFiles(Repository.PathOf("src", program), "*.cs", SearchOption.AllDirectories).Select(File.ReadAllText));
    }

    private static Task<JsonNode> DeployAsync(params string[] parameters)
    {
        return Deployed.GetOrAdd(string.Join(' ', parameters), _ => new Lazy<Task<JsonNode>>(RunAsync)).Value;

        async Task<JsonNode> RunAsync()
        {
            var run = await Tool.PythonAsync("deploy_on_moto.py", parameters);
            Assert.True(run.ExitCode == 0, run.Error);
            return JsonNode.Parse(run.Output)!;
        }
    }

    private static async Task<IReadOnlyList<string>> RefuseAsync(params string[] parameters)
    {
        var run = await Tool.PythonAsync("deploy_on_moto.py", parameters);
        Assert.Equal(1, run.ExitCode);
        return run.Error.TrimEnd().Split('\n');
    }

    /// <summary>The default fleet as the provider reads it.</summary>
    private static FleetDefinition FleetOf(JsonNode stack)
    {
        var bound = FleetProperties.Bind(JsonSerializer.SerializeToElement(stack["Properties"]!["DefaultFleet"]));
        Assert.Equal([], bound.Problems.Concat(bound.Warnings));
        return bound.Definition!;
    }

    private static IEnumerable<(string Subnet, string? Address)> MappingsOf(JsonNode stack) =>
        stack["Properties"]!["LoadBalancer"]!["SubnetMappings"]!.AsArray().Select(mapping => (mapping!["SubnetId"]!.GetValue<string>(), mapping["AllocationId"]?.GetValue<string>()));

    private static IReadOnlyList<string> Texts(JsonNode? list) => [.. list!.AsArray().Select(item => item!.GetValue<string>())];

    [GeneratedRegex("""!ImportValue (?<name>\S+)|Default: (?<name>/udp-gateway/\S+)|Location: !Sub "(?<name>[^"]+)""", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Published();
}
