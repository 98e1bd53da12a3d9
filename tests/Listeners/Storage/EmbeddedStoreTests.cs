using UdpGateway.Listeners.Storage;
using static UdpGateway.Listeners.Tests.Storage.ListenerStoreContract;

namespace UdpGateway.Listeners.Tests.Storage;

/// <summary>What the embedded store has beyond every store: files, secrets, one owner.</summary>
public sealed class EmbeddedStoreTests : IDisposable
{
    private readonly string _directory = Path.Combine(Path.GetTempPath(), $"udpgw-store-{Guid.NewGuid():N}");

    public void Dispose()
    {
        if (Directory.Exists(_directory))
            Directory.Delete(_directory, recursive: true);
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
}
