namespace UdpGateway.Templates.Tests;

/// <summary>Each role may do what its program calls, and nothing else.</summary>
public sealed class PolicyTests
{
    /// <summary>What Lambda does with a function's role on its own.</summary>
    private static readonly string[] LambdasOwn = ["logs:CreateLogStream", "logs:PutLogEvents"];

    /// <summary>What IAM knows no resource for; of tasks that are listed it knows their cluster, by a condition.</summary>
    private static readonly string[] WithoutResource =
    [
        "ecs:ListTaskDefinitions", "ecs:DeregisterTaskDefinition", "ecs:ListTasks", "ecr:GetAuthorizationToken", "ec2:DescribeSecurityGroupRules", "tag:GetResources",
        "elasticloadbalancing:DescribeLoadBalancers", "elasticloadbalancing:DescribeTargetGroups", "elasticloadbalancing:DescribeListeners", "elasticloadbalancing:DescribeTargetHealth",
    ];

    private static string ProviderTemplate => Repository.PathOf("templates", "provider.yaml");

    [RequiresPythonFact(["cfnlint", "samtranslator"], RequiresPythonFactAttribute.Lint)]
    public async Task The_provider_may_do_what_it_calls_and_nothing_else()
    {
        // Topics are subscribed with the customer's role.
        var calls = ProgramCalls.Of("UdpGateway.Provider", "SnsClient");

        AssertSame([.. calls, .. LambdasOwn], await AllowedAsync("ProviderRole"));
    }

    [RequiresPythonFact(["cfnlint", "samtranslator"], RequiresPythonFactAttribute.Lint)]
    public async Task The_gateway_may_do_what_it_calls_and_nothing_else()
    {
        var calls = ProgramCalls.Of("UdpGateway.Gateway", CalledWithTheDestinationsRole());

        AssertSame(calls, await AllowedAsync("ServiceRole"));
    }

    [RequiresPythonFact(["cfnlint", "samtranslator"], RequiresPythonFactAttribute.Lint)]
    public async Task The_functions_in_Python_may_do_what_they_call_and_nothing_else()
    {
        var template = await ExpandedTemplate.ReadAsync(ProviderTemplate);
        var answering = await File.ReadAllTextAsync(Repository.PathOf("templates", "answering-function", "answering_function.py"));
        var configuration = template.PropertiesOf("ConfigurationFunction")["Code"]!["ZipFile"]!.GetValue<string>();

        // It calls the table by that name.
        AssertSame([.. ProgramCalls.OfPython(answering), .. LambdasOwn], await AllowedAsync("AnsweringRole"));
        AssertSame([.. ProgramCalls.OfPython(configuration), .. LambdasOwn], await AllowedAsync("ConfigurationRole"));
    }

    [RequiresPythonFact(["cfnlint", "samtranslator"], RequiresPythonFactAttribute.Lint)]
    public async Task Every_resource_is_named_where_IAM_knows_one()
    {
        var template = await ExpandedTemplate.ReadAsync(ProviderTemplate);
        string[] roles = ["ProviderRole", "ServiceRole", "ExecutionRole", "AnsweringRole", "ConfigurationRole"];

        var statements = roles.SelectMany(template.StatementsOf).Where(statement => statement.Allows).ToArray();

        Assert.DoesNotContain(statements, statement => statement.Actions.Any(action => action.Contains('*', StringComparison.Ordinal)));
        Assert.All(statements.Where(statement => statement.IsForEverything), statement => Assert.Subset(WithoutResource.ToHashSet(), statement.Actions.ToHashSet()));
        Assert.Equal(roles.Order(), template.Resources.Where(resource => resource.Value!["Type"]!.GetValue<string>() == "AWS::IAM::Role").Select(resource => resource.Key).Order());
    }

    /// <summary>Deliveries, dead letters and reports.</summary>
    private static string[] CalledWithTheDestinationsRole()
    {
        var gateway = System.Reflection.Assembly.Load("UdpGateway.Gateway");
        var destination = gateway.GetType("UdpGateway.Gateway.Destinations.IDestination", throwOnError: true)!;
        return
        [
            .. gateway.GetTypes().Where(type => type != destination && destination.IsAssignableFrom(type)).Select(type => type.Name),
            "DeadLetterQueue", "CustomerLog", "CustomerMetrics",
        ];
    }

    private static async Task<IReadOnlySet<string>> AllowedAsync(string role) =>
        (await ExpandedTemplate.ReadAsync(ProviderTemplate)).StatementsOf(role).Where(statement => statement.Allows).SelectMany(statement => statement.Actions).ToHashSet(StringComparer.Ordinal);

    private static void AssertSame(IEnumerable<string> called, IEnumerable<string> allowed)
    {
        Assert.Equal([], called.Except(allowed).Order().Select(action => $"{action} is called, but not allowed"));
        Assert.Equal([], allowed.Except(called).Order().Select(action => $"{action} is allowed, but not called"));
    }
}
