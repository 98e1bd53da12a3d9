using System.Text.Json.Nodes;
using UdpGateway.Listeners.Storage;
using UdpGateway.Provider.Tests.TestDoubles;
using static UdpGateway.Provider.Tests.TestDoubles.ProviderUnderTest;

namespace UdpGateway.Provider.Tests;

/// <summary>Packet sources by CloudFormation's contract; what is made for them on AWS has tests of its own.</summary>
public sealed class PacketSourceTests
{
    private const string Topic = "arn:aws:sns:us-west-2:123456789012:push";
    private const string OtherTopic = "arn:aws:sns:us-west-2:123456789012:other";

    [Theory]
    [InlineData("Custom::ProxylityUdpGatewayPacketSource")]
    [InlineData("Custom::UdpGatewayPacketSource")]
    public async Task Create_provisions_what_the_record_says(string type)
    {
        await using var provider = await StartWithListenerAsync();
        var create = Create(provider, Properties());
        create["ResourceType"] = type;

        var answer = await provider.SucceedAsync(create);

        var record = Assert.Single(await RecordsAsync(provider));
        Assert.Equal(answer.PhysicalResourceId, record.PhysicalResourceId);
        Assert.Equal(("echo", Topic, true, Topic + ":1"), (record.ListenerName, record.TopicArn, record.Enabled, record.SubscriptionArn));
        Assert.NotNull(record.QueueUrl);
        Assert.True(record.Announced);
    }

    [Fact]
    public async Task The_role_may_be_an_object_and_the_listener_the_id_of_a_later_generation()
    {
        await using var provider = await StartAsync();
        var listener = UdpProperties();
        listener["Port"] = "5000";
        await provider.SucceedAsync(provider.Create(listener));
        listener = UdpProperties();
        listener["Port"] = "5001";
        var replaced = await provider.SucceedAsync(provider.Update("echo", listener));
        var properties = Properties(listener: replaced.PhysicalResourceId);
        properties["SnsTopicSource"]!["Role"] = new JsonObject { ["Arn"] = "arn:aws:iam::123456789012:role/subscriber" };

        await provider.SucceedAsync(Create(provider, properties));

        Assert.Equal("echo.2", replaced.PhysicalResourceId);
        Assert.Equal("echo", Assert.Single(await RecordsAsync(provider)).ListenerName);
    }

    [Fact]
    public async Task A_refused_subscription_fails_the_create_which_takes_back_what_it_made()
    {
        await using var provider = await StartWithListenerAsync();
        provider.PacketSources.Provision = (_, _) => throw new ProvisioningException("The topic refuses.");

        var failed = await provider.FailAsync(Create(provider, Properties()));

        Assert.Equal("The topic refuses.", failed.Reason);
        Assert.Empty(await RecordsAsync(provider));
        Assert.Empty(provider.PacketSources.Subscribed);
    }

    [Fact]
    public async Task An_update_to_another_topic_is_in_place_and_ends_the_former_subscription()
    {
        await using var provider = await StartWithListenerAsync();
        var created = await provider.SucceedAsync(Create(provider, Properties()));

        var updated = await provider.SucceedAsync(Event(provider, "Update", Properties(topic: OtherTopic, enabled: "false"), created.PhysicalResourceId));

        var record = Assert.Single(await RecordsAsync(provider));
        Assert.Equal(created.PhysicalResourceId, updated.PhysicalResourceId);
        Assert.Equal((OtherTopic, false), (record.TopicArn, record.Enabled));
        Assert.Equal([OtherTopic], provider.PacketSources.Subscribed.Keys);
    }

    [Fact]
    public async Task A_failed_update_is_rolled_back()
    {
        await using var provider = await StartWithListenerAsync();
        var created = await provider.SucceedAsync(Create(provider, Properties()));
        provider.PacketSources.Provision = (record, _) => record.TopicArn == OtherTopic ? throw new ProvisioningException("No.") : Task.CompletedTask;
        await provider.FailAsync(Event(provider, "Update", Properties(topic: OtherTopic), created.PhysicalResourceId));

        await provider.SucceedAsync(Event(provider, "Update", Properties(), created.PhysicalResourceId));

        Assert.Equal(Topic, Assert.Single(await RecordsAsync(provider)).TopicArn);
    }

    [Fact]
    public async Task An_update_that_changes_nothing_makes_no_call()
    {
        await using var provider = await StartWithListenerAsync();
        var created = await provider.SucceedAsync(Create(provider, Properties()));
        var calls = provider.PacketSources.Calls.Count;

        await provider.SucceedAsync(Event(provider, "Update", Properties(), created.PhysicalResourceId));

        Assert.Equal(calls, provider.PacketSources.Calls.Count);
    }

    [Fact]
    public async Task Another_listener_is_a_replacement_whose_clean_up_releases_the_former()
    {
        await using var provider = await StartWithListenerAsync();
        var second = UdpProperties();
        second["Name"] = "second";
        var createSecond = provider.Create(second);
        createSecond["LogicalResourceId"] = "SecondListener";
        await provider.SucceedAsync(createSecond);
        var created = await provider.SucceedAsync(Create(provider, Properties()));

        var replaced = await provider.SucceedAsync(Event(provider, "Update", Properties(listener: "second"), created.PhysicalResourceId));
        var during = await RecordsAsync(provider);
        await provider.SucceedAsync(Event(provider, "Delete", null, created.PhysicalResourceId));

        Assert.NotEqual(created.PhysicalResourceId, replaced.PhysicalResourceId);
        Assert.Equal(2, during.Count);
        Assert.Equal(replaced.PhysicalResourceId, Assert.Single(await RecordsAsync(provider)).PhysicalResourceId);
        Assert.Contains($"release {created.PhysicalResourceId}", provider.PacketSources.Calls);
    }

    [Fact]
    public async Task A_create_that_died_half_way_is_finished_by_its_repetition()
    {
        await using var provider = await StartWithListenerAsync();
        var create = Create(provider, Properties());
        var reached = new TaskCompletionSource();
        using var died = new CancellationTokenSource();
        provider.PacketSources.Provision = async (_, _) =>
        {
            reached.TrySetResult();
            await Task.Delay(Timeout.Infinite, died.Token);
        };
        var first = provider.HandleAsync(create);
        await reached.Task.WaitAsync(TimeSpan.FromSeconds(20));
        provider.PacketSources.Provision = (_, _) => Task.CompletedTask;

        var answer = await provider.SucceedAsync(create);
        await died.CancelAsync();
        await first;

        Assert.Equal(answer.PhysicalResourceId, Assert.Single(await RecordsAsync(provider)).PhysicalResourceId);
        Assert.Single(provider.PacketSources.Subscribed);
    }

    [Fact]
    public async Task A_delete_that_overtakes_its_create_leaves_nothing()
    {
        await using var provider = await StartWithListenerAsync();
        var reached = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        provider.PacketSources.Provision = (_, _) =>
        {
            reached.TrySetResult();
            return release.Task;
        };
        var create = provider.HandleAsync(Create(provider, Properties()));
        await reached.Task.WaitAsync(TimeSpan.FromSeconds(20));

        await provider.HandleAsync(Event(provider, "Delete", null, "fleet-Source-1A2B3C4D5E6F"));
        release.SetResult();
        await create;

        Assert.Empty(await RecordsAsync(provider));
        Assert.Equal($"release {Assert.Single(provider.PacketSources.Calls.Distinct(), call => call.StartsWith("release", StringComparison.Ordinal))[8..]}", provider.PacketSources.Calls.Last());
    }

    [Theory]
    [InlineData("""{"SnsTopicSource":{"TopicArn":"arn:aws:sns:us-west-2:123456789012:push","Role":"arn:aws:iam::123456789012:role/r"}}""", "ListenerName is required")]
    [InlineData("""{"ListenerName":"nobody","SnsTopicSource":{"TopicArn":"arn:aws:sns:us-west-2:123456789012:push","Role":"arn:aws:iam::123456789012:role/r"}}""", "\"nobody\" is no listener")]
    [InlineData("""{"ListenerName":"echo"}""", "SnsTopicSource is required")]
    [InlineData("""{"ListenerName":"echo","SnsTopicSource":"arn"}""", "SnsTopicSource must be an object")]
    [InlineData("""{"ListenerName":"echo","SnsTopicSource":{"TopicArn":"arn:aws:sqs:us-west-2:123456789012:push"}}""", "SnsTopicSource.TopicArn is required and must have the form arn:aws:sns")]
    [InlineData("""{"ListenerName":"echo","SnsTopicSource":{"TopicArn":"arn:aws:sns:us-west-2:123456789012:push"}}""", "SnsTopicSource.Role is required")]
    [InlineData("""{"ListenerName":"echo","Enabled":"perhaps","SnsTopicSource":{"TopicArn":"arn:aws:sns:us-west-2:123456789012:push","Role":"arn:aws:iam::123456789012:role/r"}}""", "Enabled must be true or false")]
    public async Task Says_what_is_wrong(string json, string part)
    {
        await using var provider = await StartWithListenerAsync();

        var refused = await provider.FailAsync(Create(provider, JsonNode.Parse(json)!.AsObject()));

        Assert.Contains(part, refused.Reason, StringComparison.Ordinal);
        Assert.Empty(await RecordsAsync(provider));
        Assert.Empty(provider.PacketSources.Calls);
    }

    private static async Task<ProviderUnderTest> StartWithListenerAsync()
    {
        var provider = await StartAsync();
        await provider.SucceedAsync(provider.Create(UdpProperties()));
        return provider;
    }

    private static JsonObject Properties(string listener = "echo", string topic = Topic, string enabled = "true") => new()
    {
        ["ServiceToken"] = "x",
        ["ApiKey"] = "x",
        ["ListenerName"] = listener,
        ["Enabled"] = enabled,
        ["SnsTopicSource"] = new JsonObject { ["TopicArn"] = topic, ["Role"] = "arn:aws:iam::123456789012:role/subscriber" },
    };

    private static JsonObject Create(ProviderUnderTest provider, JsonObject properties) => Event(provider, "Create", properties, null);

    private static JsonObject Event(ProviderUnderTest provider, string type, JsonObject? properties, string? id)
    {
        var request = provider.Event(type, properties, id);
        request["ResourceType"] = "Custom::ProxylityUdpGatewayPacketSource";
        request["LogicalResourceId"] = "Source";
        return request;
    }

    private static async Task<IReadOnlyList<PacketSourceRecord>> RecordsAsync(ProviderUnderTest provider) =>
        (await provider.Store.ReadConfigurationAsync(default)).PacketSources;
}
