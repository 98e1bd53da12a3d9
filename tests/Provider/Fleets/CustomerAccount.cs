using System.Text;
using System.Text.Json;
using System.Xml.Linq;
using UdpGateway.Aws;
using UdpGateway.Aws.Tests;

namespace UdpGateway.Provider.Tests.Fleets;

/// <summary>
/// Roles as the provider's and a customer's stacks make them, and a topic of the customer's: the provider may assume the service role, that one the
/// customer's two roles with the stack's id, and nobody may more.
/// </summary>
internal sealed class CustomerAccount
{
    private const string Account = "123456789012";
    private const string TaskSession = "task";

    private readonly MotoServer _moto;
    private readonly string _name = $"a{Guid.NewGuid():N}"[..12];

    private CustomerAccount(MotoServer moto) => _moto = moto;

    public string ServiceRole => RoleArn("service");

    public string DeliveryRole => RoleArn("delivery");

    public string TopicRole => RoleArn("topic");

    public string Topic => $"arn:aws:sns:{TestEnvironment.Region}:{Account}:{_name}";

    public string OtherTopic => $"{Topic}-other";

    /// <param name="stackId">The stack that the customer's roles trust; null for any.</param>
    public static async Task<CustomerAccount> CreateAsync(MotoServer moto, string? stackId)
    {
        var account = new CustomerAccount(moto);
        await account.CreateRoleAsync("service", [$"arn:aws:iam::{Account}:user/administrator"], null, "sts:AssumeRole", "secretsmanager:GetSecretValue", "dynamodb:*", "sqs:*", "elasticloadbalancing:*");
        await account.CreateRoleAsync("delivery", account.ServiceSessions, stackId, "lambda:InvokeFunction");
        await account.CreateRoleAsync("topic", account.ServiceSessions, stackId, "sns:Subscribe", "sns:Unsubscribe", "sns:ListSubscriptionsByTopic");
        await account.CallAsync("SNS", "2010-03-31", ("Action", "CreateTopic"), ("Name", account._name));
        await account.CallAsync("SNS", "2010-03-31", ("Action", "CreateTopic"), ("Name", $"{account._name}-other"));
        return account;
    }

    /// <summary>What ECS gives a task: credentials of the service role.</summary>
    public async Task<IEnumerable<KeyValuePair<string, string>>> TaskCredentialsAsync()
    {
        using var roles = new DestinationCredentials(_moto.Administrator, TestEnvironment.Region, _moto.Url);
        var granted = await roles.For(ServiceRole, Account, TaskSession).GetCredentialsAsync();
        return [new("AWS_ACCESS_KEY_ID", granted.AccessKey), new("AWS_SECRET_ACCESS_KEY", granted.SecretKey), new("AWS_SESSION_TOKEN", granted.Token)];
    }

    /// <summary>Publishes what a customer's application sends to a WireGuard client.</summary>
    public Task PublishAsync(string peerKey, string payload) => CallAsync(
        "SNS", "2010-03-31", ("Action", "Publish"), ("TopicArn", Topic),
        ("Message", JsonSerializer.Serialize(new { Messages = new[] { new { Data = payload, Formatter = "utf8", Remote = new { PeerKey = peerKey } } } })),
        ("MessageAttributes.entry.1.Name", "EgressRegion"), ("MessageAttributes.entry.1.Value.DataType", "String"), ("MessageAttributes.entry.1.Value.StringValue", TestEnvironment.Region));

    public async Task<int> CountSubscriptionsAsync() =>
        XElement.Parse(await CallAsync("SNS", "2010-03-31", ("Action", "ListSubscriptionsByTopic"), ("TopicArn", Topic))).Descendants().Count(element => element.Name.LocalName == "SubscriptionArn");

    /// <summary>Every subscription of the account.</summary>
    public async Task<IReadOnlyList<string>> SubscriptionsAsync() =>
        [.. XElement.Parse(await CallAsync("SNS", "2010-03-31", ("Action", "ListSubscriptions"))).Descendants().Where(element => element.Name.LocalName == "SubscriptionArn").Select(element => element.Value)];

    // AWS compares a principal with the role of a session, moto with the session itself.
    private string[] ServiceSessions => [ServiceRole, $"arn:aws:sts::{Account}:assumed-role/{_name}-service/{TaskSession}", $"arn:aws:sts::{Account}:assumed-role/{_name}-service/udp-gateway-provider"];

    private string RoleArn(string role) => $"arn:aws:iam::{Account}:role/{_name}-{role}";

    private async Task CreateRoleAsync(string role, string[] principals, string? externalId, params string[] actions)
    {
        object condition = externalId is null ? new { } : new { StringEquals = new Dictionary<string, string> { ["sts:ExternalId"] = externalId } };
        var trust = Policy(new { Effect = "Allow", Principal = new { AWS = principals }, Action = "sts:AssumeRole", Condition = condition });
        await CallAsync("IAM", "2010-05-08", ("Action", "CreateRole"), ("RoleName", $"{_name}-{role}"), ("AssumeRolePolicyDocument", trust));
        await CallAsync("IAM", "2010-05-08", ("Action", "PutRolePolicy"), ("RoleName", $"{_name}-{role}"), ("PolicyName", "p"), ("PolicyDocument", Policy(new { Effect = "Allow", Action = actions, Resource = "*" })));

        static string Policy(object statement) => JsonSerializer.Serialize(new { Version = "2012-10-17", Statement = new[] { statement } });
    }

    private async Task<string> CallAsync(string service, string version, params (string Name, string Value)[] parameters)
    {
        var name = service.ToLowerInvariant();
        using var client = new AwsServiceClient(new AwsService(service, name, name), _moto.Administrator, new AwsClientSettings(service == "IAM" ? "us-east-1" : TestEnvironment.Region) { ServiceUrl = _moto.Url });
        using var form = new FormUrlEncodedContent(parameters.Append(("Version", version)).Select(parameter => KeyValuePair.Create(parameter.Item1, parameter.Item2)));
        var response = await client.SendAsync(
            new AdministratorCall { Method = HttpMethod.Post, Headers = [new("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")], Body = await form.ReadAsByteArrayAsync() }, default);
        return Encoding.UTF8.GetString(response.Body.Span);
    }

    private sealed class AdministratorCall : AwsRequest;
}
