using System.Net;
using UdpGateway.Listeners.Storage;

namespace UdpGateway.Listeners.Tests.Storage;

public sealed class EmbeddedStoreTests : IDisposable
{
    private readonly string _directory = Path.Combine(Path.GetTempPath(), $"udpgw-store-{Guid.NewGuid():N}");

    public void Dispose()
    {
        if (Directory.Exists(_directory))
            Directory.Delete(_directory, recursive: true);
    }

    [Fact]
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
        using (var store = new EmbeddedStore(_directory))
            Assert.True(await store.TryWriteAsync(written, 0, default));

        using var reopened = new EmbeddedStore(_directory);
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

    [Fact]
    public async Task Writes_only_over_the_expected_version()
    {
        using var store = new EmbeddedStore(_directory);

        Assert.True(await store.TryWriteAsync(Record("echo"), 0, default));
        Assert.False(await store.TryWriteAsync(Record("echo"), 0, default));
        var version = (await store.FindAsync<ListenerRecord>("echo", default))!.Version;
        Assert.True(await store.TryWriteAsync(Record("echo") with { Port = 2 }, version, default));
        Assert.False(await store.TryWriteAsync(Record("echo") with { Port = 3 }, version, default));
        Assert.False(await store.TryDeleteAsync<ListenerRecord>("echo", version, default));
        Assert.Equal(2, (await store.FindAsync<ListenerRecord>("echo", default))!.Port);
    }

    [Fact]
    public async Task A_version_never_comes_twice_for_an_id()
    {
        using var store = new EmbeddedStore(_directory);
        await store.TryWriteAsync(Record("echo"), 0, default);
        await store.TryDeleteAsync<ListenerRecord>("echo", 1, default);

        await store.TryWriteAsync(Record("echo"), 0, default);

        Assert.True((await store.FindAsync<ListenerRecord>("echo", default))!.Version > 1);
    }

    [Fact]
    public async Task Every_change_raises_the_revision_and_a_refused_one_does_not()
    {
        using var store = new EmbeddedStore(_directory);

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

    [Fact]
    public async Task Parallel_writers_lose_no_update()
    {
        const int Writers = 8;
        const int WritesEach = 10;
        using (var store = new EmbeddedStore(_directory))
        {
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
        }

        using var reopened = new EmbeddedStore(_directory);
        Assert.Equal(Writers * WritesEach, (await reopened.FindAsync<ListenerRecord>("counter", default))!.Port);
    }

    [Fact]
    public async Task Exactly_one_of_parallel_creators_wins()
    {
        using var store = new EmbeddedStore(_directory);

        var results = await Task.WhenAll(Enumerable.Range(0, 16).Select(port => Task.Run(() => store.TryWriteAsync(Record("one") with { Port = port }, 0, default))));

        Assert.Single(results, won => won);
    }

    [Fact]
    public async Task Finds_the_generations_of_an_owner_oldest_first()
    {
        using var store = new EmbeddedStore(_directory);
        await store.TryWriteAsync(Record("a.2") with { CreatedBySequence = 9 }, 0, default);
        await store.TryWriteAsync(Record("a") with { CreatedBySequence = 2 }, 0, default);
        await store.TryWriteAsync(Record("b") with { LogicalResourceId = "Other" }, 0, default);

        var owned = await store.FindByOwnerAsync<ListenerRecord>("stack", "Listener", default);

        Assert.Equal(["a", "a.2"], owned.Select(record => record.PhysicalResourceId));
    }

    [Fact]
    public async Task Remembers_events_in_the_order_of_their_first_arrival()
    {
        var first = new RequestKey("stack", "Listener", "r1");
        var second = new RequestKey("stack", "Listener", "r2");
        var elsewhere = new RequestKey("stack", "Other", "r3");
        using (var store = new EmbeddedStore(_directory))
        {
            await store.BeginRequestAsync(first, default);
            await store.BeginRequestAsync(second, default);
            await store.BeginRequestAsync(elsewhere, default);
        }

        using var reopened = new EmbeddedStore(_directory);
        Assert.Equal(new RequestState(1, false, null), await reopened.BeginRequestAsync(first, default));
        Assert.Equal(new RequestState(2, true, null), await reopened.BeginRequestAsync(second, default));
        Assert.Equal(new RequestState(3, true, null), await reopened.BeginRequestAsync(elsewhere, default));
    }

    [Fact]
    public async Task The_first_answer_holds()
    {
        var request = new RequestKey("stack", "Listener", "r1");
        using (var store = new EmbeddedStore(_directory))
        {
            await store.BeginRequestAsync(request, default);
            Assert.Equal("first"u8.ToArray(), (await store.DecideAnswerAsync(request, "first"u8.ToArray(), default)).ToArray());
            Assert.Equal("first"u8.ToArray(), (await store.DecideAnswerAsync(request, "second"u8.ToArray(), default)).ToArray());
        }

        using var reopened = new EmbeddedStore(_directory);
        Assert.Equal("first"u8.ToArray(), (await reopened.BeginRequestAsync(request, default)).Answer!.Value.ToArray());
    }

    [Fact]
    public async Task Secrets_come_back_whole_or_by_their_json_key()
    {
        using (var store = new EmbeddedStore(_directory))
            await store.WriteAsync("fleet/key", """{"psk":"value"}""", default);
        using var reopened = new EmbeddedStore(_directory);

        Assert.Equal("""{"psk":"value"}""", (await reopened.ReadAsync(new SecretReference("fleet/key"), default)).Value);
        Assert.Equal("value", (await reopened.ReadAsync(new SecretReference("fleet/key", "psk"), default)).Value);
        Assert.Equal("value", (await reopened.ReadAsync(new SecretReference("arn:aws:secretsmanager:us-west-2:123456789012:secret:fleet/key-a1b2c3", "psk"), default)).Value);
        Assert.Equal(SecretReadStatus.NotAKey, (await reopened.ReadAsync(new SecretReference("fleet/key", "other"), default)).Status);
        Assert.Equal(SecretReadStatus.Missing, (await reopened.ReadAsync(new SecretReference("fleet/other"), default)).Status);
        Assert.Equal(SecretReadStatus.Missing, (await reopened.ReadAsync(new SecretReference("fleet/key", null, "AWSPREVIOUS"), default)).Status);
    }

    [Fact]
    public async Task Deleting_a_secret_twice_is_no_error()
    {
        using var store = new EmbeddedStore(_directory);
        await store.WriteAsync("key", "value", default);

        await store.DeleteAsync("key", default);
        await store.DeleteAsync("key", default);

        Assert.Equal(SecretReadStatus.Missing, (await store.ReadAsync(new SecretReference("key"), default)).Status);
    }

    [Theory]
    [InlineData("../../escape")]
    [InlineData("a/b")]
    [InlineData("A/B")]
    [InlineData("..")]
    public async Task Secret_names_stay_inside_the_directory_and_apart(string name)
    {
        using var store = new EmbeddedStore(_directory);
        await store.WriteAsync(name, "value", default);
        await store.WriteAsync("a_b", "other", default);

        Assert.Equal("value", (await store.ReadAsync(new SecretReference(name), default)).Value);
        Assert.Equal(2, Directory.GetFiles(Path.Combine(_directory, "secrets")).Length);
    }

    [Fact]
    public async Task Only_the_owner_may_read_anything()
    {
        if (OperatingSystem.IsWindows())
            return;
        using var store = new EmbeddedStore(_directory);
        await store.WriteAsync("key", "value", default);
        await store.TryWriteAsync(Record("echo"), 0, default);
        await store.BeginRequestAsync(new RequestKey("stack", "Listener", "r1"), default);

        const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        Assert.Equal(Private | UnixFileMode.UserExecute, File.GetUnixFileMode(_directory));
        Assert.Equal(Private | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.Combine(_directory, "secrets")));
        var files = Directory.GetFiles(_directory, "*", SearchOption.AllDirectories);
        Assert.Equal(4, files.Length);
        foreach (var file in files)
            Assert.Equal(Private, File.GetUnixFileMode(file));
    }

    [Theory]
    [InlineData("resources.json", "{ \"Revision\": 1, ")]
    [InlineData("resources.json", "null")]
    [InlineData("resources.json", "{\"Revision\":1,\"Resources\":[{}]}")]
    [InlineData("requests.json", "")]
    public void A_damaged_file_is_named(string name, string content)
    {
        using (new EmbeddedStore(_directory))
            File.WriteAllText(Path.Combine(_directory, name), content);

        var exception = Assert.Throws<EmbeddedStoreException>(() => new EmbeddedStore(_directory));

        Assert.Contains($"{name} is damaged", exception.Message, StringComparison.Ordinal);
        // The directory is free again: repairing the file is enough.
        File.Delete(Path.Combine(_directory, name));
        using var repaired = new EmbeddedStore(_directory);
    }

    [Fact]
    public async Task What_a_crash_left_half_written_is_removed()
    {
        using (var store = new EmbeddedStore(_directory))
            await store.WriteAsync("key", "value", default);
        var leftover = Path.Combine(_directory, "secrets", "key.abc.tmp");
        await File.WriteAllTextAsync(leftover, "half a secret");

        using var reopened = new EmbeddedStore(_directory);

        Assert.False(File.Exists(leftover));
        Assert.Equal("value", (await reopened.ReadAsync(new SecretReference("key"), default)).Value);
    }

    [Fact]
    public void A_directory_has_one_owner_at_a_time()
    {
        using var store = new EmbeddedStore(_directory);

        var exception = Assert.Throws<EmbeddedStoreException>(() => new EmbeddedStore(_directory));

        Assert.Contains("in use by another process", exception.Message, StringComparison.Ordinal);
    }

    private static ListenerRecord Record(string physicalId) => new()
    {
        PhysicalResourceId = physicalId,
        StackId = "stack",
        LogicalResourceId = "Listener",
        Definition = Definition(physicalId),
        Port = 1,
        RequestId = "r",
    };

    private static ListenerDefinition Definition(string name) => new()
    {
        Name = name,
        Protocol = ListenerProtocol.Udp,
        Destinations = [new DestinationDefinition { Name = "d", Arns = new Dictionary<string, string> { ["*"] = "arn:aws:lambda:us-west-2:123456789012:function:f" } }],
    };
}
