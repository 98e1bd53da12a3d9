using System.CommandLine;
using UdpGateway.Cli.Commands;

namespace UdpGateway.Cli;

/// <summary>The verbs, and what every one of them owes the user: exit code 0, 1 for wrong input, 2 for our faults.</summary>
internal static class CommandLine
{
    public const int UserError = 1;
    public const int OurFault = 2;

    public static async Task<int> RunAsync(string[] args, TextWriter output, TextWriter error)
    {
        var root = CreateRoot();
        // Signals belong to `up`, which has more to stop than a cancelled task; exceptions are told apart below.
        var configuration = new InvocationConfiguration { Output = output, Error = error, EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null };
        try
        {
            if (args.Length == 0)
            {
                await root.Parse(["--help"]).InvokeAsync(configuration);
                return UserError;
            }

            // What people try who do not know a program yet.
            var parsed = root.Parse(args is ["help", .. var verb] ? [.. verb, "--help"] : args);
            // The parser would answer a typing error with the whole help.
            if (parsed.Action is not HelpExamples.HelpWithExamples && !IsDirective(args[0]) && ParseComplaint.Explain(parsed) is { Count: > 0 } complaints)
                throw new UserErrorException(complaints);
            return await parsed.InvokeAsync(configuration);
        }
        catch (UserErrorException exception)
        {
            foreach (var line in exception.Lines)
                await error.WriteLineAsync(line);
            return UserError;
        }
#pragma warning disable CA1031 // The last line of defence: whatever gets here is a fault of this program, and the exit code must say so.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            await error.WriteLineAsync($"This is a fault of udpgw, not of your input. Please report it with the following text.\n{exception}");
            return OurFault;
        }
    }

    // [suggest:POSITION], which completes lines that are not finished.
    private static bool IsDirective(string argument) => argument.StartsWith('[');

    private static RootCommand CreateRoot()
    {
        var root = new RootCommand("Runs templates of the UDP Gateway on this machine, and talks to its listeners.")
        {
            UpCommand.Create(),
            DownCommand.Create(),
            ValidateCommand.Create(),
            ImportCommand.Create(),
            SendCommand.Create(),
            KeysCommand.Create(),
            CompletionCommand.Create(),
        };
        HelpExamples.AddTo(root);
        return root;
    }
}
