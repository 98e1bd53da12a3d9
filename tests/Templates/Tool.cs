using System.Diagnostics;
using System.Runtime.CompilerServices;
using UdpGateway.Tests;

namespace UdpGateway.Templates.Tests;

internal sealed record ToolResult(int ExitCode, string Output, string Error);

/// <summary>A program that a test runs to its end.</summary>
internal static class Tool
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    public static Task<ToolResult> PythonAsync(string script, params string[] arguments) =>
        RunAsync("python3", [Repository.PathOf("tests", "Templates", script), .. arguments]);

    public static Task<ToolResult> RunAsync(string program, params string[] arguments) => RunAsync(program, arguments, environment: []);

    public static async Task<ToolResult> RunAsync(string program, string[] arguments, Dictionary<string, string> environment)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = Repository.Root,
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["PYTHONDONTWRITEBYTECODE"] = "1" },
        };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        using var limit = new CancellationTokenSource(Limit);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(limit.Token);
            var error = process.StandardError.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            return new ToolResult(process.ExitCode, await output, await error);
        }
        catch (OperationCanceledException tooLong)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} {string.Join(' ', arguments)} did not end within {Limit}.", tooLong);
        }
    }
}

/// <summary>Runs only where Python has all the modules; never skipped in CI.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class RequiresPythonFactAttribute(string[] modules, string installation, [CallerMemberName] string? test = null)
    : SkippableFactAttribute(ReasonToSkip(modules, installation), test)
{
    public const string Lint = "pip install cfn-lint";
    public const string Moto = "pip install 'moto[server]' cfn-lint";

    private static string? ReasonToSkip(string[] modules, string installation)
    {
        if (Environment.GetEnvironmentVariable("CI") == "true")
            return null;
        try
        {
            var search = $"import importlib.util as u, sys; sys.exit(any(u.find_spec(m) is None for m in '{string.Join(' ', modules)}'.split()))";
            using var python = Process.Start(new ProcessStartInfo("python3", ["-c", search]));
            python!.WaitForExit();
            return python.ExitCode == 0 ? null : $"Python lacks one of {string.Join(", ", modules)}: {installation}.";
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return "python3 is not on the PATH.";
        }
    }
}
