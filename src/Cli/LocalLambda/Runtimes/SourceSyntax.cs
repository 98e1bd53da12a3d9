using System.Diagnostics;
using System.Text.RegularExpressions;

namespace UdpGateway.Cli.LocalLambda.Runtimes;

/// <summary>
/// Whether sources that were edited can be read at all, by the interpreter that is to run them: what cannot must not replace the
/// processes that run. Only edited files are read, since a package that nobody here wrote may hold files for another version.
/// </summary>
internal static partial class SourceSyntax
{
    private const string PythonQuestion =
        """
        import sys
        for path in sys.argv[1:]:
            try:
                with open(path, "rb") as file:
                    compile(file.read(), path, "exec")
            except (SyntaxError, ValueError) as fault:
                print(f"{path}({getattr(fault, 'lineno', 0)}): {getattr(fault, 'msg', fault)}")
        """;

    /// <returns>One line for each file that cannot be read.</returns>
    public static async Task<IReadOnlyList<string>> FindMistakesAsync(string runtime, string interpreter, IEnumerable<string> files, CancellationToken cancellationToken)
    {
        if (runtime.StartsWith("python3", StringComparison.Ordinal))
        {
            string[] modules = [.. files.Where(file => file.EndsWith(".py", StringComparison.Ordinal) && File.Exists(file))];
            return modules.Length == 0 ? [] : (await RunAsync(interpreter, ["-c", PythonQuestion, .. modules], "", cancellationToken)).Output;
        }

        var mistakes = new List<string>();
        if (runtime.StartsWith("nodejs", StringComparison.Ordinal))
        {
            foreach (var file in files.Where(file => Path.GetExtension(file) is ".js" or ".mjs" or ".cjs" && File.Exists(file)))
            {
                var source = await File.ReadAllTextAsync(file, cancellationToken);
                var isModule = Path.GetExtension(file) switch { ".mjs" => true, ".cjs" => false, _ => InlineModule.IsEcmaScriptModule(source) };
                var (exitCode, _, error) = await RunAsync(interpreter, ["--check", $"--input-type={(isModule ? "module" : "commonjs")}", "-"], source, cancellationToken);
                if (exitCode != 0 && error.FirstOrDefault(line => line.StartsWith("SyntaxError: ", StringComparison.Ordinal)) is { } sentence)
                    mistakes.Add($"{file}({(Place().Match(error[0]) is { Success: true } place ? place.Groups["line"].Value : "0")}): {sentence}");
            }
        }

        return mistakes;
    }

    private static async Task<(int ExitCode, List<string> Output, List<string> Error)> RunAsync(string program, string[] arguments, string input, CancellationToken cancellationToken)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            CreateNoWindow = true,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        try
        {
            List<string> output = [], error = [];
            var reading = Task.WhenAll(
                LogLines.ReadAsync(process.StandardOutput.BaseStream, output.Add, cancellationToken),
                LogLines.ReadAsync(process.StandardError.BaseStream, error.Add, cancellationToken));
            try
            {
                await process.StandardInput.WriteAsync(input.AsMemory(), cancellationToken);
                process.StandardInput.Close();
            }
            catch (IOException)
            {
                // It has ended already and says why.
            }

            await reading;
            await process.WaitForExitAsync(cancellationToken);
            return (process.ExitCode, output, error);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }

    [GeneratedRegex(@":(?<line>[0-9]+)$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Place();
}
