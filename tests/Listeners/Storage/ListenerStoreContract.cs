using System.Net;
using UdpGateway.Listeners.Storage;

namespace UdpGateway.Listeners.Tests.Storage;

/// <summary>What holds for every store of listeners; run on each of them.</summary>
public abstract class ListenerStoreContract
{
    private static FleetDefinition Fleet { get; } = new()
    {
        Name = "echo",
        Cluster = "cluster",
        LoadBalancerArn = "arn:aws:elasticloadbalancing:us-west-2:123456789012:loadbalancer/net/nlb/1",
        Subnets = ["subnet-1"],
        SecurityGroups = ["sg-1"],
        TaskRoleArn = "arn:aws:iam::123456789012:role/task",
        ExecutionRoleArn = "arn:aws:iam::123456789012:role/execution",
        LogGroupName = "logs",
        PortRange = new PortRange(30_000, 30_999),
        Environment = new Dictionary<string, string> { ["UDPGW_DRAIN_SECONDS"] = "100" },
    };

    /// <summary>Ends the store that is open and opens another one on the same data.</summary>
    protected abstract Task<IListenerStore> OpenAsync();

    [StoreFact]
    public async Task Returns_what_was_written_after_reopening()
    {
        var written = Record("echo") with
        {
            Definition = Definition("echo") with
            {
                Protocol = ListenerProtocol.WireGuard,
                Port = 51820,
                AllowedNetworks = [IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("2001:db8::/32")],
                Peers = [new PeerDefinition { PublicKey = "k", AllowedIPs = [IPNetwork.Parse("10.1.0.0/16")], SharedSecret = new SecretReference("s", "j", null, "v") }],
                UnknownPeerPreSharedKey = new ListenerSecretField("UnknownPeerPreSharedKey"),
            },
        };
        Assert.True(await (await OpenAsync()).TryWriteAsync(written, 0, default));

        var reopened = await OpenAsync();
        var found = await reopened.FindAsync<ListenerRecord>("echo", default);

        Assert.NotNull(found);
        Assert.Equal(1, found.Version);
        Assert.Equal(1, await reopened.ReadRevisionAsync(default));
        Assert.Equal(written.Definition.AllowedNetworks, found.Definition.AllowedNetworks);
        Assert.Equal(written.Definition.Peers[0].SharedSecret, found.Definition.Peers[0].SharedSecret);
        Assert.Equal(written.Definition.UnknownPeerPreSharedKey, found.Definition.UnknownPeerPreSharedKey);
        Assert.Equal(BatchingDefinition.Default, found.Definition.Destinations[0].Batching);
        Assert.Equal(51820, found.Definition.Port);
    }

    [StoreFact]
    public async Task An_empty_store_has_nothing()
    {
        var store = await OpenAsync();

        Assert.Equal(0, await store.ReadRevisionAsync(default));
        Assert.Empty((await store.ReadConfigurationAsync(default)).Listeners);
        Assert.Null(await store.FindAsync<ListenerRecord>("echo", default));
        Assert.Empty(await store.FindByOwnerAsync<ListenerRecord>("stack", "Listener", default));
        Assert.False(await store.TryWriteAsync(Record("echo"), 1, default));
        Assert.False(await store.TryDeleteAsync<ListenerRecord>("echo", 1, default));
    }

    [StoreFact]
    public async Task Writes_only_over_the_expected_version()
    {
        var store = await OpenAsync();

        Assert.True(await store.TryWriteAsync(Record("echo"), 0, default));
        Assert.False(await store.TryWriteAsync(Record("echo"), 0, default));
        var version = (await store.FindAsync<ListenerRecord>("echo", default))!.Version;
        Assert.True(await store.TryWriteAsync(Record("echo") with { Port = 2 }, version, default));
        Assert.False(await store.TryWriteAsync(Record("echo") with { Port = 3 }, version, default));
        Assert.False(await store.TryDeleteAsync<ListenerRecord>("echo", version, default));
        Assert.Equal(2, (await store.FindAsync<ListenerRecord>("echo", default))!.Port);
    }

    [StoreFact]
    public async Task A_version_never_comes_twice_for_an_id()
    {
        var store = await OpenAsync();
        await store.TryWriteAsync(Record("echo"), 0, default);
        Assert.True(await store.TryDeleteAsync<ListenerRecord>("echo", 1, default));

        await store.TryWriteAsync(Record("echo"), 0, default);

        Assert.True((await store.FindAsync<ListenerRecord>("echo", default))!.Version > 1);
    }

    [StoreFact]
    public async Task Every_change_raises_the_revision_and_a_refused_one_does_not()
    {
        var store = await OpenAsync();

        await store.TryWriteAsync(Record("a"), 0, default);
        var afterWrite = await store.ReadRevisionAsync(default);
        await store.TryWriteAsync(Record("a"), 0, default);
        var afterRefusal = await store.ReadRevisionAsync(default);
        await store.TryDeleteAsync<ListenerRecord>("a", 1, default);
        var snapshot = await store.ReadConfigurationAsync(default);

        Assert.Equal(afterWrite, afterRefusal);
        Assert.True(snapshot.Revision > afterRefusal);
        Assert.Empty(snapshot.Listeners);
    }

    [StoreFact]
    public async Task Parallel_writers_lose_no_update()
    {
        const int Writers = 4;
        const int WritesEach = 5;
        var store = await OpenAsync();
        await store.TryWriteAsync(Record("counter") with { Port = 0 }, 0, default);
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(_ => Task.Run(async () =>
        {
            for (var done = 0; done < WritesEach;)
            {
                var read = (await store.FindAsync<ListenerRecord>("counter", default))!;
                if (await store.TryWriteAsync(read with { Port = read.Port + 1 }, read.Version, default))
                    done++;
            }
        })));

        var reopened = await OpenAsync();
        Assert.Equal(Writers * WritesEach, (await reopened.FindAsync<ListenerRecord>("counter", default))!.Port);
        Assert.Equal(1 + (Writers * WritesEach), await reopened.ReadRevisionAsync(default));
    }

    [StoreFact]
    public async Task Parallel_writers_of_different_records_all_succeed()
    {
        var store = await OpenAsync();

        var results = await Task.WhenAll(Enumerable.Range(0, 8).Select(number => Task.Run(() => store.TryWriteAsync(Record($"l{number}"), 0, default))));

        Assert.DoesNotContain(false, results);
        var snapshot = await store.ReadConfigurationAsync(default);
        Assert.Equal(8, snapshot.Revision);
        Assert.Equal(Enumerable.Range(1, 8).Select(version => (long)version), snapshot.Listeners.Select(record => record.Version).Order());
    }

    [StoreFact]
    public async Task Exactly_one_of_parallel_creators_wins()
    {
        var store = await OpenAsync();

        var results = await Task.WhenAll(Enumerable.Range(0, 8).Select(port => Task.Run(() => store.TryWriteAsync(Record("one") with { Port = port }, 0, default))));

        Assert.Single(results, won => won);
    }

    [StoreFact]
    public async Task Finds_the_generations_of_an_owner_oldest_first()
    {
        var store = await OpenAsync();
        await store.TryWriteAsync(Record("a.2") with { CreatedBySequence = 9 }, 0, default);
        await store.TryWriteAsync(Record("a") with { CreatedBySequence = 2 }, 0, default);
        await store.TryWriteAsync(Record("b") with { LogicalResourceId = "Other" }, 0, default);

        var owned = await store.FindByOwnerAsync<ListenerRecord>("stack", "Listener", default);

        Assert.Equal(["a", "a.2"], owned.Select(record => record.PhysicalResourceId));
    }

    [StoreFact]
    public async Task Records_of_different_kinds_may_have_the_same_id()
    {
        var store = await OpenAsync();
        var destination = new DestinationArnRecord
        {
            PhysicalResourceId = "echo",
            StackId = "stack",
            LogicalResourceId = "Arn",
            RequestId = "r",
            ListenerName = "echo",
            DestinationName = "d",
            IngressRegionKey = "*",
            Arn = "arn:aws:lambda:us-west-2:123456789012:function:g",
        };
        var source = new PacketSourceRecord { PhysicalResourceId = "echo", StackId = "stack", LogicalResourceId = "Source", RequestId = "r", ListenerName = "echo", TopicArn = "arn:aws:sns:us-west-2:123456789012:t" };
        var fleet = new FleetRecord { PhysicalResourceId = "echo", StackId = "stack", LogicalResourceId = "Fleet", RequestId = "r", Definition = Fleet, VpcId = "vpc-1", DomainName = "d" };

        Assert.True(await store.TryWriteAsync(Record("echo"), 0, default));
        Assert.True(await store.TryWriteAsync(destination, 0, default));
        Assert.True(await store.TryWriteAsync(source, 0, default));
        Assert.True(await store.TryWriteAsync(fleet, 0, default));

        var snapshot = await store.ReadConfigurationAsync(default);
        Assert.Equal(destination with { Version = 2 }, Assert.Single(snapshot.DestinationArns));
        Assert.Equal(source with { Version = 3 }, Assert.Single(snapshot.PacketSources));
        Assert.Equal("echo", Assert.Single(snapshot.Listeners).PhysicalResourceId);
        Assert.Equivalent(fleet with { Version = 4 }, await store.FindAsync<FleetRecord>("echo", default), strict: true);
        Assert.True(await store.TryDeleteAsync<DestinationArnRecord>("echo", 2, default));
        Assert.NotNull(await store.FindAsync<ListenerRecord>("echo", default));
    }

    [StoreFact]
    public async Task Remembers_events_in_the_order_of_their_first_arrival()
    {
        var first = new RequestKey("stack", "Listener", "r1");
        var second = new RequestKey("stack", "Listener", "r2");
        var elsewhere = new RequestKey("stack", "Other", "r3");
        var store = await OpenAsync();
        Assert.Equal(new RequestState(1, true, null), await store.BeginRequestAsync(first, default));
        await store.BeginRequestAsync(second, default);
        await store.BeginRequestAsync(elsewhere, default);

        var reopened = await OpenAsync();
        Assert.Equal(new RequestState(1, false, null), await reopened.BeginRequestAsync(first, default));
        Assert.Equal(new RequestState(2, true, null), await reopened.BeginRequestAsync(second, default));
        Assert.Equal(new RequestState(3, true, null), await reopened.BeginRequestAsync(elsewhere, default));
    }

    [StoreFact]
    public async Task An_event_that_arrives_twice_at_once_has_one_place()
    {
        var request = new RequestKey("stack", "Listener", "r1");
        var store = await OpenAsync();

        var states = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Task.Run(() => store.BeginRequestAsync(request, default))));

        Assert.Single(states.Select(state => state.Sequence).Distinct());
        Assert.All(states, state => Assert.True(state.IsNewest));
    }

    [StoreFact]
    public async Task The_first_answer_holds()
    {
        var request = new RequestKey("stack", "Listener", "r1");
        var store = await OpenAsync();
        await store.BeginRequestAsync(request, default);
        Assert.Equal("first"u8.ToArray(), (await store.DecideAnswerAsync(request, "first"u8.ToArray(), default)).ToArray());
        Assert.Equal("first"u8.ToArray(), (await store.DecideAnswerAsync(request, "second"u8.ToArray(), default)).ToArray());

        var reopened = await OpenAsync();
        Assert.Equal("first"u8.ToArray(), (await reopened.BeginRequestAsync(request, default)).Answer!.Value.ToArray());
    }

    [StoreFact]
    public async Task Parallel_answers_agree_on_one()
    {
        var request = new RequestKey("stack", "Listener", "r1");
        var store = await OpenAsync();
        await store.BeginRequestAsync(request, default);

        var answers = await Task.WhenAll(Enumerable.Range(0, 6).Select(number => Task.Run(() => store.DecideAnswerAsync(request, new[] { (byte)number }, default))));

        Assert.Single(answers.Select(answer => answer.ToArray()[0]).Distinct());
    }

    [StoreFact]
    public async Task Only_what_began_can_be_answered()
    {
        var store = await OpenAsync();

        await Assert.ThrowsAsync<InvalidOperationException>(() => store.DecideAnswerAsync(new RequestKey("stack", "Listener", "r1"), "answer"u8.ToArray(), default));
    }

    internal static ListenerRecord Record(string physicalId) => new()
    {
        PhysicalResourceId = physicalId,
        StackId = "stack",
        LogicalResourceId = "Listener",
        Definition = Definition(physicalId),
        Port = 1,
        RequestId = "r",
    };

    internal static ListenerDefinition Definition(string name) => new()
    {
        Name = name,
        Protocol = ListenerProtocol.Udp,
        Destinations = [new DestinationDefinition { Name = "d", Arns = new Dictionary<string, string> { ["*"] = "arn:aws:lambda:us-west-2:123456789012:function:f" } }],
    };
}
