using System.Text.Json.Nodes;
using UdpGateway.Listeners.Storage;
using UdpGateway.Provider.Tests.TestDoubles;
using static UdpGateway.Provider.Tests.ListenerLifecycleTests;
using static UdpGateway.Provider.Tests.TestDoubles.ProviderUnderTest;

namespace UdpGateway.Provider.Tests;

/// <summary>Events come twice, at the same time, late, or without CloudFormation ever seeing the answer.</summary>
public sealed class RepeatedEventTests
{
    [Fact]
    public async Task An_event_repeated_after_completion_gets_the_same_bytes_at_the_new_address()
    {
        await using var provider = await StartAsync();
        var create = provider.Create(WireGuardProperties());
        await provider.SucceedAsync(create);
        create["ResponseURL"] = provider.Endpoint.Url("second");
        provider.Restart();

        await provider.HandleAsync(create);

        var taken = provider.Endpoint.Taken;
        Assert.Equal(["answer", "second"], taken.Select(answer => answer.Path));
        Assert.Equal(taken[0].Body, taken[1].Body);
        Assert.Equal(["allocate echo", "serve echo"], provider.Provisioner.Calls);
    }

    [Fact]
    public async Task A_failure_is_repeated_as_a_failure()
    {
        await using var provider = await StartAsync();
        provider.Provisioner.Serve = (_, _) => throw new ProvisioningException("No.");
        var create = provider.Create(UdpProperties());
        await provider.FailAsync(create);
        provider.Provisioner.Serve = (_, _) => Task.CompletedTask;

        await provider.FailAsync(create);

        Assert.Empty(await provider.IdsAsync());
    }

    [Fact]
    public async Task Parallel_repetitions_make_one_listener_and_one_answer()
    {
        await using var provider = await StartAsync();
        var create = provider.Create(WireGuardProperties());

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => provider.HandleAsync(create))));

        var bodies = provider.Endpoint.Taken.Select(taken => taken.Body).ToArray();
        Assert.Equal(8, bodies.Length);
        Assert.All(bodies, body => Assert.Equal(bodies[0], body));
        var answer = new Answer(bodies[0]);
        Assert.True(answer.Succeeded, answer.Reason);
        var record = Assert.Single((await provider.Store.ReadConfigurationAsync(default)).Listeners);
        Assert.Equal((answer.PublicKey, answer.Port), (record.WireGuardPublicKey, record.Port));
        Assert.Single(provider.SecretFiles);
    }

    [Fact]
    public async Task Parallel_updates_of_one_event_converge()
    {
        await using var provider = await StartAsync();
        await provider.SucceedAsync(provider.Create(WireGuardProperties()));
        var update = provider.Update("echo", With(WireGuardProperties(), "UnknownPeerPreSharedKey", PeerKey));

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => provider.HandleAsync(update))));

        Assert.All(provider.Endpoint.Taken.Skip(1), taken => Assert.True(new Answer(taken.Body).Succeeded));
        Assert.Single(provider.SecretFiles);
    }

    [Fact]
    public async Task Creators_of_one_name_in_parallel_have_one_winner()
    {
        await using var provider = await StartAsync();
        var creates = Enumerable.Range(0, 6).Select(index =>
        {
            var create = provider.Create(WireGuardProperties());
            create["LogicalResourceId"] = $"Listener{index}";
            return create;
        }).ToArray();

        await Task.WhenAll(creates.Select(create => Task.Run(() => provider.HandleAsync(create))));

        Assert.Single(provider.Endpoint.Taken, taken => new Answer(taken.Body).Succeeded);
        Assert.Single(await provider.IdsAsync());
        Assert.Single(provider.SecretFiles);
    }

    [Fact]
    public async Task A_lost_answer_to_a_create_leaves_nothing_after_the_delete_with_an_unknown_id()
    {
        await using var provider = await StartAsync();
        provider.Endpoint.Refusals = int.MaxValue;
        await Assert.ThrowsAsync<ResponseUndeliveredException>(() => provider.HandleAsync(provider.Create(WireGuardProperties()), TimeSpan.FromSeconds(6)));
        var orphans = await provider.IdsAsync();
        provider.Endpoint.Refusals = 0;

        await provider.SucceedAsync(provider.Delete("fleet-Listener-1A2B3C4D5E6F"));

        Assert.Equal(["echo"], orphans);
        Assert.Empty(await provider.IdsAsync());
        Assert.Empty(provider.SecretFiles);
    }

    [Fact]
    public async Task A_lost_answer_to_a_replacement_is_cleared_by_the_rollback()
    {
        await using var provider = await StartAsync();
        var created = await provider.SucceedAsync(provider.Create(With(UdpProperties(), "Port", "5000")));
        provider.Endpoint.Refusals = int.MaxValue;
        await Assert.ThrowsAsync<ResponseUndeliveredException>(() => provider.HandleAsync(provider.Update("echo", With(UdpProperties(), "Port", "5353")), TimeSpan.FromSeconds(6)));
        provider.Endpoint.Refusals = 0;

        var rolledBack = await provider.SucceedAsync(provider.Update("echo", With(UdpProperties(), "Port", "5000")));

        Assert.Equal(created.PhysicalResourceId, rolledBack.PhysicalResourceId);
        Assert.Equal(["echo"], await provider.IdsAsync());
    }

    [Fact]
    public async Task A_create_that_died_half_way_is_finished_by_its_repetition()
    {
        await using var provider = await StartAsync();
        var create = provider.Create(WireGuardProperties());
        using var died = new CancellationTokenSource();
        var reached = new TaskCompletionSource();
        provider.Provisioner.Serve = async (_, _) =>
        {
            reached.TrySetResult();
            await Task.Delay(Timeout.Infinite, died.Token);
        };
        var first = provider.HandleAsync(create);
        await reached.Task.WaitAsync(TimeSpan.FromSeconds(20));
        var half = Assert.Single((await provider.Store.ReadConfigurationAsync(default)).Listeners);
        provider.Provisioner.Serve = (_, _) => Task.CompletedTask;

        var answer = await provider.SucceedAsync(create);
        await died.CancelAsync();
        await first;

        Assert.Equal(half.WireGuardPublicKey, answer.PublicKey);
        Assert.Equal(half.Port, answer.Port);
        // The first run failed late; the answer that was decided holds, and nothing was taken back.
        Assert.All(provider.Endpoint.Taken, taken => Assert.Equal(answer.Body, taken.Body));
        Assert.Equal(["echo"], await provider.IdsAsync());
    }

    [Fact]
    public async Task An_older_event_that_comes_again_after_a_newer_one_is_stopped()
    {
        await using var provider = await StartAsync();
        await provider.SucceedAsync(provider.Create(UdpProperties()));
        // Its first run died before it did anything.
        await provider.Store.BeginRequestAsync(new RequestKey(StackId, "Listener", "older"), default);
        await provider.SucceedAsync(provider.Update("echo", With(UdpProperties(), "Description", "newer")));

        var failed = await provider.FailAsync(provider.Event("Update", With(UdpProperties(), "Description", "older"), "echo", "older"));

        Assert.Contains("newer request", failed.Reason, StringComparison.Ordinal);
        Assert.Equal("newer", (await provider.Store.FindAsync<ListenerRecord>("echo", default))!.Definition.Description);
    }

    [Fact]
    public async Task A_create_that_is_overtaken_by_its_delete_leaves_nothing()
    {
        await using var provider = await StartAsync();
        var reached = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        provider.Provisioner.Serve = (_, _) =>
        {
            reached.TrySetResult();
            return release.Task;
        };
        var create = provider.HandleAsync(provider.Create(WireGuardProperties()));
        await reached.Task.WaitAsync(TimeSpan.FromSeconds(20));

        await provider.HandleAsync(provider.Delete("fleet-Listener-1A2B3C4D5E6F"));
        release.SetResult();
        await create;

        Assert.Empty(await provider.IdsAsync());
        Assert.Empty(provider.SecretFiles);
        Assert.Equal([true, false], provider.Endpoint.Taken.Select(taken => new Answer(taken.Body).Succeeded));
    }

    [Fact]
    public async Task A_delete_that_comes_again_after_a_new_create_does_nothing()
    {
        await using var provider = await StartAsync();
        await provider.SucceedAsync(provider.Create(UdpProperties()));
        await provider.Store.BeginRequestAsync(new RequestKey(StackId, "Listener", "older"), default);
        await provider.SucceedAsync(provider.Delete("echo"));
        await provider.SucceedAsync(provider.Create(UdpProperties()));

        await provider.SucceedAsync(provider.Event("Delete", new JsonObject(), "echo", "older"));

        Assert.Equal(["echo"], await provider.IdsAsync());
    }
}
