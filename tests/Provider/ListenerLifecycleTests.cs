using System.Text.Json.Nodes;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;
using UdpGateway.WireGuard;
using static UdpGateway.Provider.Tests.TestDoubles.ProviderUnderTest;

namespace UdpGateway.Provider.Tests;

/// <summary>Create, Update and Delete as CloudFormation sends them, the happy paths and those that it does not promise.</summary>
public sealed class ListenerLifecycleTests
{
    [Fact]
    public async Task Create_answers_with_every_attribute()
    {
        await using var provider = await StartAsync();

        var answer = await provider.SucceedAsync(provider.Create(WireGuardProperties()));

        Assert.Equal("echo", answer.PhysicalResourceId);
        Assert.Equal(StackId, answer.Text("StackId"));
        Assert.Equal("request-1", answer.Text("RequestId"));
        Assert.Equal("Listener", answer.Text("LogicalResourceId"));
        Assert.Equal("echo", answer.Data["Id"]!.GetValue<string>());
        Assert.Equal("127.0.0.1", answer.Data["Domain"]!.GetValue<string>());
        Assert.Equal("127.0.0.1", answer.Data["Fqdn"]!.GetValue<string>());
        Assert.Equal($"127.0.0.1:{answer.Port}", answer.Data["Endpoint"]!.GetValue<string>());
        Assert.Equal("echo-0", Assert.Single(answer.Data["DestinationNames"]!.AsArray())!.GetValue<string>());
        Assert.Equal(32, Convert.FromBase64String(answer.PublicKey).Length);
    }

    [Fact]
    public async Task A_udp_listener_has_no_key()
    {
        await using var provider = await StartAsync();

        var answer = await provider.SucceedAsync(provider.Create(UdpProperties()));

        Assert.False(answer.Data.ContainsKey("WireGuardPublicKey"));
        Assert.Empty(provider.SecretFiles);
    }

    [Fact]
    public async Task The_secret_holds_the_private_key_of_the_public_key_and_the_literal_keys()
    {
        await using var provider = await StartAsync();
        var presharedKey = Convert.ToBase64String([.. Enumerable.Repeat((byte)9, 32)]);
        var properties = WireGuardProperties();
        properties["UnknownPeerPreSharedKey"] = presharedKey;
        properties["Peers"] = new JsonArray(new JsonObject { ["PublicKey"] = PeerKey, ["SharedSecret"] = presharedKey });

        var answer = await provider.SucceedAsync(provider.Create(properties));

        var record = (await provider.Store.FindAsync<ListenerRecord>("echo", default))!;
        var secret = JsonNode.Parse((await provider.Store.ReadAsync(new SecretReference(record.SecretId!), default)).Value!)!;
        var publicKey = new byte[32];
        WireGuardKeys.ComputePublicKey(Convert.FromBase64String(secret["PrivateKey"]!.GetValue<string>()), publicKey);
        Assert.Equal(answer.PublicKey, Convert.ToBase64String(publicKey));
        Assert.Equal(answer.PublicKey, record.WireGuardPublicKey);
        Assert.Equal(presharedKey, secret["UnknownPeerPreSharedKey"]!.GetValue<string>());
        Assert.Equal(presharedKey, secret[$"Peers/{PeerKey}"]!.GetValue<string>());
    }

    [Fact]
    public async Task A_name_is_generated_when_none_is_declared()
    {
        await using var provider = await StartAsync();
        var properties = UdpProperties();
        properties.Remove("Name");

        var answer = await provider.SucceedAsync(provider.Create(properties));

        Assert.Matches("^fleet-Listener-[0-9a-f]{8}$", answer.PhysicalResourceId);
    }

    [Fact]
    public async Task The_alias_type_is_the_same_resource()
    {
        await using var provider = await StartAsync();
        var create = provider.Create(UdpProperties());
        create["ResourceType"] = "Custom::UdpGatewayListener";

        Assert.Equal("echo", (await provider.SucceedAsync(create)).PhysicalResourceId);
    }

    [Fact]
    public async Task An_event_in_an_sns_envelope_is_unwrapped()
    {
        await using var provider = await StartAsync();
        var envelope = new JsonObject
        {
            ["Records"] = new JsonArray(new JsonObject { ["EventSource"] = "aws:sns", ["Sns"] = new JsonObject { ["Message"] = provider.Create(UdpProperties()).ToJsonString() } }),
        };

        Assert.Equal("echo", (await provider.SucceedAsync(envelope)).PhysicalResourceId);
    }

    [Fact]
    public async Task Update_in_place_keeps_id_port_and_key()
    {
        await using var provider = await StartAsync();
        var created = await provider.SucceedAsync(provider.Create(WireGuardProperties()));
        var changed = WireGuardProperties();
        changed["Peers"] = new JsonArray(new JsonObject { ["PublicKey"] = PeerKey, ["SharedSecret"] = PeerKey });

        var updated = await provider.SucceedAsync(provider.Update("echo", changed));

        Assert.Equal(created.PhysicalResourceId, updated.PhysicalResourceId);
        Assert.Equal(created.Port, updated.Port);
        Assert.Equal(created.PublicKey, updated.PublicKey);
        Assert.Equal(PeerKey, Assert.Single((await provider.Store.FindAsync<ListenerRecord>("echo", default))!.Definition.Peers).PublicKey);
        Assert.Single(provider.SecretFiles);
    }

    [Fact]
    public async Task An_unchanged_update_makes_no_calls()
    {
        await using var provider = await StartAsync();
        await provider.SucceedAsync(provider.Create(WireGuardProperties()));
        var before = await provider.Store.ReadRevisionAsync(default);
        provider.Provisioner.Calls.Clear();

        await provider.SucceedAsync(provider.Update("echo", WireGuardProperties()));

        Assert.Equal(before, await provider.Store.ReadRevisionAsync(default));
        Assert.Equal(["serve echo"], provider.Provisioner.Calls);
    }

    [Fact]
    public async Task Keys_and_port_survive_a_restart_of_the_provider()
    {
        await using var provider = await StartAsync();
        var created = await provider.SucceedAsync(provider.Create(WireGuardProperties()));
        provider.Restart();

        var updated = await provider.SucceedAsync(provider.Update("echo", WireGuardProperties()));

        Assert.Equal(created.PublicKey, updated.PublicKey);
        Assert.Equal(created.Port, updated.Port);
    }

    [Fact]
    public async Task A_protocol_change_is_in_place_and_a_rollback_finds_the_old_key()
    {
        await using var provider = await StartAsync();
        var created = await provider.SucceedAsync(provider.Create(UdpProperties()));

        var wireGuard = await provider.SucceedAsync(provider.Update("echo", WireGuardProperties()));
        var udp = await provider.SucceedAsync(provider.Update("echo", UdpProperties()));
        var again = await provider.SucceedAsync(provider.Update("echo", WireGuardProperties()));

        Assert.All([wireGuard, udp, again], answer => Assert.Equal((created.PhysicalResourceId, created.Port), (answer.PhysicalResourceId, answer.Port)));
        Assert.False(udp.Data.ContainsKey("WireGuardPublicKey"));
        Assert.Equal(wireGuard.PublicKey, again.PublicKey);
    }

    [Fact]
    public async Task A_port_change_replaces_and_the_old_one_serves_until_its_cleanup()
    {
        await using var provider = await StartAsync();
        var created = await provider.SucceedAsync(provider.Create(WireGuardProperties()));

        var replaced = await provider.SucceedAsync(provider.Update("echo", With(WireGuardProperties(), "Port", "5353")));
        var during = await provider.IdsAsync();
        await provider.SucceedAsync(provider.Delete("echo"));

        Assert.Equal("echo.2", replaced.PhysicalResourceId);
        Assert.Equal(5353, replaced.Port);
        Assert.NotEqual(created.PublicKey, replaced.PublicKey);
        Assert.Equal(["echo", "echo.2"], during);
        Assert.Equal(["echo.2"], await provider.IdsAsync());
        Assert.Single(provider.SecretFiles);
    }

    [Fact]
    public async Task A_name_change_replaces()
    {
        await using var provider = await StartAsync();
        await provider.SucceedAsync(provider.Create(UdpProperties()));

        var replaced = await provider.SucceedAsync(provider.Update("echo", With(UdpProperties(), "Name", "other")));

        Assert.Equal("other", replaced.PhysicalResourceId);
        Assert.Equal(["echo", "other"], await provider.IdsAsync());
    }

    [Theory]
    [InlineData("echo")]
    [InlineData("echo.2")]
    public async Task Rollback_of_a_replacement_returns_to_the_old_generation_whichever_id_it_carries(string rollbackId)
    {
        await using var provider = await StartAsync();
        var created = await provider.SucceedAsync(provider.Create(With(WireGuardProperties(), "Port", "5000")));
        await provider.SucceedAsync(provider.Update("echo", With(WireGuardProperties(), "Port", "5353")));

        var rolledBack = await provider.SucceedAsync(provider.Update(rollbackId, With(WireGuardProperties(), "Port", "5000")));
        await provider.SucceedAsync(provider.Delete("echo.2"));

        Assert.Equal("echo", rolledBack.PhysicalResourceId);
        Assert.Equal(created.PublicKey, rolledBack.PublicKey);
        Assert.Equal(5000, rolledBack.Port);
        Assert.Equal(["echo"], await provider.IdsAsync());
    }

    [Fact]
    public async Task A_late_cleanup_of_an_old_generation_does_not_touch_the_live_one()
    {
        await using var provider = await StartAsync();
        await provider.SucceedAsync(provider.Create(With(UdpProperties(), "Port", "5000")));
        await provider.SucceedAsync(provider.Update("echo", With(UdpProperties(), "Port", "5001")));
        var cleanup = provider.Delete("echo");
        await provider.SucceedAsync(cleanup);
        await provider.SucceedAsync(provider.Update("echo.2", With(UdpProperties(), "Port", "5000")));

        await provider.SendAsync(cleanup);
        await provider.SucceedAsync(provider.Delete("echo"));

        Assert.Equal(["echo.2", "echo.3"], await provider.IdsAsync());
    }

    [Theory]
    [InlineData("Name", "other", "other")]
    [InlineData("Port", "5353", "echo.2")]
    public async Task A_second_cleanup_does_not_touch_a_generation_whose_announcement_was_not_noted(string property, string value, string replacement)
    {
        await using var provider = await StartAsync();
        await provider.SucceedAsync(provider.Create(UdpProperties()));
        await provider.SucceedAsync(provider.Update("echo", With(UdpProperties(), property, value)));
        // The process died between its answer and the note.
        var live = (await provider.Store.FindAsync<ListenerRecord>(replacement, default))!;
        await provider.Store.TryWriteAsync(live with { Announced = false }, live.Version, default);

        await provider.SucceedAsync(provider.Delete("echo"));
        await provider.SucceedAsync(provider.Delete("echo"));

        Assert.Equal([replacement], await provider.IdsAsync());
    }

    [Fact]
    public async Task A_cleanup_that_was_seen_before_a_generation_came_back_leaves_it_alone()
    {
        await using var provider = await StartAsync();
        await provider.SucceedAsync(provider.Create(With(UdpProperties(), "Port", "5000")));
        await provider.SucceedAsync(provider.Update("echo", With(UdpProperties(), "Port", "5001")));
        // The first run of the cleanup died after it had been noted.
        await provider.Store.BeginRequestAsync(new(StackId, "Listener", "cleanup"), default);
        await provider.SucceedAsync(provider.Update("echo.2", With(UdpProperties(), "Port", "5000")));

        await provider.SucceedAsync(provider.Event("Delete", null, "echo", "cleanup"));

        Assert.Contains("echo", await provider.IdsAsync());
    }

    [Fact]
    public async Task Delete_removes_everything()
    {
        await using var provider = await StartAsync();
        await provider.SucceedAsync(provider.Create(WireGuardProperties()));

        var deleted = await provider.SucceedAsync(provider.Delete("echo"));

        Assert.Equal("echo", deleted.PhysicalResourceId);
        Assert.Empty(await provider.IdsAsync());
        Assert.Empty(provider.SecretFiles);
        Assert.Contains("release echo", provider.Provisioner.Calls);
    }

    [Fact]
    public async Task Delete_of_what_never_was_succeeds_twice_and_keeps_its_id()
    {
        await using var provider = await StartAsync();

        Assert.Equal("never-created", (await provider.SucceedAsync(provider.Delete("never-created"))).PhysicalResourceId);
        Assert.Equal("never-created", (await provider.SucceedAsync(provider.Delete("never-created"))).PhysicalResourceId);
    }

    [Fact]
    public async Task Delete_does_not_touch_another_owners_listener()
    {
        await using var provider = await StartAsync();
        await provider.SucceedAsync(provider.Create(UdpProperties()));
        var otherStack = provider.Delete("echo");
        otherStack["StackId"] = StackId.Replace("/fleet/", "/other/", StringComparison.Ordinal);
        var otherResource = provider.Delete("echo");
        otherResource["LogicalResourceId"] = "Other";

        await provider.SucceedAsync(otherStack);
        await provider.SucceedAsync(otherResource);

        Assert.Equal(["echo"], await provider.IdsAsync());
    }

    [Fact]
    public async Task Delete_with_an_unknown_id_spares_a_generation_that_was_announced()
    {
        await using var provider = await StartAsync();
        await provider.SucceedAsync(provider.Create(UdpProperties()));

        await provider.SucceedAsync(provider.Delete("fleet-Listener-1A2B3C4D5E6F"));

        Assert.Equal(["echo"], await provider.IdsAsync());
    }

    [Theory]
    [InlineData("{\"Protocols\":\"smtp\",\"Destinations\":{\"old\":[1]}}")]
    [InlineData("{}")]
    public async Task Delete_tolerates_old_property_shapes(string properties)
    {
        await using var provider = await StartAsync();
        await provider.SucceedAsync(provider.Create(UdpProperties()));

        await provider.SucceedAsync(provider.Event("Delete", JsonNode.Parse(properties)!.AsObject(), "echo"));

        Assert.Empty(await provider.IdsAsync());
    }

    [Fact]
    public async Task A_name_belongs_to_its_first_claimant()
    {
        await using var provider = await StartAsync();
        await provider.SucceedAsync(provider.Create(UdpProperties()));
        var second = provider.Create(UdpProperties());
        second["LogicalResourceId"] = "Second";

        var answer = await provider.FailAsync(second);
        var rollback = provider.Delete(answer.PhysicalResourceId);
        rollback["LogicalResourceId"] = "Second";
        await provider.SucceedAsync(rollback);

        Assert.Contains("Name \"echo\" is taken already by the listener Listener", answer.Reason, StringComparison.Ordinal);
        Assert.Equal(["echo"], await provider.IdsAsync());
    }

    [Fact]
    public async Task A_name_stays_claimed_by_a_replaced_generation()
    {
        await using var provider = await StartAsync();
        await provider.SucceedAsync(provider.Create(UdpProperties()));
        await provider.SucceedAsync(provider.Update("echo", With(UdpProperties(), "Port", "5353")));
        await provider.SucceedAsync(provider.Delete("echo"));
        var second = provider.Create(UdpProperties());
        second["LogicalResourceId"] = "Second";

        await provider.FailAsync(second);

        Assert.Equal(["echo.2"], await provider.IdsAsync());
    }

    [Fact]
    public async Task A_name_change_that_keeps_a_fixed_port_is_refused_with_the_way_out()
    {
        await using var provider = await StartAsync();
        await provider.SucceedAsync(provider.Create(With(UdpProperties(), "Port", "5353")));

        var answer = await provider.FailAsync(provider.Update("echo", With(With(UdpProperties(), "Port", "5353"), "Name", "other")));

        Assert.Contains("change Port too or remove it", answer.Reason, StringComparison.Ordinal);
        Assert.Equal("echo", answer.PhysicalResourceId);
        Assert.Equal(["echo"], await provider.IdsAsync());
    }

    [Fact]
    public async Task An_update_of_a_listener_that_is_gone_makes_it_again()
    {
        await using var provider = await StartAsync();

        var answer = await provider.SucceedAsync(provider.Update("echo", UdpProperties()));

        Assert.Equal("echo", answer.PhysicalResourceId);
        Assert.Equal(["echo"], await provider.IdsAsync());
    }

    [Fact]
    public async Task A_create_after_a_delete_may_use_the_name_again()
    {
        await using var provider = await StartAsync();
        await provider.SucceedAsync(provider.Create(UdpProperties()));
        var delete = provider.Delete("echo");
        await provider.SucceedAsync(delete);

        await provider.SucceedAsync(provider.Create(UdpProperties()));
        await provider.SendAsync(delete);

        Assert.Equal(["echo"], await provider.IdsAsync());
    }

    [Fact]
    public async Task Removing_a_literal_key_removes_it_from_the_secret()
    {
        await using var provider = await StartAsync();
        var created = await provider.SucceedAsync(provider.Create(With(WireGuardProperties(), "UnknownPeerPreSharedKey", PeerKey)));

        var updated = await provider.SucceedAsync(provider.Update("echo", WireGuardProperties()));

        var record = (await provider.Store.FindAsync<ListenerRecord>("echo", default))!;
        var secret = (await provider.Store.ReadAsync(new SecretReference(record.SecretId!), default)).Value!;
        Assert.Equal(created.PublicKey, updated.PublicKey);
        Assert.DoesNotContain(PeerKey, secret, StringComparison.Ordinal);
        Assert.Single(provider.SecretFiles);
    }

    internal static JsonObject With(JsonObject properties, string name, string value)
    {
        properties[name] = value;
        return properties;
    }
}
