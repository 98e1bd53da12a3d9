using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using UdpGateway.Listeners;

namespace UdpGateway.Templates.Tests;

/// <summary>What users deploy is free of complaints, and the rules that they lint with know what the provider knows.</summary>
public sealed partial class LintTests
{
    [RequiresPythonFact(["cfnlint"], RequiresPythonFactAttribute.Lint)]
    public async Task Templates_and_samples_are_free_of_complaints()
    {
        Assert.Equal([], await LintAsync([.. Repository.Templates]));
    }

    [RequiresPythonFact(["cfnlint", "samtranslator"], RequiresPythonFactAttribute.Lint)]
    public async Task Templates_and_samples_expand()
    {
        foreach (var template in Repository.Templates)
            Assert.DoesNotContain((await ExpandedTemplate.ReadAsync(template)).Resources, resource => resource.Value!["Type"]!.GetValue<string>().StartsWith("AWS::Serverless", StringComparison.Ordinal));
    }

    [RequiresPythonFact(["cfnlint"], RequiresPythonFactAttribute.Lint)]
    public async Task Unknown_and_missing_properties_are_named()
    {
        var complaints = await LintListenerAsync("""{"ServiceToken": "x", "ServiceTimeout": 7200, "AllowunknownPeers": true, "Peers": [{"PublicKey": "x", "AllowedIps": []}]}""");

        Assert.Equal(
            [
                "E9101 AllowedIps is not a property here; AllowedIPs must be written exactly so",
                "E9101 AllowunknownPeers is not a property here; AllowUnknownPeers must be written exactly so",
                "E9101 Destinations is required",
                "E9101 Protocols is required",
                "E9101 ServiceTimeout must be 1 to 3600 seconds",
            ],
            complaints);
    }

    [RequiresPythonFact(["cfnlint"], RequiresPythonFactAttribute.Lint)]
    public async Task Keys_that_can_be_read_are_flagged_and_references_are_not()
    {
        var key = Convert.ToBase64String(new byte[32]);

        var complaints = await LintListenerAsync($$$"""
            {"ServiceToken": "x", "Protocols": ["wg"], "Destinations": [], "UnknownPeerPreSharedKey": "{{{key}}}",
             "Peers": [{"PublicKey": "x", "SharedSecret": {"Ref": "Shown"}}, {"PublicKey": "x", "SharedSecret": {"Ref": "Hidden"}},
                       {"PublicKey": "x", "SharedSecret": "{{resolve:secretsmanager:name}}"}]}
            """);

        Assert.Equal(2, complaints.Count);
        Assert.StartsWith("W9102 SharedSecret comes from the parameter Shown", complaints[0], StringComparison.Ordinal);
        Assert.StartsWith("W9102 UnknownPeerPreSharedKey is a key that everybody reads", complaints[1], StringComparison.Ordinal);
        Assert.All(complaints, complaint => Assert.DoesNotContain(key, complaint, StringComparison.Ordinal));
    }

    [RequiresPythonFact(["cfnlint"], RequiresPythonFactAttribute.Lint)]
    public async Task The_hosted_services_suffix_is_flagged_and_branches_are_looked_into()
    {
        var complaints = await LintListenerAsync(
            """{"ServiceToken": "x", "Protocols": {"Fn::If": ["IsShown", ["udp", "wg"], ["wg"]]}, "Destinations": []}""", """{"Endpoint": {"Value": {"Fn::Sub": "${Listener.Domain}.proxylity.com"}}}""");

        Assert.Equal(["E9101 Protocols must be [udp] or [wg]", "W9103 .proxylity.com belongs to the hosted service; Domain is the whole name here (`udpgw import` removes it)"], complaints);
    }

    [RequiresPythonFact(["cfnlint"], RequiresPythonFactAttribute.Lint)]
    public async Task The_rules_know_the_properties_that_the_provider_knows()
    {
        var skeleton = (await PropertiesOfRulesAsync())["LISTENER"]!.AsObject();

        var bound = ListenerProperties.Bind(JsonSerializer.SerializeToElement(skeleton), new BindingContext { StackId = "stack", LogicalResourceId = "Listener" });

        Assert.Equal([], bound.Problems.Concat(bound.Warnings).Where(finding => finding.Code is "unknown_property" or "misspelled_property").Select(finding => finding.Path));
    }

    [RequiresPythonFact(["cfnlint"], RequiresPythonFactAttribute.Lint)]
    public async Task The_provider_reads_no_property_that_the_rules_do_not_know()
    {
        var known = Names((await PropertiesOfRulesAsync())!).ToHashSet(StringComparer.Ordinal);
        var binders = Directory.GetFiles(Repository.PathOf("src", "Listeners"), "*.cs", SearchOption.AllDirectories)
            .Where(file => Path.GetFileName(file) is "ListenerBinder.cs" or "FleetProperties.cs" or "DestinationArnProperties.cs" or "PacketSourceProperties.cs" || file.Contains("/Kinds/", StringComparison.Ordinal));

        var read = binders.SelectMany(file => ReadPattern().Matches(File.ReadAllText(file))).SelectMany(match => match.Groups["name"].Captures).Select(capture => capture.Value).Distinct().ToArray();

        Assert.Contains("UnknownPeerPreSharedKey", read);
        // The member of a Role that is an object.
        Assert.Equal([], read.Except(known).Except(["Arn"]).Order());
    }

    private static Task<IReadOnlyList<string>> LintListenerAsync(string properties, string outputs = "{}") => LintTextAsync($$$$"""
        {"AWSTemplateFormatVersion": "2010-09-09",
         "Parameters": {"Shown": {"Type": "String"}, "Hidden": {"Type": "String", "NoEcho": true}},
         "Conditions": {"IsShown": {"Fn::Equals": [{"Ref": "Shown"}, {"Ref": "Hidden"}]}},
         "Resources": {"Listener": {"Type": "Custom::ProxylityUdpGatewayListener", "Properties": {{{{properties}}}}},
                       "Another": {"Type": "AWS::SNS::Topic", "Condition": "IsShown"}},
         "Outputs": {{{{outputs}}}}}
        """);

    private static async Task<IReadOnlyList<string>> LintTextAsync(string template)
    {
        var file = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.json");
        await File.WriteAllTextAsync(file, template);
        try
        {
            return await LintAsync(file);
        }
        finally
        {
            File.Delete(file);
        }
    }

    /// <summary>What our rules, and cfn-lint's own where templates are shipped, say.</summary>
    private static async Task<IReadOnlyList<string>> LintAsync(params string[] templates)
    {
        var run = await Tool.RunAsync("python3", ["-c", "from cfnlint.runner import main; main()", "--format", "json", "--append-rules", Repository.PathOf("templates", "lint"), "--", .. templates]);
        Assert.True(run.Output.StartsWith('['), run.Error);
        return
        [
            .. JsonNode.Parse(run.Output)!.AsArray().Select(complaint => $"{complaint!["Rule"]!["Id"]} {complaint["Message"]}")
                .Where(complaint => !complaint.StartsWith("W2001", StringComparison.Ordinal)).Order(StringComparer.Ordinal),
        ];
    }

    /// <summary>The rules' own tables, with an empty object or list where something nests.</summary>
    private static async Task<JsonNode> PropertiesOfRulesAsync()
    {
        const string Print = """
            import json, sys
            sys.path.insert(0, sys.argv[1])
            import udp_gateway as rules
            show = lambda known: [show(known[0])] if isinstance(known, list) else {name: show(item) for name, item in known.items()} if isinstance(known, dict) else None
            print(json.dumps({name: show(getattr(rules, name)) for name in ("LISTENER", "DESTINATION_ARN", "PACKET_SOURCE", "FLEET")}))
            """;
        var run = await Tool.RunAsync("python3", "-c", Print, Repository.PathOf("templates", "lint"));
        Assert.True(run.ExitCode == 0, run.Error);
        return JsonNode.Parse(run.Output)!;
    }

    private static IEnumerable<string> Names(JsonNode node) => node switch
    {
        JsonObject members => members.SelectMany(member => Names(member.Value ?? new JsonArray()).Prepend(member.Key)),
        JsonArray items => items.SelectMany(item => Names(item!)),
        _ => [],
    };

    [GeneratedRegex("""(\.(Text|Texts|Boolean|Integer|Number|Object|Objects|Map|TextOrWrapped|Accept)\(|Key\(properties, |Bind\((arguments|destination), |const string \w+ = )("(?<name>[A-Z][A-Za-z]+)"(, )?)+""", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex ReadPattern();
}
