using System.Text.Json.Nodes;

namespace UdpGateway.Templates.Tests;

/// <summary>Who has read one sample knows how all of them find the provider, and whom they trust.</summary>
public sealed class SampleTests
{
    private const string Location = "s3://udp-gateway-config-${AWS::AccountId}-${AWS::Region}/customer-config.json";
    private const string ServiceToken = """{"Fn::FindInMap":["ProxylityConfig",{"Ref":"AWS::Region"},"ServiceToken"]}""";
    private const string ServiceRole = """{"AWS":{"Fn::FindInMap":["ProxylityConfig",{"Ref":"AWS::Region"},"ServiceRole"]}}""";
    private const string ApiKey = """{"Fn::FindInMap":["ProxylityConfig","Account","ApiKey"]}""";
    private const string ExternalId = """{"StringEquals":{"sts:ExternalId":{"Ref":"AWS::StackId"}}}""";

    private static IEnumerable<string> Samples => Repository.Templates.Where(file => file.StartsWith(Repository.PathOf("samples"), StringComparison.Ordinal));

    [RequiresPythonFact(["cfnlint", "samtranslator"], RequiresPythonFactAttribute.Lint)]
    public async Task The_provider_is_taken_from_the_document_that_its_stack_publishes()
    {
        foreach (var sample in Samples)
        {
            var template = await ExpandedTemplate.ReadAsync(sample);
            var custom = template.Resources.Select(resource => resource.Value!).Where(resource => TypeOf(resource).StartsWith("Custom::", StringComparison.Ordinal)).Select(resource => resource["Properties"]!).ToArray();

            Assert.Contains($"Location: !Sub \"{Location}\"", await File.ReadAllTextAsync(sample), StringComparison.Ordinal);
            Assert.NotEmpty(custom);
            Assert.All(custom, properties => Assert.Equal((ServiceToken, ApiKey), (properties["ServiceToken"]!.ToJsonString(), properties["ApiKey"]!.ToJsonString())));
        }
    }

    [RequiresPythonFact(["cfnlint", "samtranslator"], RequiresPythonFactAttribute.Lint)]
    public async Task Every_role_that_the_gateway_assumes_demands_the_stacks_id_and_names_what_it_may_reach()
    {
        foreach (var sample in Samples)
        {
            var template = await ExpandedTemplate.ReadAsync(sample);
            var roles = template.Resources.Where(resource => TypeOf(resource.Value!) == "AWS::IAM::Role" && Trust(resource.Value!)["Principal"]!["AWS"] is not null).Select(resource => resource.Key).ToArray();

            Assert.NotEmpty(roles);
            Assert.All(roles.Select(role => Trust(template.Resources[role]!)), trust => Assert.Equal((ServiceRole, ExternalId), (trust["Principal"]!.ToJsonString(), trust["Condition"]!.ToJsonString())));
            Assert.All(roles.SelectMany(template.StatementsOf), statement => Assert.False(statement.IsForEverything, sample));
        }
    }

    [Fact]
    public void A_secret_is_referred_to_in_one_way_and_a_page_tells_of_each_sample()
    {
        foreach (var sample in Samples)
        {
            var references = File.ReadAllLines(sample).Where(line => line.Contains("{{resolve:", StringComparison.Ordinal)).ToArray();
            var page = Path.Combine(Path.GetDirectoryName(sample)!, "README.md");

            Assert.All(references, line => Assert.Matches(": !Sub \"\\{\\{resolve:secretsmanager:\\$\\{(WireGuard|North)PSK\\}:SecretString\\}\\}\"$", line));
            Assert.InRange(File.ReadAllLines(page).Length, 20, 60);
        }
    }

    private static JsonNode Trust(JsonNode role) => role["Properties"]!["AssumeRolePolicyDocument"]!["Statement"]!.AsArray().Single()!;

    private static string TypeOf(JsonNode resource) => resource["Type"]!.GetValue<string>();
}
