using UdpGateway.EndToEnd.Tests.Harness;

namespace UdpGateway.EndToEnd.Tests;

[Collection(Alone.Name)]
public sealed class LifecycleTests
{
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan EditLimit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Stops_without_a_trace_serves_the_same_key_and_port_again_and_goes_down()
    {
        using var workspace = new Workspace();
        var template = workspace.WriteVariant("gated-wireguard", Variants.WithoutSharedKey);
        ServedListener first;
        await using (var stack = await RunningStack.UpAsync(workspace, template))
        {
            first = stack.Listener;
            using var client = new TunnelClient(stack);
            Assert.NotNull(await client.AskAsync("hello"));
            var children = stack.Descendants();
            Assert.NotEmpty(children);

            var (exitCode, took) = await stack.InterruptAsync();

            Assert.Equal(0, exitCode);
            Assert.True(took < StopLimit, $"It took {took}.");
            Assert.Empty(ProcessTree.Alive(children));
        }

        await using (var stack = await RunningStack.UpAsync(workspace, template))
        {
            Assert.Equal((first.Port, first.WireGuardPublicKey), (stack.Listener.Port, stack.Listener.WireGuardPublicKey));
            using var client = new TunnelClient(stack);
            Assert.NotNull(await client.AskAsync("hello again"));
        }

        var down = (await ProgramRun.UdpgwAsync("down", "--state", workspace.State)).Succeeded();
        Assert.Contains("WireGuardListener", down.Output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(workspace.State));
    }

    [Fact]
    public async Task Serves_the_same_key_and_port_again_after_a_sudden_end()
    {
        using var workspace = new Workspace();
        var template = workspace.WriteVariant("gated-wireguard", Variants.WithoutSharedKey);
        ServedListener first;
        await using (var stack = await RunningStack.UpAsync(workspace, template))
        {
            first = stack.Listener;
            using var client = new TunnelClient(stack);
            Assert.NotNull(await client.AskAsync("hello"));
            var children = stack.Descendants();

            await stack.KillAsync();

            await Eventually.TrueAsync(() => ProcessTree.Alive(children).Count == 0, TimeSpan.FromSeconds(30));
        }

        await using (var stack = await RunningStack.UpAsync(workspace, template))
        {
            Assert.Equal((first.Port, first.WireGuardPublicKey), (stack.Listener.Port, stack.Listener.WireGuardPublicKey));
            using var client = new TunnelClient(stack);
            Assert.NotNull(await client.AskAsync("hello again"));
        }
    }

    [Fact]
    public async Task Keeps_its_state_to_the_user()
    {
        using var workspace = new Workspace();
        await using var stack = await RunningStack.UpAsync(workspace, workspace.WriteVariant("gated-wireguard", Variants.WithoutSharedKey));

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(workspace.State));
        Assert.All(Directory.EnumerateFiles(workspace.State, "*", SearchOption.TopDirectoryOnly), file =>
            Assert.Equal(UnixFileMode.None, File.GetUnixFileMode(file) & (UnixFileMode.GroupRead | UnixFileMode.OtherRead)));
    }

    [Fact]
    public async Task Takes_neither_settings_nor_file_watches_from_the_folder_in_which_it_runs()
    {
        using var workspace = new Workspace();
        using var probe = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        probe.Start();
        var port = ((System.Net.IPEndPoint)probe.LocalEndpoint).Port;
        probe.Stop();
        workspace.Write("appsettings.json", $$"""{"Kestrel": {"Endpoints": {"Uninvited": {"Url": "http://127.0.0.1:{{port}}" } } } }""");
        var variables = new Dictionary<string, string> { ["DOTNET_CONTENTROOT"] = workspace.Path(""), ["ASPNETCORE_CONTENTROOT"] = workspace.Path(""), ["ASPNETCORE_ENVIRONMENT"] = "Development" };

        await using var stack = await RunningStack.UpAsync(workspace, workspace.WriteVariant("gated-wireguard", Variants.WithoutSharedKey), variables);

        using var client = new System.Net.Sockets.TcpClient();
        await Assert.ThrowsAsync<System.Net.Sockets.SocketException>(() => client.ConnectAsync(System.Net.IPAddress.Loopback, port));
        // The kernel gives each user only so many.
        Assert.DoesNotContain(stack.OpenFiles(), file => file.Contains("inotify", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_port_that_is_taken_is_one_sentence_and_exit_code_1()
    {
        using var workspace = new Workspace();
        using var taken = new System.Net.Sockets.UdpClient(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0));
        var port = ((System.Net.IPEndPoint)taken.Client.LocalEndPoint!).Port;

        var run = await ProgramRun.UdpgwAsync(
            "up", workspace.WriteVariant("gated-wireguard", Variants.WithoutSharedKey), "--state", workspace.State, "--plain", "--port", $"WireGuardListener={port}");

        Assert.Equal(1, run.ExitCode);
        Assert.Contains($"{port}", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_listener_whose_port_was_chosen_can_leave_the_template_and_come_back_to_that_port()
    {
        using var workspace = new Workspace();
        using var probe = new System.Net.Sockets.UdpClient(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0));
        var port = ((System.Net.IPEndPoint)probe.Client.LocalEndPoint!).Port;
        probe.Close();
        var both = $"Resources:\n{Collector("First")}{Collector("Second")}";
        var template = workspace.Write("template.yaml", both);
        await using var stack = await RunningStack.UpAsync(workspace, template, "--port", $"Second={port}");

        workspace.Write("template.yaml", $"Resources:\n{Collector("First")}");
        await Eventually.TrueAsync(() => stack.Log.Contains("Second: deleted", StringComparison.Ordinal), EditLimit);
        workspace.Write("template.yaml", both);
        await Eventually.TrueAsync(() => stack.Log.Contains($"Second: serves udp 127.0.0.1:{port}", StringComparison.Ordinal), EditLimit);

        static string Collector(string name) => $$"""
              {{name}}:
                Type: Custom::ProxylityUdpGatewayListener
                Properties:
                  ServiceToken: x
                  Protocols: [udp]
                  ClientRestrictions: {Networks: [127.0.0.0/8]}
                  Destinations: [{Name: {{name}}, DestinationArn: "arn:aws:sqs:us-west-2:123456789012:q", Role: "arn:aws:iam::123456789012:role/r"}]

            """;
    }

    [Theory]
    [InlineData("open-wireguard")]
    [InlineData("gated-wireguard")]
    public async Task Validate_accepts_the_samples(string sample)
    {
        (await ProgramRun.UdpgwAsync("validate", Repository.Sample(sample))).Succeeded();
    }
}
