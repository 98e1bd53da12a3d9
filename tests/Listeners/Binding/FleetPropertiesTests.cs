using System.Text.Json;
using System.Text.Json.Nodes;

namespace UdpGateway.Listeners.Tests.Binding;

/// <summary>What a fleet's tasks are made of, as stacks' parameters can say it.</summary>
public sealed class FleetPropertiesTests
{
    [Theory]
    [InlineData("""{"UDPGW_DRAIN_SECONDS":"30","EMPTY":""}""")]
    [InlineData("""["UDPGW_DRAIN_SECONDS=30","EMPTY="]""")]
    [InlineData("""["", " UDPGW_DRAIN_SECONDS=30","EMPTY="]""")]
    public void The_environment_is_a_map_or_a_list(string json)
    {
        var environment = Bind("Environment", json).Definition!.Environment;

        Assert.Equal([KeyValuePair.Create("EMPTY", ""), KeyValuePair.Create("UDPGW_DRAIN_SECONDS", "30")], environment.OrderBy(variable => variable.Key, StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("\"\"")]
    [InlineData("[\"\"]")]
    [InlineData("{}")]
    [InlineData("null")]
    public void A_parameter_with_an_empty_default_gives_no_environment(string json) => Assert.Empty(Bind("Environment", json).Definition!.Environment);

    [Fact]
    public void The_value_of_a_variable_may_hold_anything() => Assert.Equal("a=b,c", Bind("Environment", """["OTEL_RESOURCE_ATTRIBUTES=a=b,c"]""").Definition!.Environment["OTEL_RESOURCE_ATTRIBUTES"]);

    [Theory]
    [InlineData("Environment", """["secret text"]""", "Environment[0] must be an environment variable, as a member of a map or as NAME=VALUE in a list; names have letters, digits and underscores.")]
    [InlineData("Environment", """{"A B":"secret text"}""", "Environment.A B must be an environment variable, as a member of a map or as NAME=VALUE in a list; names have letters, digits and underscores.")]
    [InlineData("Environment", """["A=secret text","A=other"]""", "Environment[1] sets A a second time.")]
    [InlineData("StopTimeoutSeconds", "19", "StopTimeoutSeconds must be from 20 to 120 seconds; 19 was given.")]
    [InlineData("StopTimeoutSeconds", "\"121\"", "StopTimeoutSeconds must be from 20 to 120 seconds; 121 was given.")]
    [InlineData("Subnets", "\"\"", "Subnets must be the id of a subnet, such as subnet-0123456789abcdef0; \"\" was given.")]
    [InlineData("Subnets", """["subnet-1,subnet-2"]""", "Subnets[0] must be the id of a subnet, such as subnet-0123456789abcdef0; \"subnet-1,subnet-2\" was given.")]
    [InlineData("Subnets", """[["x"]]""", "Subnets[0] must be a string; a list was given.")]
    [InlineData("SecurityGroups", """["sg-1","default"]""", "SecurityGroups[1] must be the id of a security group, such as sg-0123456789abcdef0; \"default\" was given.")]
    [InlineData("Image", "\" \"", "Image must be the name of an image, such as the last line of templates/publish-image, or empty: at most 255 letters, digits and . - _ : / # @ characters; \" \" was given.")]
    [InlineData("TaskRoleArn", "\"arn:aws:iam::123456789012:role/\"", "TaskRoleArn must be the ARN of a role; \"arn:aws:iam::123456789012:role/\" was given.")]
    [InlineData("LogGroupName", "\"a:b\"", "LogGroupName is required and must be the name of a log group, not its ARN: 1 to 512 letters, digits and . - _ / # characters; \"a:b\" was given.")]
    [InlineData("DomainName", "\"http://udp.example.com\"", "DomainName must be a host name, or an address, that clients reach the balancer by; \"http://udp.example.com\" was given.")]
    [InlineData("DomainName", "\"*.example.com\"", "DomainName must be a host name, or an address, that clients reach the balancer by; \"*.example.com\" was given.")]
    [InlineData("DomainName", "\"a b\"", "DomainName must be a host name, or an address, that clients reach the balancer by; \"a b\" was given.")]
    public void Says_what_is_wrong(string name, string json, string sentence) => Assert.Equal(sentence, Assert.Single(Bind(name, json).Problems).ToString());

    [Fact]
    public void Every_problem_is_in_one_answer()
    {
        using var nothing = JsonDocument.Parse("{}");

        Assert.Equal(
            ["Name", "Cluster", "LoadBalancerArn", "Subnets", "SecurityGroups", "TaskRoleArn", "ExecutionRoleArn", "LogGroupName", "PortRange"],
            FleetProperties.Bind(nothing.RootElement).Problems.Select(problem => problem.Path));
    }

    [Theory]
    [InlineData("Image", "\"123456789012.dkr.ecr.us-west-2.amazonaws.com/udp-gateway@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"")]
    [InlineData("Image", "\"\"")]
    [InlineData("DomainName", "\"\"")]
    [InlineData("DomainName", "\"udp-1.example.com\"")]
    [InlineData("DomainName", "\"192.0.2.1\"")]
    [InlineData("Subnets", "\"subnet-0123456789abcdef0\"")]
    public void Takes_what_is_right(string name, string json) => Assert.Empty(Bind(name, json).Problems);

    private static FleetBinding Bind(string name, string json)
    {
        var properties = new JsonObject
        {
            ["Name"] = "default",
            ["Cluster"] = "cluster",
            ["LoadBalancerArn"] = "arn:aws:elasticloadbalancing:us-west-2:123456789012:loadbalancer/net/udp/1",
            ["Subnets"] = new JsonArray("subnet-1"),
            ["SecurityGroups"] = new JsonArray("sg-1"),
            ["TaskRoleArn"] = Declarations.RoleArn,
            ["ExecutionRoleArn"] = Declarations.RoleArn,
            ["LogGroupName"] = "/udp-gateway",
            ["PortRange"] = "30000-30999",
            [name] = JsonNode.Parse(json),
        };
        using var document = JsonDocument.Parse(properties.ToJsonString());
        return FleetProperties.Bind(document.RootElement.Clone());
    }
}
