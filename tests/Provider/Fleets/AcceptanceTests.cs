using System.Text;
using System.Text.Json.Nodes;
using UdpGateway.Aws.Tests;
using UdpGateway.Listeners.Storage;
using UdpGateway.Tests;

namespace UdpGateway.Provider.Tests.Fleets;

/// <summary>What a user checks first, with the provider's process as it is composed on AWS.</summary>
public sealed class AcceptanceTests(MotoServer moto) : IClassFixture<MotoServer>
{
    private static readonly byte[] Key = [.. Enumerable.Range(200, 32).Select(value => (byte)value)];
    private static readonly byte[] OtherKey = [.. Enumerable.Range(160, 32).Select(value => (byte)value)];
    private static readonly byte[] ReferencedKey = [.. Enumerable.Range(223, 32).Select(value => (byte)value)];

    [RequiresMotoFact]
    public async Task An_update_that_changes_nothing_changes_nothing_in_the_account()
    {
        await using var stacks = await PaperStacks.StartAsync(moto);
        var stack = stacks.NewStack("stack");
        await stack.CreateAsync(stacks.Listener("echo", Convert.ToBase64String(Key)));
        await stacks.Lambda.WhenIdleAsync();
        var before = stacks.Cloud.Proxy.Calls.Count;
        var things = await stacks.Cloud.InventoryAsync(stacks.Account, "default");

        Assert.Equal("UPDATE_COMPLETE", await stack.UpdateAsync(stacks.Listener("echo", Convert.ToBase64String(Key))));

        await stacks.Lambda.WhenIdleAsync();
        // The event itself is noted, the target group is found by the call that would make it, and its attributes are set to what they are.
        var changes = stacks.Cloud.Proxy.Calls.Skip(before)
            .Where(call => !call.Operation.StartsWith("Describe", StringComparison.Ordinal) && !call.Operation.StartsWith("Get", StringComparison.Ordinal))
            .Where(call => !call.Text.Contains("events#", StringComparison.Ordinal) && !call.Text.Contains("#sequence", StringComparison.Ordinal))
            .Select(call => call.Operation).Except(["Query", "CreateTargetGroup", "ModifyTargetGroupAttributes"]);
        Assert.Equal([], changes);
        Assert.Equal(things, await stacks.Cloud.InventoryAsync(stacks.Account, "default"));
    }

    [RequiresMotoFact]
    public async Task Delete_of_what_never_was_succeeds_twice_and_old_shapes_are_no_obstacle()
    {
        await using var stacks = await PaperStacks.StartAsync(moto);
        var stack = stacks.NewStack("stack");
        await stack.CreateAsync(stacks.Listener("echo", Convert.ToBase64String(Key)));
        var never = (JsonObject)stack.Sent[0].DeepClone();
        (never["RequestType"], never["PhysicalResourceId"], never["LogicalResourceId"]) = ("Delete", "never-created", "Other");
        foreach (var requestId in (string[])["first", "second"])
        {
            never["RequestId"] = requestId;
            Assert.Equal((true, "never-created"), await SendAsync(never));
        }

        var foreign = (JsonObject)stack.Sent[0].DeepClone();
        (foreign["RequestType"], foreign["PhysicalResourceId"], foreign["RequestId"]) = ("Delete", "stack-Listener-1A2B3C4D5E6F", "unknown");
        Assert.Equal((true, "stack-Listener-1A2B3C4D5E6F"), await SendAsync(foreign));
        Assert.NotNull(await stacks.Cloud.Store.FindAsync<ListenerRecord>("echo", default));

        var old = (JsonObject)stack.Sent[0].DeepClone();
        (old["RequestType"], old["PhysicalResourceId"], old["RequestId"]) = ("Delete", "echo", "old");
        old["ResourceProperties"] = JsonNode.Parse("""{"Protocols":{"smtp":[1]},"Destinations":"none","Peers":7,"AllowUnknownPeers":[]}""");
        Assert.Equal((true, "echo"), await SendAsync(old));
        Assert.Equal("", await stacks.Cloud.LeftOfListenersAsync());

        async Task<(bool, string)> SendAsync(JsonObject request) => await stack.SendAgainAsync(request) is { } answer ? (answer.Succeeded, answer.PhysicalResourceId) : default;
    }

    [RequiresMotoFact]
    public async Task Throttled_tables_and_refused_puts_delay_an_answer_and_a_long_reason_is_cut()
    {
        await using var stacks = await PaperStacks.StartAsync(moto);
        var stack = stacks.NewStack("stack");
        stacks.Cloud.Endpoint.Refusals = 2;
        var calls = 0;
        stacks.Cloud.Proxy.Fault = call => call.Service == "dynamodb" && Interlocked.Increment(ref calls) % 2 != 0 ? ProxyFault.Throttled : null;

        Assert.Equal("CREATE_COMPLETE", await stack.CreateAsync(stacks.Listener("echo", Convert.ToBase64String(Key))));

        stacks.Cloud.Proxy.Fault = static _ => null;
        Assert.Equal(2, stacks.Cloud.Endpoint.Refused);
        var wrong = stacks.Listener("echo", Convert.ToBase64String(Key));
        wrong["Colour"] = "blue";
        wrong["Peers"] = new JsonArray([.. Enumerable.Range(0, 500).Select(_ => new JsonObject { ["PublicKey"] = "x" })]);
        Assert.Equal("UPDATE_ROLLBACK_COMPLETE", await stack.UpdateAsync(wrong));
        Assert.InRange(stack.Answers[1]!.Body.Length, 4000, 4096);
        wrong["Peers"] = new JsonArray(new JsonObject());
        Assert.Equal("UPDATE_ROLLBACK_COMPLETE", await stack.UpdateAsync(wrong));
        Assert.Equal(
            "(1) Peers[0].PublicKey is required: the peer's WireGuard public key, base64 of 32 bytes. (2) Colour is not a property of this resource and has no effect.",
            stack.Answers[3]!.Reason);
    }

    [RequiresMotoFact]
    public async Task A_delete_that_overtakes_its_create_leaves_nothing_whatever_that_one_does_afterwards()
    {
        await using var stacks = await PaperStacks.StartAsync(moto);
        var before = await InventoryAsync();
        var listener = stacks.Listener("overtaken", Convert.ToBase64String(Key));
        listener["Port"] = "53";
        foreach (var call in (string[])["CreateSecret", "TransactWriteItems", "DescribeSecurityGroupRules", "CreateTargetGroup", "CreateListener", "UpdateService"])
            await OvertakeAsync("Custom::UdpGatewayListener", listener, call);
        var fleet = stacks.Cloud.FleetProperties("second");
        foreach (var call in (string[])["TransactWriteItems", "RegisterTaskDefinition", "DescribeServices", "CreateService"])
            await OvertakeAsync("Custom::UdpGatewayFleet", fleet, call);

        Assert.Equal("CREATE_COMPLETE", await stacks.NewStack("base").CreateAsync(stacks.Listener("base", Convert.ToBase64String(Key))));
        before = await InventoryAsync();
        var source = new JsonObject { ["ListenerName"] = "base", ["SnsTopicSource"] = new JsonObject { ["TopicArn"] = stacks.Account.Topic, ["Role"] = stacks.Account.TopicRole } };
        foreach (var call in (string[])["TransactWriteItems", "CreateQueue", "Subscribe"])
            await OvertakeAsync("Custom::UdpGatewayPacketSource", source, call);

        Task<IReadOnlyList<string>> InventoryAsync() => stacks.Cloud.InventoryAsync(stacks.Account, "default", "second");

        // The Create gets the answer to its first such call only after the Delete is done.
        async Task OvertakeAsync(string type, JsonObject properties, string call)
        {
            var stack = stacks.NewStack($"s{Guid.NewGuid():N}"[..12], type);
            var (calls, reached) = (0, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
            var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var change = stacks.Cloud.Proxy.Change;
            stacks.Cloud.Proxy.Change = async (proxied, answer) =>
            {
                answer = await change(proxied, answer);
                if (proxied.Operation == call && Interlocked.Increment(ref calls) == 1)
                {
                    reached.SetResult();
                    await goOn.Task;
                }

                return answer;
            };
            var create = stack.CreateAsync(properties);
            await reached.Task.WaitAsync(TimeSpan.FromSeconds(30));
            var delete = (JsonObject)stack.Sent[0].DeepClone();
            (delete["RequestType"], delete["PhysicalResourceId"], delete["RequestId"]) = ("Delete", "stack-Listener-1A2B3C4D5E6F", $"delete-{Guid.NewGuid():N}");
            Assert.True((await stack.SendAgainAsync(delete))!.Succeeded);
            goOn.SetResult();

            Assert.Equal("ROLLBACK_COMPLETE", await create);
            await stacks.Lambda.WhenIdleAsync();
            stacks.Cloud.Proxy.Change = change;
            var after = await InventoryAsync();
            Assert.True(before.SequenceEqual(after), $"A {type} that was overtaken at {call} left {string.Join(", ", after.Except(before))}.");
        }
    }

    [RequiresMotoFact]
    public async Task Secrets_that_give_no_key_have_sentences_and_no_key_is_found_anywhere_else()
    {
        await using var stacks = await PaperStacks.StartAsync(moto);
        var (cloud, stack) = (stacks.Cloud, stacks.NewStack("stack"));
        var name = $"customer/{Guid.NewGuid():N}";
        const string NoKey = "correct horse battery staple";
        await cloud.CreateSecretAsync(name, $$"""{"psk":"{{Convert.ToBase64String(ReferencedKey)}}","word":"{{NoKey}}"}""");

        // Every way to fail, before and after keys are kept.
        await RefuseAsync($"{{{{resolve:secretsmanager:{name}-absent}}}}", $"the secret {name}-absent does not exist");
        await RefuseAsync($"{{{{resolve:secretsmanager:{name}:SecretString:word}}}}", $"the secret {name} holds no base64 key of 32 bytes under its JSON key word; `udpgw keys psk` makes one.");
        await RefuseAsync($"{{{{resolve:secretsmanager:{name}}}}}", $"the secret {name} holds no base64 key of 32 bytes; `udpgw keys psk` makes one.");
        await RefuseAsync(NoKey, "UnknownPeerPreSharedKey is not base64");
        await RefuseAsync(Convert.ToBase64String(Key)[..^1], "UnknownPeerPreSharedKey is not base64");
        await RefuseAsync(Convert.ToBase64String([.. Key, 1]), "UnknownPeerPreSharedKey holds a number of bytes other than 32");
        await RefuseAsync(Convert.ToBase64String(Key).Replace('+', '-').Replace('/', '_'), "UnknownPeerPreSharedKey is not base64");
        Answer("GetSecretValue", "AccessDeniedException", "User: arn:aws:sts::123456789012:assumed-role/udp-gateway-service is not authorized to perform: secretsmanager:GetSecretValue");
        await RefuseAsync($"{{{{resolve:secretsmanager:{name}:SecretString:psk}}}}", $"the provider may not read the secret {name}; add it to the provider stack's SecretArns.");
        Answer("GetSecretValue", "AccessDeniedException", "Access to KMS is not allowed");
        await RefuseAsync($"{{{{resolve:secretsmanager:{name}:SecretString:psk}}}}", $"the secret {name} cannot be decrypted; allow the provider kms:Decrypt");
        Answer("GetSecretValue", "InvalidParameterException", "You provided an invalid value for a parameter.");
        await RefuseAsync($"{{{{resolve:secretsmanager:{name}:SecretString:psk}}}}", $"UnknownPeerPreSharedKey: the secret {name} cannot be read: Secrets Manager answered HTTP 400, InvalidParameterException: You provided an invalid value for a parameter.");
        foreach (var operation in (string[])["CreateSecret", "CreateTargetGroup", "CreateListener", "UpdateService"])
        {
            Answer(operation, "LimitExceededException", "as the test wants");
            await RefuseAsync(Convert.ToBase64String(Key), "LimitExceededException: as the test wants.");
        }

        cloud.Proxy.Replace = static _ => Task.FromResult<ProxiedAnswer?>(null);
        var properties = stacks.Listener("guarded", Convert.ToBase64String(Key));
        properties["Peers"] = new JsonArray(new JsonObject { ["PublicKey"] = TestDoubles.ProviderUnderTest.PeerKey, ["SharedSecret"] = $"{{{{resolve:secretsmanager:{name}:SecretString:psk}}}}" });
        Assert.Equal("CREATE_COMPLETE", await stack.CreateAsync(properties));
        var record = (await cloud.Store.FindAsync<ListenerRecord>("guarded", default))!;
        var first = PrivateKeyIn(await cloud.Secrets.GetSecretValueAsync(record.SecretId!, null, null, default));
        properties = (JsonObject)properties.DeepClone();
        (properties["UnknownPeerPreSharedKey"], properties["KeyRotationToken"]) = (Convert.ToBase64String(OtherKey), "2");
        Assert.Equal("UPDATE_COMPLETE", await stack.UpdateAsync(properties));
        record = (await cloud.Store.FindAsync<ListenerRecord>("guarded", default))!;
        var second = PrivateKeyIn(await cloud.Secrets.GetSecretValueAsync(record.SecretId!, null, null, default));
        await cloud.Secrets.DeleteSecretAsync(name, 7, default);
        var wrong = (JsonObject)properties.DeepClone();
        wrong["Description"] = "changed";
        Assert.Equal("UPDATE_ROLLBACK_FAILED", await stack.UpdateAsync(wrong));
        Assert.Contains($"the secret {name} is scheduled for deletion", stack.Answers[^1]!.Reason, StringComparison.Ordinal);
        var kept = await cloud.DumpTableAsync();
        Assert.Equal("DELETE_COMPLETE", await stack.DeleteAsync());
        await stacks.Lambda.WhenIdleAsync();

        string[] places =
        [
            .. stacks.Lambda.Output, .. stacks.Lambda.Errors, kept, await cloud.DumpTableAsync(),
            .. cloud.Endpoint.Taken.Select(taken => Encoding.UTF8.GetString(taken.Body)),
            // Whatever was told to a service other than the one for secrets.
            .. cloud.Proxy.Calls.Where(call => call.Service != "secretsmanager").Select(call => call.Text),
        ];
        Assert.Contains(places, place => place.Contains("guarded", StringComparison.Ordinal));
        foreach (var form in ((byte[][])[Key, OtherKey, ReferencedKey, first, second]).SelectMany(FormsOf).Append(NoKey).Append("not-to-be-logged"))
            Assert.All(places, place => Assert.DoesNotContain(form, place, StringComparison.OrdinalIgnoreCase));

        async Task RefuseAsync(string key, string part)
        {
            var other = stacks.NewStack($"refused{Guid.NewGuid():N}"[..20]);
            Assert.Equal("ROLLBACK_COMPLETE", await other.CreateAsync(stacks.Listener("guarded", key)));
            Assert.Contains(part, other.Answers[0]!.Reason, StringComparison.Ordinal);
            Assert.Equal("", await cloud.LeftOfListenersAsync());
            Assert.DoesNotContain(await cloud.SecretsAsync(), secret => secret.StartsWith("udp-gateway/guarded-", StringComparison.Ordinal));
        }

        void Answer(string operation, string code, string message) => cloud.Proxy.Replace = call => Task.FromResult(
            call.Operation != operation ? null
            : call.Service == "elasticloadbalancing" ? new ProxiedAnswer(400, "text/xml", Encoding.UTF8.GetBytes($"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"))
            : new ProxiedAnswer(400, "application/x-amz-json-1.1", Encoding.UTF8.GetBytes($$"""{"__type":"{{code}}","message":"{{message}}"}""")));
    }

    private static byte[] PrivateKeyIn(string? secret) => Convert.FromBase64String(JsonNode.Parse(secret!)!["PrivateKey"]!.GetValue<string>());

    // With a search that ignores case, upper-case hexadecimal digits are among them; JSON may escape a plus sign.
    private static IEnumerable<string> FormsOf(byte[] key)
    {
        var base64 = Convert.ToBase64String(key).TrimEnd('=');
        return [base64, base64.Replace("+", "\\u002B", StringComparison.Ordinal), base64.Replace('+', '-').Replace('/', '_'), Convert.ToHexString(key), Convert.ToBase64String(Encoding.UTF8.GetBytes(base64))[..40]];
    }
}
