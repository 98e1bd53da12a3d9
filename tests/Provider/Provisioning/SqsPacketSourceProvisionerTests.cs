using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Xml.Linq;
using Microsoft.Extensions.Logging.Abstractions;
using UdpGateway.Aws;
using UdpGateway.Aws.Tests;
using UdpGateway.Listeners.Storage;
using UdpGateway.Provider.Provisioning;
using UdpGateway.Tests;

namespace UdpGateway.Provider.Tests.Provisioning;

/// <summary>Against an independent implementation of SQS, SNS, STS and IAM, with signatures, permissions and the role's trust checked.</summary>
public sealed class SqsPacketSourceProvisionerTests(MotoServer moto) : IClassFixture<MotoServer>, IAsyncLifetime, IDisposable
{
    private const string Account = "123456789012";
    private const string Installation = "table-of-tests";
    private const string RoleArn = $"arn:aws:iam::{Account}:role/subscriber";

    private readonly string _name = $"t{Guid.NewGuid():N}"[..12];
    private DestinationCredentials _roles = null!;
    private AwsConnection _own = null!;

    private string Topic => $"arn:aws:sns:us-west-2:{Account}:{_name}";

    public async Task InitializeAsync()
    {
        if (moto.Url is null)
            return;
        _roles = new DestinationCredentials(moto.Credentials, TestEnvironment.Region, moto.Url);
        _own = new AwsConnection(moto.Administrator, TestEnvironment.Region, moto.Url);
        await CallAsync("SNS", $"Action=CreateTopic&Name={_name}&Version=2010-03-31");
        var roles = await CallAsync("IAM", "Action=ListRoles&Version=2010-05-08");
        if (roles.Contains(RoleArn, StringComparison.Ordinal))
            return;
        await CreateRoleAsync("subscriber", "sns:Subscribe", "sns:Unsubscribe", "sns:ListSubscriptionsByTopic");
        await CreateRoleAsync("bystander", "sns:Publish");
    }

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose()
    {
        _own?.Dispose();
        _roles?.Dispose();
    }

    [RequiresMotoFact]
    public async Task Messages_for_this_region_arrive_in_an_encrypted_queue_that_only_the_topic_may_fill()
    {
        var provisioned = await Provisioner().ProvisionAsync(Source(), CancellationToken.None);

        await PublishAsync("here", "us-west-2");
        await PublishAsync("there", "eu-west-1");

        var sqs = new SqsClient(_own);
        var message = Assert.Single(await sqs.ReceiveMessageAsync(provisioned.QueueUrl!, TimeSpan.FromSeconds(1), CancellationToken.None));
        Assert.Equal("here", message.Body);
        Assert.Empty(await sqs.DeleteMessageBatchAsync(provisioned.QueueUrl!, [message.ReceiptHandle], CancellationToken.None));
        Assert.Empty(await sqs.ReceiveMessageAsync(provisioned.QueueUrl!, TimeSpan.Zero, CancellationToken.None));
        var attributes = await QueueAttributesAsync(provisioned.QueueUrl!);
        var statement = JsonNode.Parse(attributes["Policy"]!.GetValue<string>())!["Statement"]![0]!;
        Assert.Equal("true", attributes["SqsManagedSseEnabled"]!.GetValue<string>());
        var tags = JsonNode.Parse(await SendAsync("SQS", AwsJson.Headers("AmazonSQS.ListQueueTags", "1.0"), $$"""{"QueueUrl":"{{provisioned.QueueUrl}}"}"""))!["Tags"]!;
        Assert.Equal((Installation, "echo", MotoServer.ExternalId), (tags["udp-gateway:installation"]!.GetValue<string>(), tags["udp-gateway:listener"]!.GetValue<string>(), tags["udp-gateway:stack"]!.GetValue<string>()));
        Assert.Equal(("sns.amazonaws.com", "sqs:SendMessage", Topic), (
            statement["Principal"]!["Service"]!.GetValue<string>(), statement["Action"]!.GetValue<string>(), statement["Condition"]!["ArnEquals"]!["aws:SourceArn"]!.GetValue<string>()));
    }

    [RequiresMotoFact]
    public async Task Repeating_it_changes_nothing()
    {
        var first = await Provisioner().ProvisionAsync(Source(), CancellationToken.None);

        var second = await Provisioner().ProvisionAsync(Source(), CancellationToken.None);

        Assert.Equal(first, second);
        Assert.Single(await SubscriptionsAsync(Topic));
    }

    [RequiresMotoFact]
    public async Task Another_topic_moves_the_queue_to_it()
    {
        var former = await Provisioner().ProvisionAsync(Source(), CancellationToken.None);
        await CallAsync("SNS", $"Action=CreateTopic&Name={_name}-2&Version=2010-03-31");

        var moved = await Provisioner().ProvisionAsync(former with { TopicArn = Topic + "-2", SubscriptionArn = null }, CancellationToken.None);
        await Provisioner().UnsubscribeAsync(former, CancellationToken.None);

        Assert.Equal(former.QueueUrl, moved.QueueUrl);
        Assert.Empty(await SubscriptionsAsync(Topic));
        Assert.Equal(moved.SubscriptionArn, Assert.Single(await SubscriptionsAsync(Topic + "-2")));
        Assert.Contains($"{Topic}-2", (await QueueAttributesAsync(moved.QueueUrl!))["Policy"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [RequiresMotoFact]
    public async Task A_topic_of_another_account_gets_the_confirmation_that_it_asks_for_without_a_signature()
    {
        await using var sns = await AwsProxy.StartAsync(moto.Url!);
        var isConfirmed = false;
        // Moto asks nobody. A packet of the former topic and somebody else's question are in the way.
        sns.Replace = async call =>
        {
            if (call.Operation == "ConfirmSubscription" && call.Service.Length == 0 && call.Text.Contains("Token=2336412f37", StringComparison.Ordinal))
            {
                isConfirmed = true;
                return Xml($"<ConfirmSubscriptionResponse><ConfirmSubscriptionResult><SubscriptionArn>{Topic}:1</SubscriptionArn></ConfirmSubscriptionResult></ConfirmSubscriptionResponse>");
            }

            if (call.Operation != "Subscribe" || isConfirmed)
                return null;
            await SendToQueueAsync("""{"Messages":[{"Data":"b25l"}]}""");
            await SendToQueueAsync($$"""{"Type":"SubscriptionConfirmation","TopicArn":"{{Topic}}-2","Token":"other"}""");
            await SendToQueueAsync($$"""{"Type":"SubscriptionConfirmation","TopicArn":"{{Topic}}","Token":"2336412f37","SubscribeURL":"https://example.com/"}""");
            return Xml("<SubscribeResponse><SubscribeResult><SubscriptionArn>pending confirmation</SubscriptionArn></SubscribeResult></SubscribeResponse>");
        };

        var provisioned = await Provisioner(sns.Url, TimeSpan.FromMinutes(1)).ProvisionAsync(Source(), CancellationToken.None);

        Assert.True(isConfirmed);
        Assert.Equal(provisioned.SubscriptionArn, Assert.Single(await SubscriptionsAsync(Topic)));
        Assert.Equal(2, sns.Calls.Count(call => call.Operation == "Subscribe"));

        static ProxiedAnswer Xml(string text) => new(200, "text/xml", Encoding.UTF8.GetBytes(text));
    }

    [RequiresMotoFact]
    public async Task A_topic_of_another_account_that_never_asks_is_one_sentence()
    {
        await using var sns = await AwsProxy.StartAsync(moto.Url!);
        sns.Replace = call => Task.FromResult(call.Operation != "Subscribe" ? null : new ProxiedAnswer(
            200, "text/xml", "<SubscribeResponse><SubscribeResult><SubscriptionArn>pending confirmation</SubscriptionArn></SubscribeResult></SubscribeResponse>"u8.ToArray()));

        var failure = await Assert.ThrowsAsync<ProvisioningException>(() => Provisioner(sns.Url, TimeSpan.Zero).ProvisionAsync(Source(), CancellationToken.None));

        Assert.Contains($"The topic {Topic}, which is none of the account {Account}, has not asked the queue for the confirmation", failure.Message, StringComparison.Ordinal);
    }

    [RequiresMotoFact]
    public async Task A_role_that_may_not_subscribe_fails_with_a_sentence_and_leaves_no_queue_behind_after_the_release()
    {
        var source = Source() with { RoleArn = $"arn:aws:iam::{Account}:role/bystander" };

        var failure = await Assert.ThrowsAsync<ProvisioningException>(() => Provisioner().ProvisionAsync(source, CancellationToken.None));
        await Provisioner().ReleaseAsync(source, CancellationToken.None);

        Assert.Contains($"The topic {Topic} could not be subscribed through the role {source.RoleArn}, which needs sns:Subscribe", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(source.LogicalResourceId, await CallAsync("SQS", "Action=ListQueues&Version=2012-11-05"), StringComparison.Ordinal);
    }

    [RequiresMotoFact]
    public async Task A_role_of_another_stack_is_not_assumed()
    {
        var failure = await Assert.ThrowsAsync<ProvisioningException>(() => Provisioner().ProvisionAsync(Source() with { StackId = MotoServer.ExternalId + "x" }, CancellationToken.None));

        Assert.Contains("cannot be assumed", failure.Message, StringComparison.Ordinal);
    }

    [RequiresMotoFact]
    public async Task Release_finds_what_an_event_made_that_never_wrote_it_down_and_may_be_repeated()
    {
        await Provisioner().ProvisionAsync(Source(), CancellationToken.None);

        await Provisioner().ReleaseAsync(Source(), CancellationToken.None);
        await Provisioner().ReleaseAsync(Source(), CancellationToken.None);

        Assert.Empty(await SubscriptionsAsync(Topic));
        Assert.DoesNotContain(Source().LogicalResourceId, await CallAsync("SQS", "Action=ListQueues&Version=2012-11-05"), StringComparison.Ordinal);
    }

    private SqsPacketSourceProvisioner Provisioner(Uri? sns = null, TimeSpan confirmationPatience = default) =>
        new(_own, _roles, Account, sns ?? moto.Url, TimeSpan.Zero, confirmationPatience, Installation, TimeSpan.FromMilliseconds(50), NullLogger<SqsPacketSourceProvisioner>.Instance);

    private PacketSourceRecord Source() => new()
    {
        PhysicalResourceId = "echo/source",
        StackId = MotoServer.ExternalId,
        LogicalResourceId = _name,
        ListenerName = "echo",
        TopicArn = Topic,
        RoleArn = RoleArn,
        RequestId = "1",
    };

    private async Task CreateRoleAsync(string name, params string[] actions)
    {
        var trust = $$$$"""{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::{{{{Account}}}}:user/gateway"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"{{{{MotoServer.ExternalId}}}}"}}}]}""";
        var policy = $$"""{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":{{new JsonArray([.. actions.Select(action => (JsonNode)action)]).ToJsonString()}},"Resource":"*"}]}""";
        await CallAsync("IAM", $"Action=CreateRole&RoleName={name}&AssumeRolePolicyDocument={Uri.EscapeDataString(trust)}&Version=2010-05-08");
        await CallAsync("IAM", $"Action=PutRolePolicy&RoleName={name}&PolicyName=p&PolicyDocument={Uri.EscapeDataString(policy)}&Version=2010-05-08");
    }

    private async Task SendToQueueAsync(string body)
    {
        var queues = await CallAsync("SQS", "Action=ListQueues&Version=2012-11-05");
        var url = XDocument.Parse(queues).Descendants().Single(element => element.Name.LocalName == "QueueUrl" && element.Value.Contains(_name, StringComparison.Ordinal)).Value;
        await SendAsync("SQS", AwsJson.Headers("AmazonSQS.SendMessage", "1.0"), JsonSerializer.Serialize(new { QueueUrl = url, MessageBody = body }));
    }

    private async Task PublishAsync(string message, string region) => await CallAsync(
        "SNS", $"Action=Publish&TopicArn={Topic}&Message={message}&MessageAttributes.entry.1.Name=EgressRegion&MessageAttributes.entry.1.Value.DataType=String&MessageAttributes.entry.1.Value.StringValue={region}&Version=2010-03-31");

    private async Task<IReadOnlyList<string>> SubscriptionsAsync(string topic) =>
        [.. XDocument.Parse(await CallAsync("SNS", $"Action=ListSubscriptionsByTopic&TopicArn={topic}&Version=2010-03-31")).Descendants().Where(element => element.Name.LocalName == "SubscriptionArn").Select(element => element.Value)];

    private async Task<JsonNode> QueueAttributesAsync(string queueUrl)
    {
        var answer = await SendAsync("SQS", AwsJson.Headers("AmazonSQS.GetQueueAttributes", "1.0"), $$"""{"QueueUrl":"{{queueUrl}}","AttributeNames":["All"]}""");
        return JsonNode.Parse(answer)!["Attributes"]!;
    }

    private Task<string> CallAsync(string service, string form) => SendAsync(service, [new("Content-Type", "application/x-www-form-urlencoded")], form);

    private async Task<string> SendAsync(string service, List<KeyValuePair<string, string>> headers, string body)
    {
        var name = service.ToLowerInvariant();
        var region = service == "IAM" ? "us-east-1" : TestEnvironment.Region;
        using var client = new AwsServiceClient(new AwsService(service, name, name), moto.Administrator, new AwsClientSettings(region) { ServiceUrl = moto.Url });
        var response = await client.SendAsync(new AdministratorCall { Method = HttpMethod.Post, Headers = headers, Body = Encoding.UTF8.GetBytes(body) }, CancellationToken.None);
        return Encoding.UTF8.GetString(response.Body.Span);
    }

    private sealed class AdministratorCall : AwsRequest;
}
