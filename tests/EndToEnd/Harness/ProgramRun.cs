using System.Diagnostics;
using System.Text;

namespace UdpGateway.EndToEnd.Tests.Harness;

/// <summary>What one program that ran to its end left behind.</summary>
internal sealed record ProgramRun(int ExitCode, string Output, string Error)
{
    public static Task<ProgramRun> UdpgwAsync(params string[] arguments) =>
        OfAsync("dotnet", [Repository.Program, .. arguments]);

    public static async Task<ProgramRun> OfAsync(string program, IReadOnlyList<string> arguments, string? input = null, TimeSpan? timeout = null)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        using var deadline = new CancellationTokenSource(timeout ?? TimeSpan.FromSeconds(60));
        try
        {
            await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
            var output = process.StandardOutput.ReadToEndAsync(deadline.Token);
            var error = process.StandardError.ReadToEndAsync(deadline.Token);
            await process.WaitForExitAsync(deadline.Token);
            return new ProgramRun(process.ExitCode, await output, await error);
        }
        catch (OperationCanceledException exception)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} {string.Join(' ', arguments)} did not end in time.", exception);
        }
    }

    /// <summary>Fails with everything that the program said.</summary>
    public ProgramRun Succeeded()
    {
        Assert.True(ExitCode == 0, new StringBuilder().Append("exit code ").Append(ExitCode).AppendLine().AppendLine(Output).Append(Error).ToString());
        return this;
    }
}
