using System.Diagnostics;
using UdpGateway.Cli.Tests.LocalLambda;

namespace UdpGateway.Cli.Tests.Commands;

public sealed class CommandLineTests
{
    [Theory]
    [InlineData("valdate x", "`udpgw` has no verb 'valdate'. Did you mean 'validate'?")]
    [InlineData("keys nwe", "`udpgw keys` has no verb 'nwe'. Did you mean 'new'?")]
    [InlineData("up template.yaml --bnd 127.0.0.1", "`udpgw up` has no option '--bnd'. Did you mean '--bind'?")]
    [InlineData("up --bnd=127.0.0.1 template.yaml", "`udpgw up` has no option '--bnd'. Did you mean '--bind'?")]
    [InlineData("send 127.0.0.1:9 hello --cuont 2", "`udpgw send` has no option '--cuont'. Did you mean '--count'?")]
    [InlineData("validate", "`udpgw validate` needs TEMPLATE: A CloudFormation or SAM template, YAML or JSON.")]
    [InlineData("send", "`udpgw send` needs ENDPOINT: HOST:PORT of the listener.")]
    [InlineData("keys", "`udpgw keys` needs a verb: new, psk, public.")]
    [InlineData("validate x --format xml", "--format: Argument 'xml' not recognized. Must be one of: 'text' 'json' 'github'")]
    [InlineData("send 127.0.0.1:9 --count many", "--count takes a whole number; 'many' was given.")]
    [InlineData("send 127.0.0.1:9 --rate fast", "--rate takes a number; 'fast' was given.")]
    [InlineData("up template.yaml --port", "--port takes LOGICALID=PORT; nothing was given.")]
    public async Task Says_in_one_line_what_is_wrong_and_what_was_probably_meant(string line, string sentence)
    {
        var run = await CommandRun.Of(line.Split(' '));

        var lines = run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal((1, ""), (run.ExitCode, run.Output));
        Assert.Equal(sentence, lines[0]);
        Assert.EndsWith("--help` lists what there is.", lines[^1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("up template.yaml --bindd 127.0.0.1")]
    [InlineData("up --bnd 127.0.0.1 template.yaml")]
    [InlineData("up --bindd")]
    public async Task Complains_of_a_mistyped_option_and_not_of_the_arguments_that_it_had(string line)
    {
        var run = await CommandRun.Of(line.Split(' '));

        Assert.Collection(
            run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries),
            first => Assert.EndsWith("Did you mean '--bind'?", first, StringComparison.Ordinal),
            last => Assert.EndsWith("--help` lists what there is.", last, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Takes_what_stands_behind_two_hyphens_as_it_is()
    {
        await using var responder = new UdpResponder((datagram, _) => [datagram]);

        var run = await CommandRun.Of("send", responder.Endpoint, "--", "--not-an-option");

        Assert.Equal((0, "--not-an-option\n"), (run.ExitCode, run.Output));
    }

    [Theory]
    [InlineData("--help", "udpgw up template.yaml")]
    [InlineData("help", "udpgw up template.yaml")]
    [InlineData("help down", "udpgw down --state .udpgw")]
    [InlineData("keys public --help", "udpgw keys public < private.key")]
    [InlineData("up --help", "udpgw up template.yaml --port Listener=51820 --bind 0.0.0.0")]
    [InlineData("send --help", "--ping 10.8.0.1")]
    [InlineData("validate --help", "--format github")]
    [InlineData("import --help", "udpgw import template.yaml > own.yaml")]
    [InlineData("keys --help", "udpgw keys public < private.key")]
    [InlineData("completion --help", "source <(udpgw completion bash)")]
    public async Task Shows_examples_in_the_help(string line, string example)
    {
        var run = await CommandRun.Of(line.Split(' '));

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Contains(example, run.Output[run.Output.IndexOf("Examples:", StringComparison.Ordinal)..], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Shows_the_help_when_nothing_is_asked()
    {
        var run = await CommandRun.Of();

        Assert.Equal((1, ""), (run.ExitCode, run.Error));
        Assert.Contains("[command] [options]", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("udpgw va", "validate")]
    [InlineData("udpgw up --tim", "--timestamp-policy")]
    [InlineData("udpgw validate x --format ", "github")]
    [InlineData("udpgw completion ", "powershell")]
    public async Task Completes_a_line(string line, string expected)
    {
        var run = await CommandRun.Of($"[suggest:{line.Length}]", line);

        Assert.Contains(expected, run.OutputLines);
        Assert.DoesNotContain("/?", run.OutputLines);
    }

    [Theory]
    [InlineData("zsh")]
    [InlineData("fish")]
    [InlineData("powershell")]
    public async Task Prints_a_completion_script(string shell)
    {
        var run = await CommandRun.Of("completion", shell);

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Contains("udpgw", run.Output, StringComparison.Ordinal);
        Assert.Contains("[suggest:", run.Output, StringComparison.Ordinal);
    }

    [RequiresProgramFact("bash")]
    public async Task Completes_in_bash_itself()
    {
        var script = await CommandRun.Of("completion", "bash");
        var program = Path.Combine(Path.GetDirectoryName(typeof(CommandLine).Assembly.Location)!, "udpgw.dll");
        var test = $"""
            udpgw() {"{"} '{LocalLambdaDotNet}' '{program}' "$@"; {"}"}
            {script.Output}
            COMP_LINE='udpgw validate --fo' COMP_POINT=19 COMP_WORDS=(udpgw validate --fo) COMP_CWORD=2
            _udpgw
            echo "${"{"}COMPREPLY[*]{"}"}"
            """;
        using var bash = Process.Start(new ProcessStartInfo("bash", ["-c", test]) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true })!;

        Assert.Equal("--format", (await bash.StandardOutput.ReadToEndAsync()).Trim());
    }

    private static string LocalLambdaDotNet => UdpGateway.Cli.LocalLambda.Runtimes.Executables.FindDotNet()!;
}
