using System.Text.Json;
using System.Text.Json.Nodes;
using static UdpGateway.Listeners.Tests.Binding.Declarations;

namespace UdpGateway.Listeners.Tests.Binding;

/// <summary>Every rule: the path that it names and the sentence that it says.</summary>
public sealed class ListenerValidationTests
{
    private const string Services = "lambda, sqs, sns, events, kinesis, firehose, s3, logs, dynamodb, states, execute-api, iot, geo";

    [Theory]
    // shapes
    [InlineData("Port", "\"many\"", "Port", "must be a number", "\"many\"")]
    [InlineData("Port", "\"80.5\"", "Port", "must be a whole number", "80.5")]
    [InlineData("Port", "\"NaN\"", "Port", "must be a number", "\"NaN\"")]
    [InlineData("Port", "[1]", "Port", "must be a number", "a list")]
    [InlineData("Destinations", "\"x\"", "Destinations", "must be a list of objects", "a string")]
    [InlineData("Destinations[0]", "\"x\"", "Destinations[0]", "must be an object", "a string")]
    [InlineData("Destinations[0].Arguments", "\"x\"", "Destinations[0].Arguments", "must be an object", "a string")]
    [InlineData("Destinations[0].Arguments.UseAsyncInvoke", "\"maybe\"", "Destinations[0].Arguments.UseAsyncInvoke", "must be true or false", "\"maybe\"")]
    [InlineData("ClientRestrictions", "\"open\"", "ClientRestrictions", "must be an object", "a string")]
    [InlineData("Destinations[0].Role", "{}", "Destinations[0].Role", "must be a string or an object with Arn", null)]
    // listener
    [InlineData("Protocols", "null", "Protocols", "is required and must be [udp] or [wg]", null)]
    [InlineData("Protocols", "[]", "Protocols", "is required and must be [udp] or [wg]", null)]
    [InlineData("Protocols", "[\"udp\",\"wg\"]", "Protocols", "must hold exactly one protocol, udp or wg; declare one listener for each", "\"udp, wg\"")]
    [InlineData("Protocols", "[\"dtls\"]", "Protocols[0]", "must be udp or wg; DTLS listeners are not supported yet", "\"dtls\"")]
    [InlineData("Protocols", "[\"tcp\"]", "Protocols[0]", "must be udp or wg", "\"tcp\"")]
    [InlineData("Name", "\"a_b\"", "Name", "must have 1 to 128 letters, digits and hyphens", "\"a_b\"")]
    [InlineData("Name", "\"a.2\"", "Name", "must have 1 to 128 letters, digits and hyphens", "\"a.2\"")]
    [InlineData("ListenerName", "\"other\"", "ListenerName", "is another spelling of Name and must be equal to it or absent", "\"other\"")]
    [InlineData("Port", "0", "Port", "must be a port from 1 to 65535", "0")]
    [InlineData("Port", "\"65536\"", "Port", "must be a port from 1 to 65535", "65536")]
    [InlineData("Fleet", "\"eu/1\"", "Fleet", "must be the name of a fleet: 1 to 64 letters, digits and hyphens", "\"eu/1\"")]
    [InlineData("PrivateKey", "\"AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=\"", "PrivateKey", "must be a {{resolve:secretsmanager:…}} reference to a secret that holds the key; a private key has no place in a template", null)]
    [InlineData("PrivateKey", "\"{{resolve:ssm:k}}\"", "PrivateKey", "cannot be read with {{resolve:ssm:…}}; only secretsmanager references are supported, so keep the key in Secrets Manager", null)]
    [InlineData("Destinations", "null", "Destinations", "must hold at least one destination", null)]
    [InlineData("Destinations", "[]", "Destinations", "must hold at least one destination", null)]
    [InlineData("AllowUnknownPeers", "\"true\"", "AllowUnknownPeers", "needs Protocols [wg]; a udp listener knows no peers", null)]
    [InlineData("UnknownPeerPreSharedKey", "\"AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=\"", "UnknownPeerPreSharedKey", "needs Protocols [wg]; a udp listener does not encrypt", null)]
    [InlineData("Peers", "[{\"PublicKey\":\"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\"}]", "Peers", "needs Protocols [wg]; a udp listener knows no peers", null)]
    // client restrictions
    [InlineData("ClientRestrictions.Networks", "[\"10.0.0.0/8\",\"10.1/16\"]", "ClientRestrictions.Networks[1]", "must be a CIDR block such as 192.0.2.0/24 or 2001:db8::/32", "\"10.1/16\"")]
    [InlineData("ClientRestrictions.Networks", "[\"10.0.0.0/33\"]", "ClientRestrictions.Networks[0]", "must be a CIDR block such as 192.0.2.0/24 or 2001:db8::/32", "\"10.0.0.0/33\"")]
    [InlineData("ClientRestrictions.Networks", "[\"\"]", "ClientRestrictions.Networks[0]", "must be a CIDR block such as 192.0.2.0/24 or 2001:db8::/32", "\"\"")]
    [InlineData("ClientRestrictions.Networks", "[\"fe80::1%eth0/64\"]", "ClientRestrictions.Networks[0]", "must be a CIDR block such as 192.0.2.0/24 or 2001:db8::/32", "\"fe80::1%eth0/64\"")]
    [InlineData("ClientRestrictions.Domains", "[\"example.com\",\"\"]", "ClientRestrictions.Domains[1]", "must be a host name such as client.example.com, or *.example.com for every name below it; Client Policy Framework records are not supported", "\"\"")]
    [InlineData("ClientRestrictions.Domains", "[\"example.com\",\"*\"]", "ClientRestrictions.Domains[1]", "must be a host name such as client.example.com, or *.example.com for every name below it; Client Policy Framework records are not supported", "\"*\"")]
    [InlineData("ClientRestrictions.Domains", "[\"example.com\",\"*.com\"]", "ClientRestrictions.Domains[1]", "must be a host name such as client.example.com, or *.example.com for every name below it; Client Policy Framework records are not supported", "\"*.com\"")]
    [InlineData("ClientRestrictions.Domains", "[\"example.com\",\"a.*.com\"]", "ClientRestrictions.Domains[1]", "must be a host name such as client.example.com, or *.example.com for every name below it; Client Policy Framework records are not supported", "\"a.*.com\"")]
    [InlineData("ClientRestrictions.Domains", "[\"example.com\",\"192.0.2.1\"]", "ClientRestrictions.Domains[1]", "must be a host name such as client.example.com, or *.example.com for every name below it; Client Policy Framework records are not supported", "\"192.0.2.1\"")]
    [InlineData("ClientRestrictions.Domains", "[\"example.com\",\"v=cpf1 a\"]", "ClientRestrictions.Domains[1]", "must be a host name such as client.example.com, or *.example.com for every name below it; Client Policy Framework records are not supported", "\"v=cpf1 a\"")]
    [InlineData("ClientRestrictions.Domains", "[\"example.com\",\"-a.com\"]", "ClientRestrictions.Domains[1]", "must be a host name such as client.example.com, or *.example.com for every name below it; Client Policy Framework records are not supported", "\"-a.com\"")]
    [InlineData("ClientRestrictions.Domains", "[\"example.com\",\"a..b\"]", "ClientRestrictions.Domains[1]", "must be a host name such as client.example.com, or *.example.com for every name below it; Client Policy Framework records are not supported", "\"a..b\"")]
    [InlineData("ClientRestrictions.Domains", "[\"example.com\",\"http://a.com\"]", "ClientRestrictions.Domains[1]", "must be a host name such as client.example.com, or *.example.com for every name below it; Client Policy Framework records are not supported", "\"http://a.com\"")]
    // destination
    [InlineData("Destinations[0].Name", "\"a b\"", "Destinations[0].Name", "must have 1 to 128 letters, digits and hyphens", "\"a b\"")]
    [InlineData("Destinations[0].Role", "null", "Destinations[0].Role", "is required: the ARN of the role that the gateway assumes to deliver packets, as a string or as {\"Arn\": …}", null)]
    [InlineData("Destinations[0].Role", "\"delivery\"", "Destinations[0].Role", "must be the ARN of an IAM role, such as arn:aws:iam::123456789012:role/NAME", "\"delivery\"")]
    [InlineData("Destinations[0].Role", "\"arn:aws:iam::123456789012:user/delivery\"", "Destinations[0].Role", "must be the ARN of an IAM role, such as arn:aws:iam::123456789012:role/NAME", "\"arn:aws:iam::123456789012:user/delivery\"")]
    [InlineData("Destinations[0].Role", "\"arn:aws:iam:us-west-2:123456789012:role/delivery\"", "Destinations[0].Role", "must be the ARN of an IAM role, such as arn:aws:iam::123456789012:role/NAME", "\"arn:aws:iam:us-west-2:123456789012:role/delivery\"")]
    [InlineData("Destinations[0].DestinationArn", "\"handler\"", "Destinations[0].DestinationArn", "must be an ARN of the form arn:partition:service:region:account:resource", "\"handler\"")]
    [InlineData("Destinations[0].DestinationArn", "\"arn:aws:ecs:us-west-2:123456789012:queue\"", "Destinations[0].DestinationArn", "must belong to a service that packets can be delivered to: " + Services, "\"arn:aws:ecs:us-west-2:123456789012:queue\"")]
    [InlineData("Destinations[0].DestinationArn", "\"arn:aws:lambda:us-west-2:123456789012:layer:x\"", "Destinations[0].DestinationArn", "must have the form arn:aws:lambda:REGION:ACCOUNT:function:NAME[:QUALIFIER]", "\"arn:aws:lambda:us-west-2:123456789012:layer:x\"")]
    [InlineData("Destinations[0].DestinationArn", "\"arn:aws:lambda:us-west-2:123456789012:function:a/../b\"", "Destinations[0].DestinationArn", "must have the form arn:aws:lambda:REGION:ACCOUNT:function:NAME[:QUALIFIER]", "\"arn:aws:lambda:us-west-2:123456789012:function:a/../b\"")]
    [InlineData("Destinations[0].DestinationArn", "{\"mars\":\"arn:aws:lambda:us-west-2:123456789012:function:a\"}", "Destinations[0].DestinationArn.mars", "must be keyed by an AWS region such as us-west-2, or by *", "\"mars\"")]
    [InlineData("Destinations[0].Formatter", "\"1\"", "Destinations[0].Formatter", "must be base64, hex, ascii, utf8 or coap", "\"1\"")]
    [InlineData("Destinations[0].FilterExpression", "\"[0 == 0xFE\"", "Destinations[0].FilterExpression", "must be an expression such as [0] == 0xFE; at character 11: expected ']', ':' or ',', but found the end", "\"[0 == 0xFE\"")]
    [InlineData("Destinations[0].FilterExpression", "\"tlv[1]\"", "Destinations[0].FilterExpression", "must be an expression such as [0] == 0xFE; at character 1: TLV search is not supported; read the bytes by their offset", "\"tlv[1]\"")]
    [InlineData("Destinations[0].FilterExpression", "[\"[0]\"]", "Destinations[0].FilterExpression", "must be a string", "a list")]
    [InlineData("Destinations[0].DeadLetterArn", "\"x\"", "Destinations[0].DeadLetterArn", "must be the ARN of an SQS queue, arn:aws:sqs:REGION:ACCOUNT:NAME", "\"x\"")]
    [InlineData("Destinations[0].DeadLetterArn", "\"arn:aws:sns:us-west-2:123456789012:topic\"", "Destinations[0].DeadLetterArn", "must be the ARN of an SQS queue, arn:aws:sqs:REGION:ACCOUNT:NAME", "\"arn:aws:sns:us-west-2:123456789012:topic\"")]
    [InlineData("Destinations[0].Arguments.TenantId", "\"a,b\"", "Destinations[0].Arguments.TenantId", "must be 1 to 256 letters, digits, spaces and . _ : / = + - @ characters", "\"a,b\"")]
    [InlineData("Destinations[0].Arguments", "{\"TenantId\":\"a\",\"TenantIdExpression\":\"[0:4]\"}", "Destinations[0].Arguments.TenantId", "cannot be combined with TenantIdExpression; keep the one that names the tenant", "\"a\"")]
    [InlineData("Destinations[0].Arguments", "{\"UseResponseStreaming\":\"true\",\"UseAsyncInvoke\":\"true\"}", "Destinations[0].Arguments.UseResponseStreaming", "cannot be combined with UseAsyncInvoke, because an asynchronous invocation has no response to stream; set at most one of them to true", null)]
    [InlineData("Destinations[0].Concurrency", "0", "Destinations[0].Concurrency", "must be from 1 to 1,000 deliveries at a time", "0")]
    [InlineData("Destinations[0].LogGroupName", "\"arn:aws:logs:us-west-2:123456789012:log-group:x:*\"", "Destinations[0].LogGroupName", "must be the name of a log group, not its ARN: 1 to 512 letters, digits and . - _ / # characters", "\"arn:aws:logs:us-west-2:123456789012:log-group:x:*\"")]
    [InlineData("Destinations[0].MetricsEnabled", "\"perhaps\"", "Destinations[0].MetricsEnabled", "must be true or false", "\"perhaps\"")]
    // batching
    [InlineData("Destinations[0].Batching.Count", "0", "Destinations[0].Batching.Count", "must be from 1 to 10,000 packets", "0")]
    [InlineData("Destinations[0].Batching.Count", "\"10001\"", "Destinations[0].Batching.Count", "must be from 1 to 10,000 packets", "10001")]
    [InlineData("Destinations[0].Batching.TimeoutInSeconds", "-1", "Destinations[0].Batching.TimeoutInSeconds", "must be from 0 to 300 seconds", "-1")]
    [InlineData("Destinations[0].Batching.TimeoutInSeconds", "\"300.5\"", "Destinations[0].Batching.TimeoutInSeconds", "must be from 0 to 300 seconds", "300.5")]
    [InlineData("Destinations[0].Batching.SizeInMB", "0", "Destinations[0].Batching.SizeInMB", "must be more than 0 and at most 256 megabytes", "0")]
    [InlineData("Destinations[0].Batching.SizeInMb", "-2", "Destinations[0].Batching.SizeInMb", "must be more than 0 and at most 256 megabytes", "-2")]
    [InlineData("Destinations[0].Batching", "{\"SizeInMB\":1,\"SizeInMb\":2}", "Destinations[0].Batching.SizeInMb", "is another spelling of SizeInMB and must be equal to it or absent", "2")]
    public void Refuses_on_a_udp_listener(string path, string json, string expectedPath, string sentence, string? given) =>
        AssertOnlyProblem(Udp().With(path, json), expectedPath, sentence, given);

    [Theory]
    [InlineData("Peers[0].PublicKey", "null", "Peers[0].PublicKey", "is required: the peer's WireGuard public key, base64 of 32 bytes")]
    [InlineData("Peers[0].PublicKey", "\"c2hvcnQ=\"", "Peers[0].PublicKey", "must be base64 of exactly 32 bytes, a WireGuard public key")]
    [InlineData("Peers[0].PublicKey", "\"not a key\"", "Peers[0].PublicKey", "must be base64 of 32 bytes, a WireGuard public key")]
    [InlineData("Peers[0].PublicKey", "\"" + ZeroKey + "\"", "Peers[0].PublicKey", "is all zero, which is nobody's public key")]
    [InlineData("Peers[0].AllowedIPs", "[\"10.0.0.300/32\"]", "Peers[0].AllowedIPs[0]", "must be a CIDR block such as 192.0.2.0/24 or 2001:db8::/32")]
    [InlineData("Peers[0].SharedSecret", "\"\"", "Peers[0].SharedSecret", "is empty, which would be no key at all; it must be base64 of 32 bytes (`udpgw keys psk` makes one) or a {{resolve:secretsmanager:…}} reference")]
    [InlineData("Peers[0].SharedSecret", "\"" + ZeroKey + "\"", "Peers[0].SharedSecret", "is the all-zero key, which is no key at all; it must be base64 of 32 bytes (`udpgw keys psk` makes one) or a {{resolve:secretsmanager:…}} reference")]
    [InlineData("Peers[0].SharedSecret", "\"c2hvcnQ=\"", "Peers[0].SharedSecret", "holds a number of bytes other than 32; it must be base64 of 32 bytes (`udpgw keys psk` makes one) or a {{resolve:secretsmanager:…}} reference")]
    [InlineData("Peers[0].SharedSecret", "\"pass phrase\"", "Peers[0].SharedSecret", "is not base64; it must be base64 of 32 bytes (`udpgw keys psk` makes one) or a {{resolve:secretsmanager:…}} reference")]
    [InlineData("Peers[0].SharedSecret", "\"{{resolve:ssm-secure:key:1}}\"", "Peers[0].SharedSecret", "cannot be read with {{resolve:ssm-secure:…}}; only secretsmanager references are supported, so keep the key in Secrets Manager")]
    public void Refuses_on_a_wireguard_listener(string path, string json, string expectedPath, string sentence)
    {
        var problem = Assert.Single(Bind(WireGuard().With(path, json)).Problems);

        Assert.Equal(expectedPath, problem.Path);
        Assert.Equal(sentence, problem.Sentence);
    }

    [Theory]
    [InlineData("AllowUnknownPeer", "AllowUnknownPeers")]
    [InlineData("allowUnknownPeers", "AllowUnknownPeers")]
    [InlineData("AlowUnknownPears", "AllowUnknownPeers")]
    [InlineData("UnknownPeerPresharedKey", "UnknownPeerPreSharedKey")]
    [InlineData("UnknownPeersPreSharedKey", "UnknownPeerPreSharedKey")]
    [InlineData("ClientRestriction", "ClientRestrictions")]
    [InlineData("Peer", "Peers")]
    public void Refuses_a_near_miss_of_a_gating_property(string name, string meant)
    {
        var problem = Assert.Single(Bind(WireGuard().With(name, "\"secret-looking value\"")).Problems);

        Assert.Equal(name, problem.Path);
        Assert.Equal($"is not a property; {meant} must be written exactly so", problem.Sentence);
        Assert.Null(problem.Given);
    }

    [Theory]
    [InlineData("Peers[0].SharedSecrets", "is not a property; SharedSecret must be written exactly so")]
    [InlineData("Peers[0].PresharedKey", "is not a property; SharedSecret must be written exactly so")]
    [InlineData("Peers[0].AllowedIps", "is not a property; AllowedIPs must be written exactly so")]
    [InlineData("Peers[0].Networks", "is not a property here; Networks belongs elsewhere")]
    [InlineData("ClientRestrictions.Network", "is not a property; Networks must be written exactly so")]
    [InlineData("Networks", "is not a property here; Networks belongs elsewhere")]
    public void Refuses_a_near_miss_where_it_nests(string path, string sentence)
    {
        var problem = Assert.Single(Bind(WireGuard().With(path, "\"x\"")).Problems);

        Assert.Equal(path, problem.Path);
        Assert.Equal(sentence, problem.Sentence);
    }

    [Theory]
    [InlineData("ClientRestrictions.ClientPolicyFramework")]
    [InlineData("ClientRestrictions.Policies")]
    [InlineData("ClientRestrictions.Countries")]
    public void Refuses_a_restriction_that_would_let_everybody_in(string path)
    {
        var problem = Assert.Single(Bind(Udp().With(path, "[\"example.com\"]")).Problems);

        Assert.Equal(path, problem.Path);
        Assert.Equal("is no supported restriction; Networks and Domains are, Client Policy Framework policies are not", problem.Sentence);
    }

    [Theory]
    [InlineData("Foo", "\"Bar\"", "Foo", "is not a property of this resource and has no effect")]
    [InlineData("Destinations[0].Foo", "{}", "Destinations[0].Foo", "is not a property of this resource and has no effect")]
    [InlineData("Destinations[0].Arguments.SendRaw", "true", "Destinations[0].Arguments.SendRaw", "is not a property of this resource and has no effect")]
    [InlineData("Destinations[0].EnableLogging", "true", "Destinations[0].EnableLogging", "has no effect without LogGroupName")]
    [InlineData("DecapsulatedDelivery", "\"true\"", "DecapsulatedDelivery", "has no effect on a udp listener")]
    [InlineData("Psks", "{\"a\":\"b\"}", "Psks", "concerns DTLS listeners only and has no effect")]
    public void Warns_of_what_has_no_effect(string path, string json, string expectedPath, string sentence)
    {
        var bound = Bind(Udp().With(path, json));

        Assert.NotNull(bound.Definition);
        var warning = Assert.Single(bound.Warnings);
        Assert.Equal(expectedPath, warning.Path);
        Assert.Equal(sentence, warning.Sentence);
    }

    [Theory]
    [InlineData("UseAsyncInvoke")]
    [InlineData("UseResponseStreaming")]
    public void Warns_of_a_functions_invocation_where_there_is_no_function(string name)
    {
        var bound = Bind(Udp().With("Destinations[0].DestinationArn", "\"arn:aws:sqs:us-west-2:123456789012:queue\"").With($"Destinations[0].Arguments.{name}", "true"));

        Assert.Equal($"Destinations[0].Arguments.{name} is not a property of this resource and has no effect.", Assert.Single(bound.Warnings).ToString());
        Assert.False(bound.Definition!.Destinations[0].UseAsyncInvoke || bound.Definition.Destinations[0].UseResponseStreaming);
    }

    [Theory]
    [InlineData("""{"AllowUnknownPeers":"false","AllowUnknownPeers":"true"}""", "AllowUnknownPeers")]
    [InlineData("""{"UnknownPeerPreSharedKey":"a","UnknownPeerPreSharedKey":null}""", "UnknownPeerPreSharedKey")]
    [InlineData("""{"ClientRestrictions":{"Networks":["10.0.0.0/8"],"Networks":[]}}""", "ClientRestrictions.Networks")]
    [InlineData("""{"Peers":[{"PublicKey":"a","PublicKey":"b"}]}""", "Peers[0].PublicKey")]
    public void Refuses_a_property_that_is_declared_twice(string json, string path)
    {
        using var properties = JsonDocument.Parse(json);

        var problems = ListenerProperties.Bind(properties.RootElement, new BindingContext { StackId = StackId, LogicalResourceId = "Listener" }).Problems;

        Assert.Contains($"{path} is declared twice.", problems.Select(problem => problem.ToString()));
    }

    [Theory]
    [InlineData("\"" + PresharedKey + "\"")]
    [InlineData("\"{{resolve:secretsmanager:psk}}\"")]
    public void Keeps_no_key_of_unknown_peers_that_may_not_connect(string key)
    {
        var bound = Bind(WireGuard().With("AllowUnknownPeers", "\"false\"").With("UnknownPeerPreSharedKey", key));

        Assert.Equal("UnknownPeerPreSharedKey has no effect while AllowUnknownPeers is not true.", Assert.Single(bound.Warnings).ToString());
        Assert.Null(bound.Definition!.UnknownPeerPreSharedKey);
        Assert.Empty(bound.Keys);
    }

    [Fact]
    public void Says_once_what_several_kinds_of_destination_read()
    {
        Assert.Equal("Destinations[0].DestinationArn must be a string or an object; a list was given.", Assert.Single(Bind(Udp().With("Destinations[0].DestinationArn", "[\"x\"]")).Problems).ToString());
    }

    [Fact]
    public void Says_of_half_a_surrogate_pair_that_it_is_no_text()
    {
        using var properties = JsonDocument.Parse("""{"Description":"\ud800"}""");

        var problems = ListenerProperties.Bind(properties.RootElement, new BindingContext { StackId = "stack", LogicalResourceId = "Listener" }).Problems;

        Assert.Contains("Description is no Unicode text (half a surrogate pair, or broken UTF-8).", problems.Select(problem => problem.ToString()));
    }

    [Fact]
    public void Warns_when_nobody_may_connect()
    {
        var warning = Assert.Single(Bind(WireGuard().With("Peers", "[]")).Warnings);

        Assert.Equal("is empty and AllowUnknownPeers is not true, so that no client can connect", warning.Sentence);
    }

    [Theory]
    [InlineData("AllowUnknownPeers", "\"false\"")]
    [InlineData("Peers", "[]")]
    [InlineData("DecapsulatedDelivery", "false")]
    [InlineData("Destinations[0].MetricsEnabled", "\"true\"")]
    [InlineData("Destinations[0].EnableLogging", "\"false\"")]
    [InlineData("Destinations[0].LogGroupName", "\"/radius/RadiusAuth/DeliveryLogs\"")]
    [InlineData("Destinations[0].LogGroupName", "\"\"")]
    [InlineData("Description", "\"text\"")]
    [InlineData("Fleet", "\"default\"")]
    [InlineData("ServiceTimeout", "\"60\"")]
    public void Harmless_values_pass_without_a_word(string path, string json)
    {
        var bound = Bind(Udp().With(path, json));

        Assert.Empty(bound.Problems);
        Assert.Empty(bound.Warnings);
    }

    [Fact]
    public void Refuses_two_peers_with_one_key_however_it_is_written()
    {
        var properties = WireGuard();
        properties["Peers"]!.AsArray().Add(Peer(" " + PeerKey));

        var problem = Assert.Single(Bind(properties).Problems);

        Assert.Equal("Peers[1].PublicKey", problem.Path);
        Assert.Equal("is the key of Peers[0] already; every peer needs a key of its own", problem.Sentence);
    }

    [Theory]
    [InlineData("10.1.0.0/16", "10.1.2.3/16", true)]
    [InlineData("10.1.0.0/16", "10.1.0.0/17", false)]
    [InlineData("0.0.0.0/0", "0.0.0.0/0", false)]
    [InlineData("::/0", "::/0", false)]
    [InlineData("fd00::1", "fd00::1/128", true)]
    public void Refuses_one_network_on_two_peers_except_any(string first, string second, bool refused)
    {
        var properties = WireGuard().With("Peers[0].AllowedIPs", $"[\"{first}\"]");
        properties["Peers"]!.AsArray().Add(Peer(OtherPeerKey));
        properties.With("Peers[1].AllowedIPs", $"[\"{second}\"]");

        var problems = Bind(properties).Problems;

        if (!refused)
            Assert.Empty(problems);
        else
            Assert.Equal($"Peers[1].AllowedIPs[0] is the network of Peers[0] already; only 0.0.0.0/0 and ::/0 may be shared by peers; \"{second}\" was given.", Assert.Single(problems).ToString());
    }

    [Fact]
    public void Refuses_mixed_services_in_a_region_map()
    {
        var problems = Bind(Udp().With("Destinations[0].DestinationArn", $$"""{"us-west-2":"{{FunctionArn}}","us-east-1":"arn:aws:sqs:us-east-1:123456789012:queue"}""")).Problems;

        Assert.Contains(problems, problem => problem.Path == "Destinations[0].DestinationArn" && problem.Sentence == "must name the same service in every region");
    }

    [Fact]
    public void Role_may_be_missing_only_where_the_context_says_so()
    {
        var properties = Udp().With("Destinations[0].Role", "null");

        Assert.NotNull(Bind(properties, arn => arn == FunctionArn).Definition);
        Assert.Null(Bind(properties, arn => arn != FunctionArn).Definition);
        Assert.Null(Bind(properties.With("Destinations[0].DestinationArn", "{}"), _ => true).Definition);
    }

    [Fact]
    public void Refuses_destination_names_that_are_equal_or_collide_with_a_generated_one()
    {
        var properties = Udp();
        properties["Destinations"]!.AsArray().Add(Destination());
        properties.With("Destinations[0].Name", "\"echo-1\"");

        var problem = Assert.Single(Bind(properties).Problems);

        Assert.Equal("Destinations[1].Name", problem.Path);
        Assert.Equal("is the name of Destinations[0] already", problem.Sentence);
    }

    [Fact]
    public void Refuses_destination_names_that_no_answer_can_carry()
    {
        var properties = Udp();
        properties["Destinations"] = new JsonArray([.. Enumerable.Range(0, 20).Select(index =>
        {
            var destination = Destination();
            destination["Name"] = $"{new string('n', 110)}{index}";
            return destination;
        })]);

        var problem = Assert.Single(Bind(properties).Problems);

        Assert.Equal("Destinations", problem.Path);
        Assert.StartsWith("has names of 2,290 bytes together, but CloudFormation's answer has room for 2,048", problem.Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void Reports_all_problems_at_once_with_the_index_of_the_template()
    {
        var properties = WireGuard()
            .With("Port", "\"x\"")
            .With("Destinations[0].Batching.Count", "\"0\"")
            .With("Destinations[0].Role", "null");
        properties["Peers"]!.AsArray().Insert(0, null);
        properties.With("Peers[1].SharedSecret", "\"short\"");

        var paths = Bind(properties).Problems.Select(problem => problem.Path).Order(StringComparer.Ordinal);

        Assert.Equal(["Destinations[0].Batching.Count", "Destinations[0].Role", "Peers[1].SharedSecret", "Port"], paths);
    }

    [Theory]
    [InlineData("Peers[0].SharedSecret", "[\"x\"]", "Peers[0].SharedSecret")]
    [InlineData("Peers2", "[]", "Peers2")]
    public void What_cannot_be_read_hides_no_other_problem(string path, string json, string expectedPath)
    {
        var problems = Bind(WireGuard().With("Protocols", "[\"udp\"]").With(path, json)).Problems;

        Assert.Equal([expectedPath, "Peers"], problems.Select(problem => problem.Path));
    }

    [Theory]
    [InlineData("Protocols", "[[]]", "Protocols[0]")]
    [InlineData("Peers[0].PublicKey", "{}", "Peers[0].PublicKey")]
    [InlineData("Destinations", "[\"x\"]", "Destinations[0]")]
    [InlineData("Destinations[0].Role", "{\"Arn\":[]}", "Destinations[0].Role.Arn")]
    [InlineData("Fleet", "[]", "Fleet")]
    public void What_cannot_be_read_is_not_also_missing(string path, string json, string expectedPath) =>
        Assert.Equal(expectedPath, Assert.Single(Bind(WireGuard().With(path, json)).Problems).Path);

    [Fact]
    public void No_problem_repeats_a_key_however_malformed()
    {
        const string Secret = "hunter2hunter2hunter2";
        var properties = WireGuard()
            .With("ApiKey", $"[\"{Secret}\"]")
            .With("UnknownPeerPreSharedKey", $"\"{Secret}\"")
            .With("UnknownPeerPreSharedKei", $"\"{Secret}\"")
            .With("Psks", $"\"{Secret}\"")
            .With("PrivateKey", $"\"{Secret}\"")
            .With("Peers[0].SharedSecret", $"{{\"Key\":\"{Secret}\"}}")
            .With("Peers[0].PublicKey", $"\"{Secret}\"")
            .With("Peers[0].Secret", $"\"{Secret}\"");
        properties["Peers"]!.AsArray().Add(Secret);

        var bound = Bind(properties);

        Assert.True(bound.Problems.Count >= 6);
        Assert.All(bound.Problems.Concat(bound.Warnings), problem => Assert.DoesNotContain(Secret, problem.ToString(), StringComparison.Ordinal));
    }

    private static void AssertOnlyProblem(JsonObject properties, string path, string sentence, string? given)
    {
        var bound = Bind(properties);

        var problem = Assert.Single(bound.Problems);
        Assert.Null(bound.Definition);
        Assert.Equal(path, problem.Path);
        Assert.Equal(sentence, problem.Sentence);
        Assert.Equal(given, problem.Given);
        Assert.NotEmpty(problem.Code);
    }
}
