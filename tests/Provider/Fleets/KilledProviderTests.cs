using System.Text.Json.Nodes;
using UdpGateway.Aws.Tests;
using UdpGateway.Listeners.Storage;
using UdpGateway.Provider.Tests.Emulation;
using UdpGateway.Tests;
using UdpGateway.WireGuard;

namespace UdpGateway.Provider.Tests.Fleets;

/// <summary>The provider's process is killed when a call took effect and before it learns of that; Lambda's second attempt has to finish the event.</summary>
public sealed class KilledProviderTests(MotoServer moto) : IClassFixture<MotoServer>
{
    /// <summary>In the order in which they come to pass in a Create.</summary>
    private static readonly (string Name, Func<ProxiedCall, bool> IsIt)[] Moments =
    [
        ("the event is noted", call => call.Operation == "PutItem" && call.Text.Contains("event#", StringComparison.Ordinal)),
        ("the keys are kept", call => call.Operation == "CreateSecret"),
        ("the port is claimed", call => call.Operation == "PutItem" && call.Text.Contains("ports#", StringComparison.Ordinal)),
        ("the record is written", call => call.Operation == "TransactWriteItems"),
        ("the port is admitted", call => call.Operation == "AuthorizeSecurityGroupIngress"),
        ("the target group is made, or found", call => call.Operation == "CreateTargetGroup"),
        ("the port is forwarded", call => call.Operation == "CreateListener"),
        ("the former keys are given up", call => call.Operation == "DeleteSecret"),
        ("the answer is decided", call => call.Operation == "UpdateItem" && call.Text.Contains("Answer", StringComparison.Ordinal)),
        ("the answer is known to be taken", call => call.Operation == "TransactWriteItems" && call.Text.Contains("\\u0022Announced\\u0022:true", StringComparison.Ordinal)),
    ];

    [RequiresMotoFact]
    public async Task Whenever_a_create_or_an_update_is_killed_its_repetition_finishes_it_with_the_same_key_and_nothing_doubled()
    {
        await using var stacks = await PaperStacks.StartAsync(moto);
        var killed = new List<string>();
        foreach (var (name, isIt) in Moments)
        {
            var stack = stacks.NewStack($"stack{Array.FindIndex(Moments, moment => moment.Name == name)}");
            // Outside the fleet's range, which takes rules in two security groups.
            var properties = stacks.Listener("echo", Key(8));
            properties["Port"] = "53";
            if (await RunAsync(isIt, stack, () => stack.CreateAsync(properties), "CREATE_COMPLETE"))
                killed.Add($"Create: {name}");
            var changed = (JsonObject)properties.DeepClone();
            changed["UnknownPeerPreSharedKey"] = Key(9);
            if (await RunAsync(isIt, stack, () => stack.UpdateAsync(changed), "UPDATE_COMPLETE"))
                killed.Add($"Update: {name}");

            Assert.Equal(stack.Answers[0]!.PublicKey, stack.Answers[1]!.PublicKey);
            Assert.Equal("DELETE_COMPLETE", await stack.DeleteAsync());
            Assert.Equal("", await stacks.Cloud.LeftOfListenersAsync());
        }

        var ofUpdates = new[] { 0, 1, 3, 5, 7, 8, 9 }.Select(index => $"Update: {Moments[index].Name}");
        Assert.Equal(Moments.Where((_, index) => index != 7).Select(moment => $"Create: {moment.Name}").Concat(ofUpdates).Order(StringComparer.Ordinal), killed.Order(StringComparer.Ordinal));

        // Whether there was such a call, at the first of which the process was killed.
        async Task<bool> RunAsync(Func<ProxiedCall, bool> isIt, CloudFormationEngine stack, Func<Task<string>> step, string expected)
        {
            var (matches, failures) = (0, stacks.Lambda.Errors.Count);
            var struck = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            stacks.Cloud.Proxy.Fault = call => isIt(call) && Interlocked.Increment(ref matches) == 1 ? ProxyFault.AnswerWithheld : null;
            stacks.Cloud.Proxy.TookEffect = (_, fault) =>
            {
                if (fault is not ProxyFault.AnswerWithheld)
                    return;
                stacks.Lambda.Kill(PaperStacks.Provider);
                struck.SetResult();
            };
            var running = step();
            await Task.WhenAny(struck.Task, running);
            var half = struck.Task.IsCompleted ? await stacks.Cloud.Store.FindAsync<ListenerRecord>("echo", default) : null;
            var status = await running;
            Assert.True(status == expected, $"{status}: {stack.Answers[^1]?.Reason}\n{string.Join('\n', stacks.Lambda.Output)}");
            await stacks.Lambda.WhenIdleAsync();
            stacks.Cloud.Proxy.Fault = static _ => null;
            if (!struck.Task.IsCompleted)
                return false;

            Assert.Contains("exit status 137", Assert.Single(stacks.Lambda.Errors.Skip(failures)), StringComparison.Ordinal);
            await RequireOneOfEachAsync(stacks, stack.Answers[^1]!, half);
            return true;
        }
    }

    private static async Task RequireOneOfEachAsync(PaperStacks stacks, TestDoubles.Answer answer, ListenerRecord? half)
    {
        // A key that nobody named yet is the sweep's.
        await stacks.Cloud.NewSweep(TimeSpan.Zero).RunAsync(FleetEvent.Scheduled, default);
        Assert.Equal("listener on port 53, target group, port 64565 of echo, rule for 53, task rule for 64565, record echo", await stacks.Cloud.LeftOfListenersAsync());
        var secret = Assert.Single(await stacks.Cloud.SecretsAsync(), name => name.StartsWith("udp-gateway/echo-", StringComparison.Ordinal));
        var publicKey = new byte[32];
        var own = JsonNode.Parse((await stacks.Cloud.Secrets.GetSecretValueAsync(secret, null, null, default))!)!;
        WireGuardKeys.ComputePublicKey(Convert.FromBase64String(own["PrivateKey"]!.GetValue<string>()), publicKey);
        var record = await stacks.Cloud.Store.FindAsync<ListenerRecord>("echo", default);
        Assert.Equal((answer.PublicKey, secret), (Convert.ToBase64String(publicKey), record!.SecretId));
        Assert.Equal((answer.PublicKey, answer.Port), (record.WireGuardPublicKey, record.Port));
        if (half is not null)
            Assert.Equal((half.WireGuardPublicKey, half.Port), (record.WireGuardPublicKey, record.Port));
    }

    private static string Key(byte value) => Convert.ToBase64String([.. Enumerable.Repeat(value, 32)]);
}
