using System.ComponentModel;
using System.Diagnostics;

namespace UdpGateway.Cli.LocalLambda.Runtimes;

/// <summary>
/// Finds the programs behind the names. What PATH holds is often a version manager's stand-in (pyenv, asdf, volta), which refuses
/// versions that it knows but that are not chosen, and needs the user's environment to work at all: so each candidate is asked once
/// for the path of the real program, and functions are started with that.
/// </summary>
internal sealed class Interpreters
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly Dictionary<string, string?> _found = new(StringComparer.Ordinal);

    public Task<string?> FindPythonAsync(string name, CancellationToken cancellationToken) =>
        FindAsync(name, ["-c", "import sys; assert sys.version_info >= (3, 8); print(sys.executable)"], cancellationToken);

    public Task<string?> FindNodeAsync(CancellationToken cancellationToken) =>
        FindAsync("node", ["-p", "process.execPath"], cancellationToken);

    /// <summary>What <c>requirements.txt</c> of the folder names and the interpreter, started for a function of that folder, does not find.</summary>
    public static async Task<IReadOnlyList<string>> FindMissingPythonPackagesAsync(string interpreter, string directory, CancellationToken cancellationToken)
    {
        var named = DeclaredPackages.OfPython(directory);
        if (named.Count == 0) return [];
        const string Question =
            """
            import sys
            from importlib import metadata
            sys.path.insert(0, sys.argv[1])
            def found(name):
                try: return metadata.distribution(name) is not None
                except metadata.PackageNotFoundError: return False
            print(",".join(name for name in sys.argv[2:] if not found(name)))
            """;
        return await AskAsync(interpreter, ["-c", Question, directory, .. named], cancellationToken) is [.., var missing]
            ? missing.Split(',', StringSplitOptions.RemoveEmptyEntries)
            : [];
    }

    private async Task<string?> FindAsync(string name, string[] question, CancellationToken cancellationToken)
    {
        if (_found.TryGetValue(name, out var known)) return known;
        return _found[name] = Executables.Find(name) is { } candidate && await AskAsync(candidate, question, cancellationToken) is [.., var path] && File.Exists(path)
            ? path
            : null;
    }

    /// <summary>The lines that the program prints; null when it cannot say.</summary>
    private static async Task<IReadOnlyList<string>?> AskAsync(string candidate, string[] question, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(Patience);
        Process? process = null;
        try
        {
            process = Process.Start(new ProcessStartInfo(candidate, question)
            {
                UseShellExecute = false,
                CreateNoWindow = true,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            process.StandardInput.Close();
            var lines = new List<string>();
            await Task.WhenAll(
                LogLines.ReadAsync(process.StandardOutput.BaseStream, lines.Add, deadline.Token),
                LogLines.ReadAsync(process.StandardError.BaseStream, _ => { }, deadline.Token));
            await process.WaitForExitAsync(deadline.Token);
            return process.ExitCode == 0 ? lines : null;
        }
        catch (Win32Exception)
        {
            // Not a program for this machine: as good as not installed.
            return null;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            process?.Kill(entireProcessTree: true);
            return null;
        }
        finally
        {
            process?.Dispose();
        }
    }
}
