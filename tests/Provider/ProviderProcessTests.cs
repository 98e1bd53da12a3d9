using System.Text.Json.Nodes;
using UdpGateway.Provider.Tests.Emulation;
using static UdpGateway.Provider.Tests.ListenerLifecycleTests;
using static UdpGateway.Provider.Tests.TestDoubles.ProviderUnderTest;

namespace UdpGateway.Provider.Tests;

/// <summary>The provider's program under Lambda, against CloudFormation's side of the protocol.</summary>
public sealed class ProviderProcessTests
{
    private static readonly string PresharedKey = Convert.ToBase64String([.. Enumerable.Repeat((byte)0x5a, 32)]);

    [Fact]
    public async Task A_stack_lives_from_create_over_update_and_replacement_to_delete()
    {
        await using var provider = await EmulatedProvider.StartAsync();
        var stack = provider.NewStack();

        Assert.Equal("CREATE_COMPLETE", await stack.CreateAsync(Gated()));
        Assert.Equal("echo", stack.PhysicalResourceId);
        Assert.Equal("UPDATE_COMPLETE", await stack.UpdateAsync(With(Gated(), "Description", "changed")));
        Assert.Equal("echo", stack.PhysicalResourceId);
        Assert.Equal("UPDATE_COMPLETE", await stack.UpdateAsync(With(Gated(), "Port", "5353")));
        Assert.Equal("echo.2", stack.PhysicalResourceId);
        Assert.Equal("DELETE_COMPLETE", await stack.DeleteAsync());

        Assert.Equal(stack.Answers[0]!.PublicKey, stack.Answers[1]!.PublicKey);
        Assert.Equal("udp.example.com", stack.Answers[0]!.Data["Domain"]!.GetValue<string>());
        var (ids, secretFiles, _) = await provider.EndAndReadStoreAsync();
        Assert.Empty(ids);
        Assert.Empty(secretFiles);
        Assert.Empty(provider.Lambda.Errors);
    }

    [Fact]
    public async Task A_replacement_is_rolled_back_to_the_old_listener_and_its_key()
    {
        await using var provider = await EmulatedProvider.StartAsync();
        var stack = provider.NewStack();
        await stack.CreateAsync(With(Gated(), "Port", "5000"));

        Assert.Equal("UPDATE_ROLLBACK_COMPLETE", await stack.UpdateAsync(With(Gated(), "Port", "5353"), rollBackAnyway: true));

        Assert.Equal("echo", stack.PhysicalResourceId);
        Assert.Equal("echo.2", stack.Answers[1]!.PhysicalResourceId);
        Assert.Equal(stack.Answers[0]!.PublicKey, stack.Answers[2]!.PublicKey);
        Assert.Equal(["echo"], (await provider.EndAndReadStoreAsync()).Ids);
    }

    [Fact]
    public async Task An_update_that_fails_is_rolled_back()
    {
        await using var provider = await EmulatedProvider.StartAsync();
        var stack = provider.NewStack();
        await stack.CreateAsync(Gated());

        Assert.Equal("UPDATE_ROLLBACK_COMPLETE", await stack.UpdateAsync(With(Gated(), "Description", "refuse")));

        Assert.Equal("Task stopped: CannotPullContainerError.", stack.Answers[1]!.Reason);
        Assert.Equal(["echo"], (await provider.EndAndReadStoreAsync()).Ids);
    }

    [Fact]
    public async Task A_process_that_dies_in_the_middle_is_followed_by_one_that_finishes()
    {
        await using var provider = await EmulatedProvider.StartAsync(retryDelays: [TimeSpan.FromMilliseconds(50)]);
        var stack = provider.NewStack();

        Assert.Equal("CREATE_COMPLETE", await stack.CreateAsync(With(Gated(), "Description", "kill-once")));

        Assert.Contains("Runtime.ExitError", Assert.Single(provider.Lambda.Errors), StringComparison.Ordinal);
        var (ids, secretFiles, _) = await provider.EndAndReadStoreAsync();
        Assert.Equal(["echo"], ids);
        Assert.Single(secretFiles);
    }

    [Fact]
    public async Task An_answer_that_got_lost_is_sent_by_the_next_attempt()
    {
        await using var provider = await EmulatedProvider.StartAsync(timeout: TimeSpan.FromSeconds(8), retryDelays: [TimeSpan.FromMilliseconds(50)]);
        provider.Endpoint.Refusals = int.MaxValue;
        var stack = provider.NewStack();
        var create = stack.CreateAsync(Gated());
        await WaitForAsync(() => !provider.Lambda.Errors.IsEmpty);
        provider.Endpoint.Refusals = 0;

        Assert.Equal("CREATE_COMPLETE", await create);

        Assert.Contains("ResponseUndeliveredException", Assert.Single(provider.Lambda.Errors), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_create_whose_answer_never_arrives_is_cleaned_up_by_the_rollback()
    {
        await using var provider = await EmulatedProvider.StartAsync(timeout: TimeSpan.FromSeconds(5));
        provider.Endpoint.Refusals = int.MaxValue;
        var stack = provider.NewStack();
        stack.ServiceTimeout = TimeSpan.FromSeconds(12);
        var create = stack.CreateAsync(Gated());
        await WaitForAsync(() => !provider.Lambda.Errors.IsEmpty);
        stack.ServiceTimeout = TimeSpan.FromMinutes(2);
        await WaitForAsync(() => stack.Answers.Count == 1);
        provider.Endpoint.Refusals = 0;

        Assert.Equal("ROLLBACK_COMPLETE", await create);

        Assert.Null(stack.Answers[0]);
        var (ids, secretFiles, _) = await provider.EndAndReadStoreAsync();
        Assert.Empty(ids);
        Assert.Empty(secretFiles);
    }

    [Fact]
    public async Task Events_that_come_again_get_the_same_answer_at_their_new_address()
    {
        await using var provider = await EmulatedProvider.StartAsync();
        var stack = provider.NewStack();
        await stack.CreateAsync(Gated());

        var again = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => stack.SendAgainAsync(stack.Sent[0])));

        Assert.All(again, answer => Assert.Equal(stack.Answers[0]!.Body, answer!.Body));
        Assert.Equal(["echo"], (await provider.EndAndReadStoreAsync()).Ids);
    }

    [Fact]
    public async Task Settings_that_are_wrong_are_all_named_when_it_starts()
    {
        await using var provider = await EmulatedProvider.StartAsync();
        var variables = provider.Function.Environment;
        variables.Remove("UDPGW_TABLE");
        variables["UDPGW_SERVICE_ROLE"] = "udp-gateway-service";
        variables["UDPGW_ACCOUNT_ID"] = "12";
        variables["UDPGW_DOMAIN"] = "no host";
        variables["UDPGW_TIME_LIMIT_SECONDS"] = "4000";

        var (outcome, _) = await provider.Lambda.InvokeAsync("provider", "{}");

        var error = JsonNode.Parse(outcome.Error!)!;
        Assert.Equal("ProviderSettingsException", error["errorType"]!.GetValue<string>());
        var message = error["errorMessage"]!.GetValue<string>();
        Assert.All(["UDPGW_TABLE is not set", "UDPGW_SERVICE_ROLE is \"udp-gateway-service\"", "UDPGW_ACCOUNT_ID is \"12\"", "UDPGW_DOMAIN is \"no host\"", "UDPGW_TIME_LIMIT_SECONDS is \"4000\""], part => Assert.Contains(part, message, StringComparison.Ordinal));
    }

    [Fact]
    public async Task No_output_answer_or_record_holds_a_key_or_an_address()
    {
        await using var provider = await EmulatedProvider.StartAsync(retryDelays: [TimeSpan.FromMilliseconds(50)]);
        var stack = provider.NewStack();
        await stack.CreateAsync(Gated());
        await stack.UpdateAsync(With(Gated(), "Description", "throw"));
        provider.Lambda.SendEvent("provider", $"{{\"ResponseURL\":\"https://example.com/not-to-be-logged\",\"ResourceProperties\":{{\"UnknownPeerPreSharedKey\":\"{PresharedKey}\"");
        provider.Lambda.SendEvent("provider", """{"ResponseURL":"https://example.com/not-to-be-logged","RequestId":"r"}""");

        var (_, secretFiles, files) = await provider.EndAndReadStoreAsync();

        var output = string.Join('\n', provider.Lambda.Output);
        Assert.Contains("inner detail of the provisioner", output, StringComparison.Ordinal);
        Assert.Contains("is no CloudFormation event", output, StringComparison.Ordinal);
        var privateKey = JsonNode.Parse(await File.ReadAllTextAsync(Assert.Single(secretFiles)))!["PrivateKey"]!.GetValue<string>();
        var everything = string.Concat(output, files, string.Concat(provider.Lambda.Errors), string.Concat(stack.Answers.Select(answer => System.Text.Encoding.UTF8.GetString(answer!.Body))));
        Assert.All([PresharedKey, privateKey, "not-to-be-logged"], secret => Assert.DoesNotContain(secret, everything, StringComparison.Ordinal));
    }

    internal static JsonObject Gated() => With(WireGuardProperties(), "UnknownPeerPreSharedKey", PresharedKey);

    private static async Task WaitForAsync(Func<bool> condition)
    {
        for (var deadline = DateTime.UtcNow.AddMinutes(2); !condition(); await Task.Delay(20))
            Assert.True(DateTime.UtcNow < deadline, "It did not come to that within two minutes.");
    }
}
