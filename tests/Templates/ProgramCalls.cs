using System.Reflection;
using System.Text.RegularExpressions;

namespace UdpGateway.Templates.Tests;

/// <summary>Which operations of AWS a program calls with its own credentials, as IAM names their permissions.</summary>
internal static partial class ProgramCalls
{
    private static readonly Assembly[] Ours =
    [
        .. new[] { "WireGuard", "Listeners", "Aws", "Gateway", "Provider" }.Select(name => Assembly.Load($"UdpGateway.{name}")),
    ];

    // By the class of the client that makes the requests.
    private static readonly Dictionary<string, string> Services = new()
    {
        ["DynamoDbClient"] = "dynamodb",
        ["SecretsManagerClient"] = "secretsmanager",
        ["EcsClient"] = "ecs",
        ["ElasticLoadBalancingV2Client"] = "elasticloadbalancing",
        ["Ec2Client"] = "ec2",
        ["LambdaClient"] = "lambda",
        ["SqsClient"] = "sqs",
        ["SnsClient"] = "sns",
        ["ResourceGroupsTaggingClient"] = "tag",
    };

    /// <summary>Where the permission is not named like the operation, or is not the only one.</summary>
    private static readonly Dictionary<string, string[]> Permissions = new()
    {
        ["lambda:Invoke"] = ["lambda:InvokeFunction"],
        // What the stores' transactions consist of.
        ["dynamodb:TransactWriteItems"] = ["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"],
        ["secretsmanager:CreateSecret"] = ["secretsmanager:CreateSecret", "secretsmanager:TagResource"],
        ["ecs:RegisterTaskDefinition"] = ["ecs:RegisterTaskDefinition", "ecs:TagResource", "iam:PassRole"],
        ["ecs:CreateService"] = ["ecs:CreateService", "ecs:TagResource"],
        ["elasticloadbalancing:CreateTargetGroup"] = ["elasticloadbalancing:CreateTargetGroup", "elasticloadbalancing:AddTags"],
        ["elasticloadbalancing:CreateListener"] = ["elasticloadbalancing:CreateListener", "elasticloadbalancing:AddTags"],
        ["ec2:AuthorizeSecurityGroupIngress"] = ["ec2:AuthorizeSecurityGroupIngress", "ec2:CreateTags"],
        ["sqs:CreateQueue"] = ["sqs:CreateQueue", "sqs:TagQueue"],
        ["sqs:SendMessageBatch"] = ["sqs:SendMessage"],
        ["sqs:DeleteMessageBatch"] = ["sqs:DeleteMessage"],
    };

    /// <param name="program">Name of the assembly.</param>
    /// <param name="calledForCustomers">Types that call with a role of the customer's, by name.</param>
    public static IReadOnlySet<string> Of(string program, params string[] calledForCustomers)
    {
        var entry = Assembly.Load(program).EntryPoint!;
        var code = new ReachableCode(entry, Ours, type => calledForCustomers.Contains(type.Name, StringComparer.Ordinal));
        var operations = code.Made
            .Where(type => type is { IsAbstract: false, DeclaringType: not null } && IsRequest(type))
            .Select(type => $"{Services.GetValueOrDefault(type.DeclaringType!.Name, type.DeclaringType.Name)}:{type.Name}");
        // The one client that is the SDK's own.
        var assumes = code.ForeignCalls.Any(method => method is { Name: "AssumeRoleAsync", DeclaringType.Namespace: "Amazon.SecurityToken" });
        return operations.Concat(assumes ? ["sts:AssumeRole"] : []).SelectMany(operation => Permissions.GetValueOrDefault(operation, [operation])).ToHashSet(StringComparer.Ordinal);
    }

    /// <summary>The calls of a function in Python, by its boto3 clients.</summary>
    public static IReadOnlySet<string> OfPython(string source) =>
        ClientPattern().Matches(source)
            .SelectMany(client => Regex.Matches(source, $@"\b{client.Groups["name"].Value}\.(?<call>[a-z0-9_]+)\(", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(5))
                .Select(call => $"{client.Groups["service"].Value}:{string.Concat(call.Groups["call"].Value.Split('_').Select(word => char.ToUpperInvariant(word[0]) + word[1..]))}"))
            .ToHashSet(StringComparer.Ordinal);

    private static bool IsRequest(Type type) => type.BaseType is { } parent && (parent.Name == "AwsRequest" || IsRequest(parent));

    [GeneratedRegex("""\b(?<name>[a-z0-9_]+) = boto3\.client\("(?<service>[a-z0-9]+)""", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex ClientPattern();
}
