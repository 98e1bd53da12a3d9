using System.CommandLine;

namespace UdpGateway.Cli.Tests.Commands;

/// <summary>What a user sees of one run within the test's process.</summary>
internal sealed record CommandRun(int ExitCode, string Output, string Error)
{
    public string[] OutputLines => Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>The whole program.</summary>
    public static Task<CommandRun> Of(params string[] arguments) =>
        RunAsync((output, error) => CommandLine.RunAsync(arguments, output, error));

    /// <summary>One command by itself.</summary>
    public static Task<CommandRun> OfAsync(Command command, params string[] arguments) =>
        RunAsync((output, error) => command.Parse(arguments).InvokeAsync(new InvocationConfiguration { Output = output, Error = error }));

    private static async Task<CommandRun> RunAsync(Func<TextWriter, TextWriter, Task<int>> run)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        var exitCode = await run(output, error);
        return new CommandRun(exitCode, output.ToString(), error.ToString());
    }
}
