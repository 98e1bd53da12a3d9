using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace UdpGateway.Cli.Commands;

/// <summary>Adds to every verb's help what people type most.</summary>
internal static class HelpExamples
{
    private static readonly Dictionary<string, string[]> ByCommand = new()
    {
        ["udpgw"] =
        [
            "udpgw up template.yaml",
            "udpgw validate template.yaml",
            "udpgw send 127.0.0.1:51820 hello",
        ],
        ["up"] =
        [
            "udpgw up template.yaml",
            "udpgw up template.yaml --port Listener=51820 --bind 0.0.0.0",
            "udpgw up template.yaml --parameter-overrides Stage=dev --secret DevicePsk=psk.txt",
            "udpgw up template.yaml --plain --outputs out.json &   # for scripts: out.json appears when everything serves",
        ],
        ["down"] = ["udpgw down", "udpgw down --state .udpgw"],
        ["validate"] =
        [
            "udpgw validate template.yaml",
            "udpgw validate template.yaml --format github",
        ],
        ["import"] =
        [
            "udpgw import template.yaml > own.yaml",
            "udpgw import template.json --config s3://my-bucket/customer-config.json > own.json",
        ],
        ["send"] =
        [
            "udpgw send 127.0.0.1:5683 hello",
            "udpgw send gateway.example.com:51820 hello --public-key KEY --private-key FILE --psk FILE",
            "udpgw send 127.0.0.1:51820 --public-key KEY --ping 10.8.0.1 --count 3 --interval 1",
            "udpgw send 127.0.0.1:5683 hello --replies 0 --timeout 10   # everything that comes in ten seconds",
            "udpgw send 127.0.0.1:51820 --public-key KEY --raw --hex ff00 --count 1000 --rate 200 --quiet --all",
        ],
        ["keys"] = ["udpgw keys new > private.key", "udpgw keys public < private.key", "udpgw keys psk > psk.txt"],
        ["new"] = ["udpgw keys new > private.key"],
        ["psk"] = ["udpgw keys psk > psk.txt"],
        ["public"] = ["udpgw keys public < private.key", "udpgw keys new | tee private.key | udpgw keys public"],
        ["completion"] =
        [
            "source <(udpgw completion bash)   # in ~/.bashrc",
            "source <(udpgw completion zsh)    # in ~/.zshrc, after compinit",
            "udpgw completion fish > ~/.config/fish/completions/udpgw.fish",
        ],
    };

    public static void AddTo(RootCommand root)
    {
        var option = root.Options.OfType<HelpOption>().Single();
        option.Action = new HelpWithExamples((SynchronousCommandLineAction)option.Action!);
        // Nobody types these where options begin with two hyphens, and a shell would offer them.
        option.Aliases.Remove("/?");
        option.Aliases.Remove("/h");
    }

    internal sealed class HelpWithExamples(SynchronousCommandLineAction help) : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            var result = help.Invoke(parseResult);
            var command = parseResult.CommandResult.Command;
            if (!ByCommand.TryGetValue(command is RootCommand ? "udpgw" : command.Name, out var examples))
                return result;
            var output = parseResult.InvocationConfiguration.Output;
            output.WriteLine("Examples:");
            foreach (var example in examples)
                output.WriteLine($"  {example}");
            output.WriteLine();
            return result;
        }
    }
}
