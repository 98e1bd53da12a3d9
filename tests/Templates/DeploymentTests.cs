using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

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

    [RequiresPythonFact(["cfnlint", "samtranslator", "moto", "boto3"], RequiresPythonFactAttribute.Moto)]
    public async Task The_provider_stack_is_made_with_its_defaults()
    {
        var template = await ExpandedTemplate.ReadAsync(Repository.PathOf("templates", "provider.yaml"));

        var stack = await DeployAsync();

        Assert.Equal("CREATE_COMPLETE", stack["Status"]!.GetValue<string>());
        Assert.All(Texts(stack["Missing"]), missing => Assert.Contains(template.Resources[missing]!["Type"]!.GetValue<string>(), UnknownToMoto));
        Assert.Equal("""{"Name":"udp-gateway-default","Zones":2,"SecurityGroups":1}""", stack["LoadBalancer"]!.ToJsonString());
        Assert.Equal("""{"PK":"HASH","SK":"RANGE"}""", stack["Table"]!.ToJsonString());
        Assert.Equal(["udp 20000-20999 from ['0.0.0.0/0']", "udp 20000-20999 from a group", "tcp 9101-9101 from a group", "tcp 9102-9102 from a group"], Texts(stack["Admissions"]));
        Assert.Equal("udp-gateway-default-1.us-west-2.elb.amazonaws.com", stack["Provider"]!["Environment"]!["UDPGW_DOMAIN"]!.GetValue<string>());
        Assert.All(stack["Retention"]!.AsObject(), group => Assert.Equal(30, group.Value!.GetValue<int>()));
    }

    [RequiresPythonFact(["cfnlint", "samtranslator", "moto", "boto3"], RequiresPythonFactAttribute.Moto)]
    public async Task The_provider_function_starts_with_the_variables_of_the_stack()
    {
        var stack = await DeployAsync("DomainName=udp.example.com", "ApiKey=a-key-of-ours");
        var variables = stack["Provider"]!["Environment"]!.AsObject().ToDictionary(variable => variable.Key, variable => variable.Value!.GetValue<string>());
        variables["AWS_REGION"] = "us-west-2";

        Assert.StartsWith("arn:aws:secretsmanager:", variables["UDPGW_API_KEY_SECRET"], StringComparison.Ordinal);
        Assert.Equal("udp.example.com", variables["UDPGW_DOMAIN"]);
        Assert.DoesNotContain("a-key-of-ours", stack["Provider"]!.ToJsonString(), StringComparison.Ordinal);
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
    public async Task Alarms_count_log_lines_that_there_are()
    {
        var template = await ExpandedTemplate.ReadAsync(Repository.PathOf("templates", "provider.yaml"));

        var counted = template.Resources.Where(resource => resource.Value!["Type"]!.GetValue<string>() == "AWS::Logs::MetricFilter").Select(resource => resource.Value!["Properties"]!)
            .SelectMany(filter => filter["FilterPattern"]!.GetValue<string>().Split(' ').Where(word => int.TryParse(word, out _)).Select(id => (Group: filter["LogGroupName"]!["Ref"]!.GetValue<string>(), Id: id))).ToArray();

        Assert.Equal(["GatewayLogs", "ProviderLogs"], counted.Select(line => line.Group).Distinct().Order());
        Assert.All(counted, line => Assert.Contains($"LoggerMessage({line.Id}, LogLevel.", Sources(line.Group == "GatewayLogs" ? "Gateway" : "Provider"), StringComparison.Ordinal));

        static string Sources(string program) => string.Concat(Directory.GetFiles(Repository.PathOf("src", program), "*.cs", SearchOption.AllDirectories).Select(File.ReadAllText));
    }

    private static async Task<JsonNode> DeployAsync(params string[] parameters)
    {
        var run = await Tool.PythonAsync("deploy_on_moto.py", parameters);
        Assert.True(run.ExitCode == 0, run.Error);
        return JsonNode.Parse(run.Output)!;
    }

    private static IReadOnlyList<string> Texts(JsonNode? list) => [.. list!.AsArray().Select(item => item!.GetValue<string>())];

    [GeneratedRegex("""!ImportValue (?<name>\S+)|Default: (?<name>/udp-gateway/\S+)|Location: !Sub "(?<name>[^"]+)""", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Published();
}
