using System.Text.Json.Nodes;
using UdpGateway.Listeners.Storage;
using UdpGateway.Provider.Tests.TestDoubles;
using static UdpGateway.Provider.Tests.TestDoubles.ProviderUnderTest;

namespace UdpGateway.Provider.Tests;

/// <summary>Registrations of ARNs for a destination, from its own stack and from others.</summary>
public sealed class DestinationArnTests
{
    private const string OtherStack = "arn:aws:cloudformation:eu-west-1:123456789012:stack/other/6c1c2f50-0000-1111-2222-333344445555";

    [Fact]
    public async Task Registers_for_the_stacks_region_unless_another_is_declared()
    {
        await using var provider = await StartWithListenerAsync();

        var own = await provider.SucceedAsync(Create(provider, Registration("echo-0", Function)));
        var any = await provider.SucceedAsync(Create(provider, Registration("echo-0", Function, "*"), "Any"));

        Assert.Equal(("echo-0/us-west-2", "echo-0/*"), (own.PhysicalResourceId, any.PhysicalResourceId));
        Assert.Equal(new Dictionary<string, string> { ["*"] = Function, ["us-west-2"] = Function }, await EffectiveArnsAsync(provider));
    }

    [Fact]
    public async Task The_alias_type_is_the_same_resource()
    {
        await using var provider = await StartWithListenerAsync();
        var create = Create(provider, Registration("echo-0", Function));
        create["ResourceType"] = "Custom::UdpGatewayDestinationArn";

        Assert.Equal("echo-0/us-west-2", (await provider.SucceedAsync(create)).PhysicalResourceId);
    }

    [Fact]
    public async Task A_registration_goes_before_the_declared_arn_and_survives_updates_and_replacement_of_the_listener()
    {
        await using var provider = await StartWithListenerAsync();
        await provider.SucceedAsync(Create(provider, Registration("fixed", Function + "2", "*")));

        var changed = NamedDestination();
        changed["Description"] = "changed";
        await provider.SucceedAsync(provider.Update("echo", changed));
        var afterUpdate = await EffectiveArnsAsync(provider);
        changed = NamedDestination();
        changed["Name"] = "renamed";
        await provider.SucceedAsync(provider.Update("echo", changed));
        await provider.SucceedAsync(provider.Delete("echo"));

        Assert.Equal(Function + "2", afterUpdate["*"]);
        Assert.Equal(Function + "2", (await EffectiveArnsAsync(provider, "renamed"))["*"]);
    }

    [Fact]
    public async Task Another_arn_is_changed_in_place_and_another_region_is_a_replacement()
    {
        await using var provider = await StartWithListenerAsync();
        var created = await provider.SucceedAsync(Create(provider, Registration("echo-0", Function)));

        var changed = await provider.SucceedAsync(Event(provider, "Update", Registration("echo-0", Function + "2"), created.PhysicalResourceId));
        var replaced = await provider.SucceedAsync(Event(provider, "Update", Registration("echo-0", Function + "2", "eu-west-1"), created.PhysicalResourceId));
        var both = await EffectiveArnsAsync(provider);
        await provider.SucceedAsync(Event(provider, "Delete", null, created.PhysicalResourceId));

        Assert.Equal(created.PhysicalResourceId, changed.PhysicalResourceId);
        Assert.Equal("echo-0/eu-west-1", replaced.PhysicalResourceId);
        Assert.Equal(["*", "eu-west-1", "us-west-2"], both.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(["*", "eu-west-1"], (await EffectiveArnsAsync(provider)).Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_rolled_back_replacement_leaves_the_former_registration()
    {
        await using var provider = await StartWithListenerAsync();
        var created = await provider.SucceedAsync(Create(provider, Registration("echo-0", Function)));
        var replaced = await provider.SucceedAsync(Event(provider, "Update", Registration("echo-0", Function, "eu-west-1"), created.PhysicalResourceId));

        var rolledBack = await provider.SucceedAsync(Event(provider, "Update", Registration("echo-0", Function), created.PhysicalResourceId));
        await provider.SucceedAsync(Event(provider, "Delete", null, replaced.PhysicalResourceId));

        Assert.Equal(created.PhysicalResourceId, rolledBack.PhysicalResourceId);
        Assert.Equal([created.PhysicalResourceId], await IdsAsync(provider));
    }

    [Fact]
    public async Task A_late_clean_up_of_a_generation_that_came_back_to_life_does_nothing()
    {
        await using var provider = await StartWithListenerAsync();
        var first = await provider.SucceedAsync(Create(provider, Registration("echo-0", Function)));
        var second = await provider.SucceedAsync(Event(provider, "Update", Registration("echo-0", Function, "eu-west-1"), first.PhysicalResourceId));
        var late = Event(provider, "Delete", null, first.PhysicalResourceId, requestId: "late");
        await provider.Store.BeginRequestAsync(new RequestKey(StackId, "Registration", "late"), default);
        await provider.SucceedAsync(Event(provider, "Update", Registration("echo-0", Function), second.PhysicalResourceId));

        await provider.SucceedAsync(late);

        Assert.Contains(first.PhysicalResourceId, await IdsAsync(provider));
    }

    [Fact]
    public async Task A_lost_answer_leaves_nothing_after_the_delete_with_an_unknown_id()
    {
        await using var provider = await StartWithListenerAsync();
        provider.Endpoint.Refusals = int.MaxValue;
        await Assert.ThrowsAsync<ResponseUndeliveredException>(() => provider.HandleAsync(Create(provider, Registration("echo-0", Function)), TimeSpan.FromSeconds(6)));
        var orphans = await IdsAsync(provider);
        provider.Endpoint.Refusals = 0;

        await provider.SucceedAsync(Event(provider, "Delete", null, "fleet-Registration-1A2B3C4D5E6F"));

        Assert.Equal(["echo-0/us-west-2"], orphans);
        Assert.Empty(await IdsAsync(provider));
    }

    [Fact]
    public async Task A_failed_create_leaves_nothing()
    {
        await using var provider = await StartWithListenerAsync();
        provider.Provisioner.Serve = (_, _) => throw new ProvisioningException("No.");

        await provider.FailAsync(Create(provider, Registration("echo-0", Function)));

        Assert.Empty(await IdsAsync(provider));
    }

    [Fact]
    public async Task Repeated_and_parallel_events_make_one_registration()
    {
        await using var provider = await StartWithListenerAsync();
        var create = Create(provider, Registration("echo-0", Function));
        var before = provider.Endpoint.Taken.Count;

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => provider.HandleAsync(create))));

        Assert.Single(await IdsAsync(provider));
        var bodies = provider.Endpoint.Taken.Skip(before).Select(taken => taken.Body).ToArray();
        Assert.All(bodies, body => Assert.Equal(bodies[0], body));
        Assert.True(new Answer(bodies[0]).Succeeded);
    }

    [Fact]
    public async Task A_second_owner_of_the_same_region_is_refused_and_its_delete_does_not_touch_the_first()
    {
        await using var provider = await StartWithListenerAsync();
        var first = await provider.SucceedAsync(Create(provider, Registration("echo-0", Function)));

        var refused = await provider.FailAsync(Create(provider, Registration("echo-0", Function + "2"), "Second"));
        await provider.SucceedAsync(Event(provider, "Delete", null, first.PhysicalResourceId, "Second"));

        Assert.Contains("registered by Registration", refused.Reason, StringComparison.Ordinal);
        Assert.Equal([first.PhysicalResourceId], await IdsAsync(provider));
    }

    [Fact]
    public async Task A_destination_name_of_several_listeners_means_the_declaring_stacks_and_is_ambiguous_for_a_third()
    {
        await using var provider = await StartAsync();
        await provider.SucceedAsync(provider.Create(NamedDestination()));
        var elsewhere = NamedDestination();
        elsewhere["Name"] = "elsewhere";
        var foreign = provider.Create(elsewhere);
        foreign["StackId"] = OtherStack;
        await provider.SucceedAsync(foreign);
        var third = Create(provider, Registration("fixed", Function));
        third["StackId"] = OtherStack.Replace("stack/other", "stack/third", StringComparison.Ordinal);
        var theirs = Create(provider, Registration("fixed", Function, "us-west-2"));
        theirs["StackId"] = OtherStack;

        var own = await provider.SucceedAsync(Create(provider, Registration("fixed", Function)));
        var others = await provider.SucceedAsync(theirs);
        var refused = await provider.FailAsync(third);

        Assert.Equal(("fixed/us-west-2", "fixed/us-west-2.2"), (own.PhysicalResourceId, others.PhysicalResourceId));
        Assert.Contains("ambiguous: the listeners echo, elsewhere", refused.Reason, StringComparison.Ordinal);
        var records = (await provider.Store.ReadConfigurationAsync(default)).DestinationArns;
        Assert.Equal(["echo", "elsewhere"], records.Select(record => record.ListenerName).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("nowhere", Function, "*", "\"nowhere\" does not exist")]
    [InlineData("echo-0", "arn:aws:sqs:us-west-2:123456789012:queue", "*", "same service in every region")]
    [InlineData("echo-0", "arn:aws:ec2:us-west-2:123456789012:instance/i", "*", "Arn must belong to a service")]
    [InlineData("echo-0", "arn:aws:lambda:us-west-2:123456789012:layer:x", "*", "Arn must have the form arn:aws:lambda")]
    [InlineData("echo-0", "none", "*", "Arn is required and must be an ARN")]
    [InlineData("echo-0", Function, "here", "IngressRegionKey must be an AWS region")]
    [InlineData("", Function, "*", "Destination must be the name of a destination")]
    public async Task Says_what_is_wrong(string destination, string arn, string key, string part)
    {
        await using var provider = await StartWithListenerAsync();

        var refused = await provider.FailAsync(Create(provider, Registration(destination, arn, key)));

        Assert.Contains(part, refused.Reason, StringComparison.Ordinal);
        Assert.Empty(await IdsAsync(provider));
    }

    [Fact]
    public async Task The_generated_name_of_the_longest_listener_name_is_a_destinations()
    {
        await using var provider = await StartAsync();
        var listener = UdpProperties();
        listener["Name"] = new string('n', 128);
        var created = await provider.SucceedAsync(provider.Create(listener));
        var destination = created.Data["DestinationNames"]![0]!.GetValue<string>();

        Assert.Equal($"{destination}/us-west-2", (await provider.SucceedAsync(Create(provider, Registration(destination, Function)))).PhysicalResourceId);
    }

    [Theory]
    [InlineData("{}", "DeviceIdExpression")]
    [InlineData("""{"DeviceIdExpression":"[0:2]","LatitudeExpression":"[2]"}""", "LongitudeExpression")]
    [InlineData("""{"DeviceIdExpression":"[0:2]","LatitudeExpression":"[2]","LongitudeExpression":"[3]"}""", null)]
    public async Task A_tracker_is_registered_only_where_the_destination_says_what_is_the_position(string arguments, string? missing)
    {
        const string Tracker = "arn:aws:geo:us-west-2:123456789012:tracker/fleet";
        await using var provider = await StartAsync();
        var listener = UdpProperties();
        var destination = listener["Destinations"]![0]!.AsObject();
        destination.Remove("DestinationArn");
        destination["Arguments"] = JsonNode.Parse(arguments);
        await provider.SucceedAsync(provider.Create(listener));

        var answer = await provider.SendAsync(Create(provider, Registration("echo-0", Tracker)));

        Assert.Equal(missing is null ? null : $"Arn \"{Tracker}\" needs {missing}, which the destination \"echo-0\" does not have in its Arguments; declare it there first.", answer.Reason);
    }

    [Fact]
    public async Task Tolerates_properties_that_it_does_not_know()
    {
        await using var provider = await StartWithListenerAsync();
        var properties = Registration("echo-0", Function);
        properties["Foo"] = "Bar";

        await provider.SucceedAsync(Create(provider, properties));
    }

    private static async Task<ProviderUnderTest> StartWithListenerAsync()
    {
        var provider = await StartAsync();
        await provider.SucceedAsync(provider.Create(NamedDestination()));
        return provider;
    }

    /// <summary>A destination with a name of its own, and one with a generated name (<c>echo-0</c>).</summary>
    private static JsonObject NamedDestination()
    {
        var properties = UdpProperties();
        var destinations = properties["Destinations"]!.AsArray();
        var named = destinations[0]!.DeepClone();
        named["Name"] = "fixed";
        destinations.Add(named);
        return properties;
    }

    private static JsonObject Registration(string destination, string arn, string? key = null)
    {
        var properties = new JsonObject { ["ServiceToken"] = "x", ["ApiKey"] = "x", ["Destination"] = destination, ["Arn"] = arn };
        if (key is not null)
            properties["IngressRegionKey"] = key;
        return properties;
    }

    private static JsonObject Create(ProviderUnderTest provider, JsonObject properties, string logicalId = "Registration") =>
        Event(provider, "Create", properties, null, logicalId);

    private static JsonObject Event(ProviderUnderTest provider, string type, JsonObject? properties, string? id, string logicalId = "Registration", string? requestId = null)
    {
        var request = provider.Event(type, properties, id, requestId);
        request["ResourceType"] = "Custom::ProxylityUdpGatewayDestinationArn";
        request["LogicalResourceId"] = logicalId;
        return request;
    }

    private static async Task<IReadOnlyList<string>> IdsAsync(ProviderUnderTest provider) =>
        [.. (await provider.Store.ReadConfigurationAsync(default)).DestinationArns.Select(record => record.PhysicalResourceId)];

    /// <summary>ARNs by region of the destinations that a registration may concern.</summary>
    private static async Task<Dictionary<string, string>> EffectiveArnsAsync(ProviderUnderTest provider, string listener = "echo")
    {
        var effective = (await provider.Store.ReadConfigurationAsync(default)).EffectiveListeners().Single(record => record.PhysicalResourceId == listener);
        var registered = (await provider.Store.ReadConfigurationAsync(default)).DestinationArns[0].DestinationName;
        return effective.Definition.Destinations.Single(destination => destination.Name == registered).Arns.ToDictionary(arn => arn.Key, arn => arn.Value);
    }
}
