using Microsoft.Extensions.Logging;

namespace UdpGateway.Cli.LocalLambda.Runtimes;

/// <summary>Turns every function into a command that starts it: finds interpreters, writes inline code, builds projects.</summary>
internal sealed partial class FunctionRuntimes(string stateDirectory, ILogger logger)
{
    private readonly DotNetProjectBuilder _builder = new(stateDirectory, logger);
    private readonly Interpreters _interpreters = new();

    /// <returns>One command per function, in the same order.</returns>
    /// <exception cref="LocalLambdaException">Names every function that cannot run, not only the first.</exception>
    public async Task<IReadOnlyList<LaunchCommand>> PrepareAsync(IReadOnlyList<LocalFunction> functions, CancellationToken cancellationToken)
    {
        var commands = new List<LaunchCommand>(functions.Count);
        var problems = new List<string>();
        var missing = new List<(LocalFunction Function, string Program, string Remedy)>();
        // Functions that share a project share its build, but only within one round.
        _builder.ForgetBuilds();
        foreach (var function in functions)
        {
            try
            {
                commands.Add(await PrepareAsync(function, cancellationToken));
            }
            catch (MissingProgramException exception)
            {
                missing.Add((function, exception.Program, exception.Remedy));
            }
            catch (LocalLambdaException exception)
            {
                problems.Add(exception.Message);
            }
        }

        problems.AddRange(missing.GroupBy(need => (need.Program, need.Remedy), need => need.Function.LogicalId).Select(group =>
            $"{(group.Count() == 1 ? "Function" : "Functions")} {string.Join(", ", group)}: needs '{group.Key.Program}', which is not on PATH or does not run: {group.Key.Remedy}."));
        return problems.Count == 0 ? commands : throw new LocalLambdaException(string.Join('\n', problems.Distinct(StringComparer.Ordinal)));
    }

    private async Task<LaunchCommand> PrepareAsync(LocalFunction function, CancellationToken cancellationToken)
    {
        if (function.Runtime.StartsWith("python3", StringComparison.Ordinal)) return await PythonAsync(function, cancellationToken);
        if (function.Runtime.StartsWith("nodejs", StringComparison.Ordinal)) return await NodeAsync(function, cancellationToken);
        if (function.Runtime.StartsWith("dotnet", StringComparison.Ordinal)) return await DotNetAsync(function, cancellationToken);
        if (function.Runtime.StartsWith("provided", StringComparison.Ordinal)) return await ProvidedAsync(function, cancellationToken);
        throw new LocalLambdaException(
            $"Function {function.LogicalId}: runtime '{function.Runtime}' cannot run locally; python3.*, nodejs*, dotnet* and provided.* can.");
    }

    private async Task<LaunchCommand> PythonAsync(LocalFunction function, CancellationToken cancellationToken)
    {
        // The version that the template names if it is there, as Lambda would; any other Python 3 rather than none.
        var exact = await _interpreters.FindPythonAsync(function.Runtime, cancellationToken);
        var interpreter = exact
            ?? await _interpreters.FindPythonAsync("python3", cancellationToken)
            ?? await _interpreters.FindPythonAsync("python", cancellationToken)
            ?? throw new MissingProgramException(
                "python3",
                "install Python 3.8 or newer (Debian and Ubuntu: apt install python3; macOS: brew install python; others: https://www.python.org/downloads/)");
        if (exact is null) Log.OtherVersion(logger, function.LogicalId, function.Runtime, interpreter);

        var client = WriteClient("runtime_client.py");
        var taskRoot = TaskRoot(function, _ => "index.py");
        if (function.CodeDirectory is not null && await Interpreters.FindMissingPythonPackagesAsync(interpreter, taskRoot, cancellationToken) is { Count: > 0 } missing)
            Log.PackagesMissing(logger, function.LogicalId, "requirements.txt", string.Join(", ", missing), interpreter, $"{interpreter} -m pip install -r {Path.Combine(taskRoot, "requirements.txt")}");
        return new LaunchCommand(interpreter, [client], taskRoot, $"AWS_Lambda_{function.Runtime}")
        {
            SourceDirectories = Sources(function),
            Variables = new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["PYTHONUNBUFFERED"] = "1",
                ["PYTHONUTF8"] = "1",
                // No __pycache__ beside the user's sources.
                ["PYTHONDONTWRITEBYTECODE"] = "1",
            },
        };
    }

    private async Task<LaunchCommand> NodeAsync(LocalFunction function, CancellationToken cancellationToken)
    {
        var node = await _interpreters.FindNodeAsync(cancellationToken) ?? throw new MissingProgramException(
            "node", "install Node.js 18 or newer (Debian and Ubuntu: apt install nodejs; macOS: brew install node; others: https://nodejs.org/)");
        var client = WriteClient("runtime_client.mjs");
        // The extension says which module system it is: a package.json above the state directory could say something else about ".js".
        var taskRoot = TaskRoot(function, code => InlineModule.IsEcmaScriptModule(code) ? "index.mjs" : "index.cjs");
        if (function.CodeDirectory is not null && DeclaredPackages.FindMissingOfNode(taskRoot) is { Count: > 0 } missing)
            Log.PackagesMissing(logger, function.LogicalId, "package.json", string.Join(", ", missing), "node", $"npm install --prefix {taskRoot}");
        return new LaunchCommand(node, [client], taskRoot, $"AWS_Lambda_{function.Runtime}") { SourceDirectories = Sources(function) };
    }

    private async Task<LaunchCommand> DotNetAsync(LocalFunction function, CancellationToken cancellationToken)
    {
        var project = FindProject(CodeDirectory(function), function) ?? throw new LocalLambdaException(
            $"Function {function.LogicalId}: {function.CodeDirectory} holds no project file (*.csproj, *.fsproj, *.vbproj).");
        var build = await _builder.BuildAsync(function, project, cancellationToken);
        // A handler that is only an assembly's name means a program with its own runtime loop.
        if (!function.Handler.Contains("::", StringComparison.Ordinal)) return Program(function, build);

        return new LaunchCommand(
            build.DotNet,
            [typeof(DotNetRuntime).Assembly.Location, DotNetRuntime.Verb],
            Path.GetDirectoryName(build.TargetPath)!,
            $"AWS_Lambda_{function.Runtime}")
        {
            SourceDirectories = build.ProjectDirectories,
            Variables = DotNetVariables,
        };
    }

    private async Task<LaunchCommand> ProvidedAsync(LocalFunction function, CancellationToken cancellationToken)
    {
        var directory = CodeDirectory(function);
        if (FindProject(directory, function) is { } project) return Program(function, await _builder.BuildAsync(function, project, cancellationToken));

        var bootstrap = Path.Combine(directory, "bootstrap");
        if (Executables.IsExecutable(bootstrap))
            return new LaunchCommand(bootstrap, [], directory, "AWS_Lambda_" + function.Runtime) { SourceDirectories = Sources(function) }.EndingWithStandardInput();
        throw new LocalLambdaException(
            $"Function {function.LogicalId}: {directory} holds neither a .NET project nor an executable file named 'bootstrap', which runtime {function.Runtime} needs.");
    }

    private static string? FindProject(string directory, LocalFunction function) =>
        DotNetProjectBuilder.FindProject(directory) ?? MakefileProject.Find(directory, function.LogicalId);

    private static LaunchCommand Program(LocalFunction function, DotNetBuild build)
    {
        if (!File.Exists(Path.ChangeExtension(build.TargetPath, ".runtimeconfig.json")))
            throw new LocalLambdaException($"Function {function.LogicalId}: {build.ProjectFile} is a library; runtime {function.Runtime} with handler '{function.Handler}' needs a program (OutputType Exe).");
        return new LaunchCommand(build.DotNet, [build.TargetPath], Path.GetDirectoryName(build.TargetPath)!, $"AWS_Lambda_{function.Runtime}")
        {
            SourceDirectories = build.ProjectDirectories,
            Variables = DotNetVariables,
        }.EndingWithStandardInput();
    }

    private static readonly Dictionary<string, string> DotNetVariables = new(StringComparer.Ordinal)
    {
        // A function for .NET 8 runs where only a newer runtime is installed.
        ["DOTNET_ROLL_FORWARD"] = "Major",
        // No diagnostic socket in the function's temporary folder.
        ["DOTNET_EnableDiagnostics_IPC"] = "0",
        ["DOTNET_NOLOGO"] = "1",
    };

    private static IReadOnlyList<string> Sources(LocalFunction function) => function.CodeDirectory is { } directory ? [directory] : [];

    private string TaskRoot(LocalFunction function, Func<string, string> moduleFile)
    {
        if (function.InlineCode is not { } code) return CodeDirectory(function);
        var directory = FunctionFolders.InlineCode(stateDirectory, function);
        // What an earlier template left would shadow the module.
        if (Directory.Exists(directory)) Directory.Delete(directory, recursive: true);
        Directory.CreateDirectory(directory);
        File.WriteAllText(Path.Combine(directory, moduleFile(code)), code);
        return directory;
    }

    private static string CodeDirectory(LocalFunction function)
    {
        if (function.CodeDirectory is not { } directory)
            throw new LocalLambdaException($"Function {function.LogicalId}: runtime {function.Runtime} needs a folder with code; inline code exists for Python and Node only.");
        if (!Directory.Exists(directory))
            throw new LocalLambdaException($"Function {function.LogicalId}: the code folder {directory} does not exist.");
        return directory;
    }

    private string WriteClient(string name)
    {
        var path = Path.Combine(Directory.CreateDirectory(FunctionFolders.Runtimes(stateDirectory)).FullName, name);
        using var resource = typeof(FunctionRuntimes).Assembly.GetManifestResourceStream($"{typeof(FunctionRuntimes).Namespace}.{name}")
            ?? throw new InvalidOperationException($"The resource {name} is missing.");
        using var file = File.Create(path);
        resource.CopyTo(file);
        return path;
    }

    private static partial class Log
    {
        [LoggerMessage(6031, LogLevel.Warning, "Function {LogicalId}: {File} names {Packages}, which {Interpreter} does not find; `{Command}` installs it")]
        public static partial void PackagesMissing(ILogger logger, string logicalId, string file, string packages, string interpreter, string command);

        [LoggerMessage(6030, LogLevel.Debug, "Function {LogicalId}: {Runtime} is not installed, {Interpreter} runs it")]
        public static partial void OtherVersion(ILogger logger, string logicalId, string runtime, string interpreter);
    }
}
