using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using UdpGateway.EndToEnd.Tests.Harness;

namespace UdpGateway.EndToEnd.Tests.Readme;

/// <summary>What README says to type does what it says, as it is written there.</summary>
public sealed partial class ReadmeTests
{
    /// <summary>What a snippet begins with, and which test has it.</summary>
    private static readonly Dictionary<string, string> Covered = new(StringComparer.Ordinal)
    {
        ["dotnet run --project src/Cli -c Release -- up "] = nameof(The_first_commands_serve_and_are_answered),
        ["udpgw send 127.0.0.1:PORT hello "] = nameof(The_first_commands_serve_and_are_answered),
        ["[Interface]\n"] = "every test with wireguard-go, which is set up with it",
        ["dotnet test Provider.sln -c Release"] = nameof(The_test_command_is_what_ci_runs),
        ["dotnet pack src/Cli "] = "ToolPackageTests, with folders of its own",
        ["templates/publish-image --region us-west-2"] = "ScriptTests",
        ["sam build && sam deploy --guided"] = "ScriptTests",
        ["client ─ UDP or WireGuard ─> balancer"] = "a picture",
        ["{\"Reason\": "] = "DeadLetterTests",
        ["UDPGW_LONG_TESTS=1 dotnet test "] = nameof(What_contributors_type_names_what_there_is),
        ["dotnet run --project tests/Fuzz "] = nameof(What_contributors_type_names_what_there_is),
        ["```yaml"] = "PropertyReferenceTests",
        ["aws cloudformation deploy --stack-name udp-gateway-devices "] = nameof(A_further_fleet_gets_every_parameter_that_it_needs),
    };

    [Fact]
    public void Every_snippet_is_covered_by_a_test()
    {
        var snippets = ReadmeText.Snippets;

        Assert.All(snippets, snippet => Assert.Contains(Covered.Keys, start => snippet.StartsWith(start, StringComparison.Ordinal)));
        Assert.All(Covered.Keys, start => Assert.Contains(snippets, snippet => snippet.StartsWith(start, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task The_first_commands_serve_and_are_answered()
    {
        using var workspace = new Workspace();
        // Only the state is elsewhere: what lies beside README may be a user's.
        using var up = Start($"{ReadmeText.Snippet("dotnet run --project src/Cli -c Release -- up ")} --state '{workspace.State}'");
        var log = new StringBuilder();
        up.OutputDataReceived += (_, line) => Keep(line);
        up.ErrorDataReceived += (_, line) => Keep(line);
        up.BeginOutputReadLine();
        up.BeginErrorReadLine();
        try
        {
            var configuration = Path.Combine(workspace.State, "client.conf");
            await Eventually.TrueAsync(() => File.Exists(configuration) || up.HasExited, TimeSpan.FromMinutes(3));
            Assert.False(up.HasExited, Said());
            var settings = (await File.ReadAllLinesAsync(configuration)).Select(line => line.Split(" = ")).Where(pair => pair.Length == 2).ToDictionary(pair => pair[0], pair => pair[1]);

            var commands = ReadmeText.Snippet("udpgw send 127.0.0.1:PORT hello ")
                .Replace("127.0.0.1:PORT", settings["Endpoint"], StringComparison.Ordinal).Replace("PUBLIC_KEY", settings["PublicKey"], StringComparison.Ordinal);
            var sent = await RunAsync($"set -e\nudpgw() {{ dotnet '{Repository.Program}' \"$@\"; }}\n{commands}");

            Assert.StartsWith("hello from udpgw: hello\n", sent, StringComparison.Ordinal);
            Assert.Equal(3, sent.Split('\n').Count(line => line.StartsWith("echo reply from 10.8.0.1", StringComparison.Ordinal)));
        }
        finally
        {
            if (!up.HasExited)
            {
                // As a terminal sends Ctrl-C: to everything that was started.
                await RunAsync($"kill -INT -- -{up.Id}");
                using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
                await up.WaitForExitAsync(limit.Token);
            }
        }

        void Keep(DataReceivedEventArgs line)
        {
            lock (log)
                log.AppendLine(line.Data);
        }

        string Said()
        {
            lock (log)
                return log.ToString();
        }
    }

    [Theory]
    [InlineData("mapping")]
    [InlineData("exports")]
    [InlineData("parameters")]
    public async Task Each_way_to_the_provider_serves(string way)
    {
        using var workspace = new Workspace();
        await using var stack = await RunningStack.UpAsync(workspace, Path.Combine(Repository.Root, "tests", "EndToEnd", "Readme", $"{way}.yaml"));
        using var client = new UdpClient(AddressFamily.InterNetwork);
        client.Connect(stack.Endpoint);

        await client.SendAsync(Encoding.ASCII.GetBytes(way));
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));

        Assert.Equal(way, Encoding.ASCII.GetString((await client.ReceiveAsync(patience.Token)).Buffer));
    }

    [Fact]
    public void A_further_fleet_gets_every_parameter_that_it_needs()
    {
        var command = ReadmeText.Snippet("aws cloudformation deploy --stack-name udp-gateway-devices ").Split(' ');
        var template = File.ReadAllText(Path.Combine(Repository.Root, command[Array.IndexOf(command, "--template-file") + 1]));
        var parameters = template[template.IndexOf("\nParameters:\n", StringComparison.Ordinal)..template.IndexOf("\nConditions:\n", StringComparison.Ordinal)];

        var needed = Parameter().Matches(parameters).Where(parameter => !parameter.Groups["content"].Value.Contains("    Default:", StringComparison.Ordinal)).Select(parameter => parameter.Groups["name"].Value);
        var given = command[(Array.IndexOf(command, "--parameter-overrides") + 1)..].Select(pair => pair.Split('=')[0]);

        Assert.Equal(needed, given);
    }

    [Fact]
    public void Every_metric_and_every_option_of_the_gateway_is_named()
    {
        var readme = File.ReadAllText(Path.Combine(Repository.Root, "README.md"));
        var gateway = Path.Combine(Repository.Root, "src", "Gateway");
        var metrics = Metric().Matches(File.ReadAllText(Path.Combine(gateway, "Observability", "GatewayMetrics.cs"))).Select(metric => metric.Groups["name"].Value).ToList();
        var options = new[] { "GatewaySettings.cs", "Program.cs", Path.Combine("Fleets", "FleetTask.cs") }
            .SelectMany(file => Option().Matches(File.ReadAllText(Path.Combine(gateway, file)))).Select(option => $"--{option.Groups["name"].Value}").ToList();

        Assert.Contains("udpgw_drops_total", metrics);
        Assert.Contains("--rotation-grace-hours", options);
        // In the first cell of a row.
        Assert.Equal([], metrics.Concat(options).Distinct().Where(name => !readme.Contains($"\n| `{name}`", StringComparison.Ordinal) && !readme.Contains($"`, `{name}`", StringComparison.Ordinal)));
    }

    [Fact]
    public void The_test_command_is_what_ci_runs() =>
        Assert.Contains($"step {ReadmeText.Snippet("dotnet test Provider.sln")}\n", File.ReadAllText(Path.Combine(Repository.Root, ".ci", "run")), StringComparison.Ordinal);

    [Fact]
    public void What_contributors_type_names_what_there_is()
    {
        foreach (var command in ReadmeText.Snippet("UDPGW_LONG_TESTS=1 dotnet test ").Split('\n'))
        {
            var tests = Path.Combine(Repository.Root, command.Split(' ')[3]);
            var name = command.Split("FullyQualifiedName~")[1].Split(' ', '&', '\'')[0];
            Assert.Contains(Directory.GetFiles(tests, "*.cs", SearchOption.AllDirectories), file => Path.GetFileNameWithoutExtension(file).EndsWith(name, StringComparison.Ordinal));
        }

        var fuzzing = ReadmeText.Snippet("dotnet run --project tests/Fuzz ").Split(' ');
        Assert.True(Directory.Exists(Path.Combine(Repository.Root, fuzzing[3])), fuzzing[3]);
        Assert.True(Directory.Exists(Path.Combine(Repository.Root, "tests", "Fuzz", "Corpus", fuzzing[^2])), fuzzing[^2]);
    }

    private static Process Start(string command)
    {
        // A session of its own, so that its whole group can be interrupted and nobody else is.
        var start = new ProcessStartInfo("setsid", ["bash", "-c", $"exec {command}"]) { WorkingDirectory = Repository.Root, UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        ForgetMSBuild(start);
        return Process.Start(start)!;
    }

    private static async Task<string> RunAsync(string commands)
    {
        var start = new ProcessStartInfo("bash", ["-c", commands]) { WorkingDirectory = Repository.Root, UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        ForgetMSBuild(start);
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        await process.WaitForExitAsync(limit.Token);
        Assert.True(process.ExitCode == 0, $"{commands}\n{await output}\n{await error}");
        return await output;
    }

    /// <summary>Under <c>dotnet test</c> these point to the SDK of that command.</summary>
    private static void ForgetMSBuild(ProcessStartInfo start)
    {
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)).ToList())
            start.Environment.Remove(name);
    }

    [GeneratedRegex("^  (?<name>\\w+):\n(?<content>(?:    .*\n)+)", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Parameter();

    [GeneratedRegex("\"(?<name>udpgw_\\w+)\"", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Metric();

    [GeneratedRegex("settings(?:\\[|, )\"(?<name>[a-z-]+)\"", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Option();
}
