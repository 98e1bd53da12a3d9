using static UdpGateway.Listeners.Tests.Binding.Declarations;

namespace UdpGateway.Listeners.Tests.Binding;

public sealed class ListenerPropertiesBindingTests
{
    [Theory]
    [InlineData("{\"LogGroupName\":\"/logs/x\"}", false, "/logs/x")]
    [InlineData("{\"LogGroupName\":\"/logs/x\",\"EnableLogging\":\"true\",\"MetricsEnabled\":\"true\"}", true, "/logs/x")]
    [InlineData("{\"LogGroupName\":\"/logs/x\",\"EnableLogging\":\"false\",\"MetricsEnabled\":false}", false, null)]
    [InlineData("{\"LogGroupName\":\"\"}", false, null)]
    public void A_log_group_is_written_to_unless_logging_is_switched_off(string json, bool metrics, string? logGroup)
    {
        var listener = Udp();
        foreach (var property in System.Text.Json.Nodes.JsonNode.Parse(json)!.AsObject())
            listener = listener.With($"Destinations[0].{property.Key}", property.Value!.ToJsonString());

        var destination = BindValid(listener).Destinations[0];

        Assert.Equal((metrics, logGroup), (destination.MetricsEnabled, destination.LogGroupName));
    }

    [Theory]
    [InlineData("100", 100)]
    [InlineData("\"100\"", 100)]
    [InlineData("\"1E2\"", 100)]
    [InlineData("1e2", 100)]
    [InlineData("\"100.0\"", 100)]
    public void Reads_whole_numbers_in_every_scalar_form(string json, int expected)
    {
        var definition = BindValid(Udp().With("Destinations[0].Batching.Count", json));

        Assert.Equal(expected, definition.Destinations[0].Batching.Count);
    }

    [Theory]
    [InlineData("0.05", 50)]
    [InlineData("\"0.05\"", 50)]
    [InlineData("\"5.0E-2\"", 50)]
    [InlineData("\"30\"", 30_000)]
    [InlineData("0", 0)]
    public void Reads_fractions_in_every_scalar_form(string json, int expectedMilliseconds)
    {
        var definition = BindValid(Udp().With("Destinations[0].Batching.TimeoutInSeconds", json));

        Assert.Equal(TimeSpan.FromMilliseconds(expectedMilliseconds), definition.Destinations[0].Batching.Timeout);
    }

    [Theory]
    [InlineData("true", true)]
    [InlineData("\"true\"", true)]
    [InlineData("\"True\"", true)]
    [InlineData("\"FALSE\"", false)]
    [InlineData("false", false)]
    [InlineData("null", false)]
    public void Reads_booleans_in_every_scalar_form(string json, bool expected)
    {
        var definition = BindValid(Udp().With("Destinations[0].Arguments.UseAsyncInvoke", json));

        Assert.Equal(expected, definition.Destinations[0].UseAsyncInvoke);
    }

    [Theory]
    [InlineData("\"arn:aws:iam::123456789012:role/delivery\"")]
    [InlineData("{\"Arn\":\"arn:aws:iam::123456789012:role/delivery\"}")]
    public void Takes_role_as_string_or_object(string json)
    {
        var definition = BindValid(Udp().With("Destinations[0].Role", json));

        Assert.Equal(RoleArn, definition.Destinations[0].RoleArn);
    }

    [Fact]
    public void Takes_one_arn_for_every_region()
    {
        var definition = BindValid(Udp());

        Assert.Equal(new Dictionary<string, string> { ["*"] = FunctionArn }, definition.Destinations[0].Arns);
    }

    [Fact]
    public void Takes_a_map_of_regions()
    {
        var definition = BindValid(Udp().With("Destinations[0].DestinationArn", $$"""{"us-west-2":"{{FunctionArn}}","*":"{{FunctionArn}}:live"}"""));

        Assert.Equal(new Dictionary<string, string> { ["us-west-2"] = FunctionArn, ["*"] = FunctionArn + ":live" }, definition.Destinations[0].Arns);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("\"\"")]
    [InlineData("{\"*\":null}")]
    public void A_destination_without_arn_is_legal(string json)
    {
        var definition = BindValid(Udp().With("Destinations[0].DestinationArn", json));

        Assert.Empty(definition.Destinations[0].Arns);
    }

    [Theory]
    [InlineData("SizeInMB")]
    [InlineData("SizeInMb")]
    public void Takes_both_spellings_of_the_batch_size(string name)
    {
        var definition = BindValid(Udp().With($"Destinations[0].Batching.{name}", "\"0.5\""));

        Assert.Equal(500_000, definition.Destinations[0].Batching.SizeInBytes);
    }

    [Fact]
    public void Listener_name_is_another_spelling_of_name()
    {
        var definition = BindValid(Udp().With("Name", "null").With("ListenerName", "\"other\""));

        Assert.Equal("other", definition.Name);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("\"\"")]
    public void Generates_a_stable_name_when_none_is_given(string json)
    {
        var first = BindValid(Udp().With("Name", json)).Name;
        var second = BindValid(Udp().With("Name", json)).Name;

        Assert.Matches("^fleet-Listener-[0-9a-f]{8}$", first);
        Assert.Equal(first, second);
    }

    [Fact]
    public void Generates_destination_names_in_template_order()
    {
        var properties = Udp();
        properties["Destinations"]!.AsArray().Add(Destination());
        properties.With("Destinations[0].Name", "\"first\"");

        var definition = BindValid(properties);

        Assert.Equal(["first", "echo-1"], definition.Destinations.Select(destination => destination.Name));
    }

    [Fact]
    public void Batching_that_is_absent_or_partial_takes_the_defaults()
    {
        var absent = BindValid(Udp()).Destinations[0].Batching;
        var partial = BindValid(Udp().With("Destinations[0].Batching.Count", "7")).Destinations[0].Batching;

        Assert.Equal(BindingDefaults, absent);
        Assert.Equal(BindingDefaults with { Count = 7 }, partial);
    }

    [Theory]
    [InlineData("base64", PayloadFormatter.Base64)]
    [InlineData("hex", PayloadFormatter.Hex)]
    [InlineData("ascii", PayloadFormatter.Ascii)]
    [InlineData("utf8", PayloadFormatter.Utf8)]
    [InlineData("UTF8", PayloadFormatter.Utf8)]
    [InlineData("coap", PayloadFormatter.Coap)]
    public void Reads_formatters(string text, PayloadFormatter expected)
    {
        var definition = BindValid(Udp().With("Destinations[0].Formatter", $"\"{text}\""));

        Assert.Equal(expected, definition.Destinations[0].Formatter);
    }

    [Theory]
    [InlineData("client.example.com", "client.example.com")]
    [InlineData("Client.Example.COM.", "client.example.com")]
    [InlineData("*.example.com", "*.example.com")]
    [InlineData("a_b.xn--caf-dma.example.com", "a_b.xn--caf-dma.example.com")]
    [InlineData("localhost", "localhost")]
    public void Reads_domains(string text, string expected)
    {
        var definition = BindValid(Udp().With("ClientRestrictions.Domains", $"[\"{text}\"]"));

        Assert.Equal(expected, Assert.Single(definition.AllowedDomains));
    }

    [Theory]
    [InlineData("[0] == 0xFD && [7] == 0x18 ?? 0x00", "[0] == 0xFD && [7] == 0x18 ?? 0x00")]
    [InlineData("", null)]
    public void Reads_filter_expressions(string text, string? expected)
    {
        var definition = BindValid(Udp().With("Destinations[0].FilterExpression", $"\"{text}\""));

        Assert.Equal(expected, definition.Destinations[0].FilterExpression);
    }

    [Theory]
    [InlineData("10.0.0.0/8", "10.0.0.0/8")]
    [InlineData("192.0.2.77/24", "192.0.2.0/24")]
    [InlineData("192.0.2.77", "192.0.2.77/32")]
    [InlineData("0.0.0.0/0", "0.0.0.0/0")]
    [InlineData("2001:db8::1/32", "2001:db8::/32")]
    [InlineData("::ffff:10.1.2.3/104", "10.0.0.0/8")]
    public void Reads_networks(string text, string expected)
    {
        var definition = BindValid(Udp().With("ClientRestrictions.Networks", $"[\"{text}\"]"));

        Assert.Equal(expected, Assert.Single(definition.AllowedNetworks).ToString());
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("{\"Networks\":[]}")]
    [InlineData("{\"Domains\":[]}")]
    [InlineData("null")]
    public void Empty_restrictions_mean_open(string json)
    {
        var definition = BindValid(Udp().With("ClientRestrictions", json));

        Assert.Empty(definition.AllowedNetworks);
    }

    [Fact]
    public void Literal_keys_go_beside_the_definition_under_stable_fields()
    {
        var bound = Bind(WireGuard()
            .With("AllowUnknownPeers", "\"true\"")
            .With("UnknownPeerPreSharedKey", $"\"{PresharedKey}\"")
            .With("Peers[0].SharedSecret", $"\"{PresharedKey}\\n\""));

        Assert.Empty(bound.Problems);
        Assert.Equal(new ListenerSecretField("UnknownPeerPreSharedKey"), bound.Definition!.UnknownPeerPreSharedKey);
        Assert.Equal(new ListenerSecretField($"Peers/{PeerKey}"), bound.Definition.Peers[0].SharedSecret);
        Assert.Equal(PresharedKey, bound.Keys["UnknownPeerPreSharedKey"].Base64);
        Assert.Equal(PresharedKey, bound.Keys[$"Peers/{PeerKey}"].Base64);
        Assert.DoesNotContain(PresharedKey, bound.Definition.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(PresharedKey, bound.Keys["UnknownPeerPreSharedKey"].ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void References_stay_references()
    {
        var bound = Bind(WireGuard().With("Peers[0].SharedSecret", "\"{{resolve:secretsmanager:fleet/key:SecretString:psk}}\""));

        Assert.Equal(new SecretReference("fleet/key", "psk"), bound.Definition!.Peers[0].SharedSecret);
        Assert.Empty(bound.Keys);
    }

    [Fact]
    public void The_listeners_own_key_is_a_reference_and_its_rotation_a_token()
    {
        var imported = BindValid(WireGuard().With("PrivateKey", "\"{{resolve:secretsmanager:own}}\""));
        var rotated = BindValid(WireGuard().With("KeyRotationToken", "2"));
        var empty = BindValid(WireGuard().With("KeyRotationToken", "\"\""));

        Assert.Equal((new SecretReference("own"), null), (imported.PrivateKey, imported.KeyRotationToken));
        Assert.Equal((null, "2"), (rotated.PrivateKey, rotated.KeyRotationToken));
        Assert.Null(empty.KeyRotationToken);
    }

    [Fact]
    public void What_concerns_the_listeners_key_has_no_effect_where_there_is_none()
    {
        var bound = Bind(Udp().With("PrivateKey", "\"{{resolve:secretsmanager:own}}\"").With("KeyRotationToken", "2"));

        Assert.Equal(["PrivateKey", "KeyRotationToken"], bound.Warnings.Select(warning => warning.Path));
        Assert.Equal((null, null), (bound.Definition!.PrivateKey, bound.Definition.KeyRotationToken));
        Assert.Equal("KeyRotationToken", Assert.Single(Bind(WireGuard().With("PrivateKey", "\"{{resolve:secretsmanager:own}}\"").With("KeyRotationToken", "2")).Warnings).Path);
    }

    [Fact]
    public void Nulls_in_lists_are_skipped()
    {
        var properties = WireGuard();
        properties["Peers"]!.AsArray().Insert(0, null);

        var definition = BindValid(properties);

        Assert.Equal(PeerKey, Assert.Single(definition.Peers).PublicKey);
    }

    [Fact]
    public void A_port_of_the_template_is_kept()
    {
        Assert.Equal(514, BindValid(Udp().With("Port", "\"514\"")).Port);
    }

    [Fact]
    public void A_single_protocol_may_be_given_without_a_list()
    {
        Assert.Equal(ListenerProtocol.WireGuard, BindValid(WireGuard().With("Protocols", "\"wg\"")).Protocol);
    }

    private static BatchingDefinition BindingDefaults => new(100, TimeSpan.FromMilliseconds(100), 1_000_000);
}
