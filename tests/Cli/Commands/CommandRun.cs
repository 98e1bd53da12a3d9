using System.CommandLine;

namespace UdpGateway.Cli.Tests.Commands;

/// <summary>What a user sees of one command.</summary>
internal sealed record CommandRun(int ExitCode, string Output, string Error)
{
    public string[] OutputLines => Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public static async Task<CommandRun> OfAsync(Command command, params string[] arguments)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };

        var exitCode = await command.Parse(arguments).InvokeAsync(new InvocationConfiguration { Output = output, Error = error });

        return new CommandRun(exitCode, output.ToString(), error.ToString());
    }
}
