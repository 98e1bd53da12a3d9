using UdpGateway.Provider.Tests.Emulation;
using static UdpGateway.Provider.Tests.ListenerLifecycleTests;
using static UdpGateway.Provider.Tests.ProviderProcessTests;

namespace UdpGateway.Provider.Tests;

/// <summary>Time runs out: of an invocation, of an event, of what never returns.</summary>
public sealed class ProviderDeadlineTests
{
    [Theory]
    [InlineData("hang")]
    [InlineData("block")]
    public async Task What_hangs_is_answered_before_the_deadline(string script)
    {
        await using var provider = await EmulatedProvider.StartAsync(timeout: TimeSpan.FromSeconds(15));
        var stack = provider.NewStack();

        Assert.Equal("ROLLBACK_COMPLETE", await stack.CreateAsync(With(Gated(), "Description", script)));

        Assert.Contains("not finished in the time", stack.Answers[0]!.Reason, StringComparison.Ordinal);
        Assert.Empty(provider.Lambda.Errors);
        Assert.Empty((await provider.EndAndReadStoreAsync()).Ids);
    }

    [Fact]
    public async Task What_takes_longer_than_an_invocation_goes_on_in_the_next()
    {
        await using var provider = await EmulatedProvider.StartAsync(timeout: TimeSpan.FromSeconds(12));
        var stack = provider.NewStack();

        Assert.Equal("CREATE_COMPLETE", await stack.CreateAsync(With(Gated(), "Description", "after 3")));

        await provider.Lambda.WhenIdleAsync();
        Assert.Equal(3, provider.Lambda.Invocations.Count);
        Assert.Single(provider.Endpoint.Taken);
        Assert.Empty(provider.Lambda.Errors);
        Assert.Equal(["echo"], (await provider.EndAndReadStoreAsync()).Ids);
    }

    [Fact]
    public async Task After_five_continuations_the_answer_says_what_is_missing()
    {
        await using var provider = await EmulatedProvider.StartAsync(timeout: TimeSpan.FromSeconds(7));
        var stack = provider.NewStack();

        Assert.Equal("ROLLBACK_COMPLETE", await stack.CreateAsync(With(Gated(), "Description", "never")));

        Assert.Equal("The listener was not served in the time that the request has. No target is healthy (asked 6 times).", stack.Answers[0]!.Reason);
        Assert.Empty((await provider.EndAndReadStoreAsync()).Ids);
    }

    [Theory]
    [InlineData("ServiceTimeout", "10")]
    [InlineData("UDPGW_TIME_LIMIT_SECONDS", "10")]
    public async Task A_limit_shorter_than_an_invocation_ends_the_waiting(string name, string seconds)
    {
        await using var provider = await EmulatedProvider.StartAsync();
        var properties = With(Gated(), "Description", "never");
        if (name == "ServiceTimeout")
            properties[name] = seconds;
        else
            provider.Function.Environment[name] = seconds;
        var stack = provider.NewStack();

        Assert.Equal("ROLLBACK_COMPLETE", await stack.CreateAsync(properties));

        Assert.Contains("No target is healthy (asked 1 times).", stack.Answers[0]!.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task When_it_cannot_invoke_itself_it_answers_at_once()
    {
        await using var provider = await EmulatedProvider.StartAsync(timeout: TimeSpan.FromSeconds(12));
        provider.Function.Environment["AWS_ENDPOINT_URL_LAMBDA"] = "http://127.0.0.1:9";
        var stack = provider.NewStack();

        Assert.Equal("ROLLBACK_COMPLETE", await stack.CreateAsync(With(Gated(), "Description", "after 2")));

        Assert.Contains("No target is healthy (asked 1 times).", stack.Answers[0]!.Reason, StringComparison.Ordinal);
        Assert.Empty((await provider.EndAndReadStoreAsync()).Ids);
    }

    [Fact]
    public async Task An_sns_envelope_survives_a_continuation()
    {
        await using var provider = await EmulatedProvider.StartAsync(timeout: TimeSpan.FromSeconds(12));
        var stack = provider.NewStack();
        stack.ThroughTopic = true;

        Assert.Equal("CREATE_COMPLETE", await stack.CreateAsync(With(Gated(), "Description", "after 2")));

        await provider.Lambda.WhenIdleAsync();
        Assert.Equal(2, provider.Lambda.Invocations.Count);
    }
}
