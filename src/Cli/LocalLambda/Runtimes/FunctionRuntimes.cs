using Microsoft.Extensions.Logging;

namespace UdpGateway.Cli.LocalLambda.Runtimes;

/// <summary>Turns every function into a command that starts it: finds interpreters, writes inline code, builds projects.</summary>
internal static partial class FunctionRuntimes
{
    /// <returns>One command per function, in the same order.</returns>
    /// <exception cref="LocalLambdaException">Names every function that cannot run, not only the first.</exception>
    public static async Task<IReadOnlyList<LaunchCommand>> PrepareAsync(
        string stateDirectory, IReadOnlyList<LocalFunction> functions, ILogger logger, CancellationToken cancellationToken)
    {
        var commands = new List<LaunchCommand>(functions.Count);
        var problems = new List<string>();
        var builder = new DotNetProjectBuilder(stateDirectory, logger);
        var interpreters = new Interpreters();
        foreach (var function in functions)
        {
            try
            {
                commands.Add(await PrepareAsync(stateDirectory, function, interpreters, builder, logger, cancellationToken));
            }
            catch (LocalLambdaException exception)
            {
                problems.Add(exception.Message);
            }
        }

        return problems.Count == 0 ? commands : throw new LocalLambdaException(string.Join('\n', problems.Distinct(StringComparer.Ordinal)));
    }

    private static async Task<LaunchCommand> PrepareAsync(
        string stateDirectory,
        LocalFunction function,
        Interpreters interpreters,
        DotNetProjectBuilder builder,
        ILogger logger,
        CancellationToken cancellationToken)
    {
        if (function.Runtime.StartsWith("python3", StringComparison.Ordinal)) return await PythonAsync(stateDirectory, function, interpreters, logger, cancellationToken);
        if (function.Runtime.StartsWith("nodejs", StringComparison.Ordinal)) return await NodeAsync(stateDirectory, function, interpreters, cancellationToken);
        if (function.Runtime.StartsWith("dotnet", StringComparison.Ordinal)) return await DotNetAsync(function, builder, cancellationToken);
        if (function.Runtime.StartsWith("provided", StringComparison.Ordinal)) return await ProvidedAsync(function, builder, cancellationToken);
        throw new LocalLambdaException(
            $"Function {function.LogicalId}: runtime '{function.Runtime}' cannot run locally; python3.*, nodejs*, dotnet* and provided.* can.");
    }

    private static async Task<LaunchCommand> PythonAsync(
        string stateDirectory, LocalFunction function, Interpreters interpreters, ILogger logger, CancellationToken cancellationToken)
    {
        // The version that the template names if it is there, as Lambda would; any other Python 3 rather than none.
        var exact = await interpreters.FindPythonAsync(function.Runtime, cancellationToken);
        var interpreter = exact
            ?? await interpreters.FindPythonAsync("python3", cancellationToken)
            ?? await interpreters.FindPythonAsync("python", cancellationToken)
            ?? throw NotInstalled(
                function,
                "python3",
                "install Python 3.8 or newer (Debian and Ubuntu: apt install python3; macOS: brew install python; others: https://www.python.org/downloads/)");
        if (exact is null) Log.OtherVersion(logger, function.LogicalId, function.Runtime, interpreter);

        var client = WriteClient(stateDirectory, "runtime_client.py");
        var taskRoot = TaskRoot(stateDirectory, function, _ => "index.py");
        return new LaunchCommand(interpreter, [client], taskRoot, $"AWS_Lambda_{function.Runtime}")
        {
            Variables = new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["PYTHONUNBUFFERED"] = "1",
                ["PYTHONUTF8"] = "1",
                // No __pycache__ beside the user's sources.
                ["PYTHONDONTWRITEBYTECODE"] = "1",
            },
        };
    }

    private static async Task<LaunchCommand> NodeAsync(
        string stateDirectory, LocalFunction function, Interpreters interpreters, CancellationToken cancellationToken)
    {
        var node = await interpreters.FindNodeAsync(cancellationToken) ?? throw NotInstalled(
            function, "node", "install Node.js 18 or newer (Debian and Ubuntu: apt install nodejs; macOS: brew install node; others: https://nodejs.org/)");
        var client = WriteClient(stateDirectory, "runtime_client.mjs");
        // The extension says which module system it is: a package.json above the state directory could say something else about ".js".
        var taskRoot = TaskRoot(stateDirectory, function, code => InlineModule.IsEcmaScriptModule(code) ? "index.mjs" : "index.cjs");
        return new LaunchCommand(node, [client], taskRoot, $"AWS_Lambda_{function.Runtime}");
    }

    private static async Task<LaunchCommand> DotNetAsync(LocalFunction function, DotNetProjectBuilder builder, CancellationToken cancellationToken)
    {
        var project = DotNetProjectBuilder.FindProject(CodeDirectory(function)) ?? throw new LocalLambdaException(
            $"Function {function.LogicalId}: {function.CodeDirectory} holds no project file (*.csproj, *.fsproj, *.vbproj).");
        var build = await builder.BuildAsync(function, project, cancellationToken);
        // A handler that is only an assembly's name means a program with its own runtime loop.
        if (!function.Handler.Contains("::", StringComparison.Ordinal)) return Program(function, build);

        return new LaunchCommand(
            build.DotNet,
            [typeof(DotNetRuntime).Assembly.Location, DotNetRuntime.Verb],
            Path.GetDirectoryName(build.TargetPath)!,
            $"AWS_Lambda_{function.Runtime}")
        {
            Variables = DotNetVariables,
        };
    }

    private static async Task<LaunchCommand> ProvidedAsync(LocalFunction function, DotNetProjectBuilder builder, CancellationToken cancellationToken)
    {
        var directory = CodeDirectory(function);
        if (DotNetProjectBuilder.FindProject(directory) is { } project) return Program(function, await builder.BuildAsync(function, project, cancellationToken));

        var bootstrap = Path.Combine(directory, "bootstrap");
        if (Executables.IsExecutable(bootstrap)) return new LaunchCommand(bootstrap, [], directory, "AWS_Lambda_" + function.Runtime).EndingWithStandardInput();
        throw new LocalLambdaException(
            $"Function {function.LogicalId}: {directory} holds neither a .NET project nor an executable file named 'bootstrap', which runtime {function.Runtime} needs.");
    }

    private static LaunchCommand Program(LocalFunction function, DotNetBuild build)
    {
        if (!File.Exists(Path.ChangeExtension(build.TargetPath, ".runtimeconfig.json")))
            throw new LocalLambdaException($"Function {function.LogicalId}: {build.ProjectFile} is a library; runtime {function.Runtime} with handler '{function.Handler}' needs a program (OutputType Exe).");
        return new LaunchCommand(build.DotNet, [build.TargetPath], Path.GetDirectoryName(build.TargetPath)!, $"AWS_Lambda_{function.Runtime}")
        {
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

    private static string TaskRoot(string stateDirectory, LocalFunction function, Func<string, string> moduleFile)
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

    private static string WriteClient(string stateDirectory, string name)
    {
        var path = Path.Combine(Directory.CreateDirectory(FunctionFolders.Runtimes(stateDirectory)).FullName, name);
        using var resource = typeof(FunctionRuntimes).Assembly.GetManifestResourceStream($"{typeof(FunctionRuntimes).Namespace}.{name}")
            ?? throw new InvalidOperationException($"The resource {name} is missing.");
        using var file = File.Create(path);
        resource.CopyTo(file);
        return path;
    }

    private static LocalLambdaException NotInstalled(LocalFunction function, string program, string remedy) =>
        new($"Function {function.LogicalId}: runtime {function.Runtime} needs '{program}', which is not on PATH or does not run: {remedy}.");

    private static partial class Log
    {
        [LoggerMessage(6030, LogLevel.Debug, "Function {LogicalId}: {Runtime} is not installed, {Interpreter} runs it")]
        public static partial void OtherVersion(ILogger logger, string logicalId, string runtime, string interpreter);
    }
}
