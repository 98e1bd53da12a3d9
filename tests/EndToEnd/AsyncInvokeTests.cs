using UdpGateway.EndToEnd.Tests.Harness;

namespace UdpGateway.EndToEnd.Tests;

public sealed class AsyncInvokeTests
{
    private const string UseAsyncInvoke = "UseAsyncInvoke: \"true\"";

    [Fact]
    public async Task The_function_runs_and_nothing_comes_back()
    {
        using var workspace = new Workspace();
        var evidence = workspace.Path("evidence");
        var template = workspace.WriteVariant("gated-wireguard", Variants.WithoutSharedKey, Variants.WithEvidence(evidence), Variants.WithArguments(UseAsyncInvoke));
        await using var stack = await RunningStack.UpAsync(workspace, template);
        using var client = new TunnelClient(stack);

        Assert.Null(await client.AskAsync("no answer, please", TimeSpan.FromSeconds(2)));

        await Eventually.TrueAsync(() => File.Exists(evidence), TimeSpan.FromSeconds(10));
        await Eventually.TrueAsync(async () => await File.ReadAllTextAsync(evidence) == client.PublicKey + "\n", TimeSpan.FromSeconds(10));
        // The response of the handshake is all that was ever sent.
        Assert.Equal([92], client.ReceivedLengths);
    }

    [Theory]
    [InlineData("validate")]
    [InlineData("up")]
    public async Task Together_with_response_streaming_it_is_refused_with_one_sentence(string verb)
    {
        using var workspace = new Workspace();
        var template = workspace.WriteVariant("gated-wireguard", Variants.WithoutSharedKey, Variants.WithArguments(UseAsyncInvoke, "UseResponseStreaming: \"true\""));
        string[] options = verb == "up" ? ["--state", workspace.State, "--outputs", workspace.Outputs, "--plain"] : [];

        var run = await ProgramRun.UdpgwAsync([verb, template, .. options]);

        Assert.Equal(1, run.ExitCode);
        var sentence = Assert.Single(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries), line => line.Contains("UseResponseStreaming", StringComparison.Ordinal));
        Assert.Contains("UseAsyncInvoke", sentence, StringComparison.Ordinal);
        Assert.Contains("Destinations", sentence, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(workspace.Outputs));
    }
}
