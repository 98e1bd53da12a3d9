using System.Diagnostics;
using Microsoft.Extensions.Logging;

namespace UdpGateway.Cli.LocalLambda.Runtimes;

/// <summary>What a build left behind: the assembly and the <c>dotnet</c> that made it and will run it.</summary>
/// <param name="ProjectDirectories">Of the project and of all that it references.</param>
internal sealed record DotNetBuild(string ProjectFile, string TargetPath, string DotNet, IReadOnlyList<string> ProjectDirectories);

/// <summary>
/// Builds the functions' .NET projects into the state directory, one after the other. MSBuild decides what is up to date, so that
/// an unchanged project costs its evaluation only. Functions run from a copy of the output, so that the next build does not
/// change files under a running process.
/// </summary>
internal sealed partial class DotNetProjectBuilder(string stateDirectory, ILogger logger)
{
    private static readonly string[] ProjectPatterns = ["*.csproj", "*.fsproj", "*.vbproj"];

    // A process of an older copy may still finish its invocation.
    private const int KeptCopies = 4;

    private readonly Dictionary<string, DotNetBuild> _built = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _copies = new(StringComparer.Ordinal);

    /// <returns>The project of the folder, or null when it holds none.</returns>
    /// <exception cref="LocalLambdaException">There are several, and nothing says which.</exception>
    public static string? FindProject(string directory)
    {
        var projects = ProjectPatterns.SelectMany(pattern => Directory.EnumerateFiles(directory, pattern)).Order(StringComparer.Ordinal).ToList();
        return projects.Count <= 1
            ? projects.FirstOrDefault()
            : throw new LocalLambdaException($"{directory} holds several project files ({string.Join(", ", projects.Select(Path.GetFileName))}); a function's folder holds one.");
    }

    public static bool IsProject(string path) => ProjectPatterns.Any(pattern => path.EndsWith(pattern[1..], StringComparison.Ordinal)) && File.Exists(path);

    /// <summary>The next <see cref="BuildAsync"/> of a project builds it again.</summary>
    public void ForgetBuilds() => _built.Clear();

    /// <exception cref="LocalLambdaException">The SDK is missing, or the compiler's complaints.</exception>
    public async Task<DotNetBuild> BuildAsync(LocalFunction function, string projectFile, CancellationToken cancellationToken)
    {
        if (_built.TryGetValue(projectFile, out var done)) return done;

        var dotnet = Executables.FindDotNet() ?? throw new LocalLambdaException(
            $"Function {function.LogicalId}: building {projectFile} needs 'dotnet', which is not on PATH: install the .NET SDK (https://dot.net/download).");
        if (!Directory.Exists(Path.Combine(Path.GetDirectoryName(ResolveLink(dotnet))!, "sdk")))
            throw new LocalLambdaException($"Function {function.LogicalId}: building {projectFile} needs the .NET SDK, and {dotnet} is only the runtime (https://dot.net/download).");

        // The first build may take a while, and nothing else is seen meanwhile.
        Log.Building(logger, function.LogicalId, projectFile);
        var started = Stopwatch.GetTimestamp();
        var folder = Directory.CreateDirectory(FunctionFolders.Build(stateDirectory, projectFile)).FullName;
        var targets = Path.Combine(folder, "function.targets");
        var targetPathFile = Path.Combine(folder, "target-path.txt");
        await WriteIfChangedAsync(targets, Targets, cancellationToken);
        File.Delete(targetPathFile);
        var projects = Path.Combine(folder, "projects");
        if (Directory.Exists(projects)) Directory.Delete(projects, recursive: true);

        var (exitCode, output) = await RunAsync(dotnet, Arguments(projectFile, folder, targets, targetPathFile, projects), Path.GetDirectoryName(projectFile)!, cancellationToken);
        if (exitCode != 0 || !File.Exists(targetPathFile)) throw new LocalLambdaException(Explain(function, projectFile, output));

        var targetPath = CopyOutput(folder, (await File.ReadAllTextAsync(targetPathFile, cancellationToken)).Trim());
        var directories = Directory.EnumerateFiles(projects).Select(file => File.ReadAllText(file).Trim()).Distinct(StringComparer.Ordinal).ToList();
        var build = new DotNetBuild(projectFile, targetPath, dotnet, directories);
        Log.Built(logger, function.LogicalId, Stopwatch.GetElapsedTime(started).TotalSeconds);
        return _built[projectFile] = build;
    }

    // Imported after the project's body. A lock file is only for projects that have one: it would be written into the user's folder.
    private const string Targets =
        """
        <Project>
          <PropertyGroup Condition="!Exists('$(MSBuildProjectDirectory)/packages.lock.json')">
            <RestorePackagesWithLockFile>false</RestorePackagesWithLockFile>
            <RestoreLockedMode>false</RestoreLockedMode>
          </PropertyGroup>
          <Target Name="WriteTargetPathOfFunction" AfterTargets="Build" Condition="'$(TargetPath)' != '' and '$(MSBuildProjectFullPath)' == '$(FunctionProjectFile)'">
            <WriteLinesToFile File="$(FunctionTargetPathFile)" Lines="$(TargetPath)" Overwrite="true" />
          </Target>
          <Target Name="WriteProjectOfFunction" AfterTargets="Build">
            <WriteLinesToFile File="$(FunctionProjectsFolder)/$(MSBuildProjectName).txt" Lines="$(MSBuildProjectDirectory)" Overwrite="true" />
          </Target>
        </Project>
        """;

    private static string[] Arguments(string projectFile, string folder, string targets, string targetPathFile, string projects) =>
    [
        "build", projectFile, "-c", "Release", "--nologo", "-v", "q", "-clp:NoSummary",
        "--artifacts-path", Path.Combine(folder, "artifacts"),
        // Compiler servers would outlive this process.
        "--disable-build-servers",
        // The function is run, not reviewed: what its repository demands of its style is checked by its own build.
        "-p:RunAnalyzers=false", "-p:TreatWarningsAsErrors=false", "-p:WarningLevel=0", "-p:GenerateDocumentationFile=false", "-p:NuGetAudit=false",
        // It runs on this machine and from its build output, whatever it is published as.
        "-p:RuntimeIdentifier=", "-p:SelfContained=false", "-p:PublishAot=false", "-p:UseAppHost=false", "-p:CopyLocalLockFileAssemblies=true",
        $"-p:CustomBeforeMicrosoftCommonTargets={targets}",
        $"-p:FunctionProjectFile={projectFile}",
        $"-p:FunctionTargetPathFile={targetPathFile}",
        $"-p:FunctionProjectsFolder={projects}",
    ];

    private static async Task<(int ExitCode, List<string> Output)> RunAsync(string dotnet, string[] arguments, string directory, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(dotnet, arguments)
        {
            WorkingDirectory = directory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            CreateNoWindow = true,
        };
        // Under `dotnet run` and `dotnet test` these point to the SDK of that command.
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)).ToList())
            start.Environment.Remove(name);
        start.Environment["DOTNET_CLI_UI_LANGUAGE"] = "en";
        start.Environment["DOTNET_NOLOGO"] = "1";
        start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";

        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var output = new List<string>();
        try
        {
            var reading = Task.WhenAll(
                LogLines.ReadAsync(process.StandardOutput.BaseStream, Add, cancellationToken),
                LogLines.ReadAsync(process.StandardError.BaseStream, Add, cancellationToken));
            await process.WaitForExitAsync(cancellationToken);
            await reading;
            return (process.ExitCode, output);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        void Add(string line)
        {
            lock (output) output.Add(line);
        }
    }

    /// <returns>The target's path in the copy.</returns>
    private string CopyOutput(string folder, string targetPath)
    {
        var copies = Path.Combine(folder, "run");
        if (!_copies.TryGetValue(folder, out var number) && Directory.Exists(copies))
            Directory.Delete(copies, recursive: true);
        _copies[folder] = ++number;
        var old = Path.Combine(copies, $"{number - KeptCopies}");
        if (Directory.Exists(old))
            Directory.Delete(old, recursive: true);

        var output = Path.GetDirectoryName(targetPath)!;
        var copy = Path.Combine(copies, $"{number}");
        foreach (var file in Directory.EnumerateFiles(output, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(copy, Path.GetRelativePath(output, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target, overwrite: true);
        }

        return Path.Combine(copy, Path.GetFileName(targetPath));
    }

    private static string Explain(LocalFunction function, string projectFile, List<string> output)
    {
        // "path(line,column): error CS1002: ; expected [project]"; MSBuild repeats itself.
        var errors = output.Where(line => line.Contains("error", StringComparison.Ordinal)).Select(line => line.Trim()).Distinct(StringComparer.Ordinal).ToList();
        if (errors.Count == 0) errors = output;
        return $"Function {function.LogicalId}: {projectFile} does not build:\n  {string.Join("\n  ", errors)}";
    }

    private static async Task WriteIfChangedAsync(string path, string text, CancellationToken cancellationToken)
    {
        // A newer time stamp would make MSBuild compile again.
        if (File.Exists(path) && await File.ReadAllTextAsync(path, cancellationToken) == text) return;
        await File.WriteAllTextAsync(path, text, cancellationToken);
    }

    private static string ResolveLink(string path) => File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;

    private static partial class Log
    {
        [LoggerMessage(6041, LogLevel.Information, "Building {LogicalId} ({ProjectFile})")]
        public static partial void Building(ILogger logger, string logicalId, string projectFile);

        [LoggerMessage(6040, LogLevel.Information, "Built {LogicalId} in {Seconds:F1} s")]
        public static partial void Built(ILogger logger, string logicalId, double seconds);
    }
}
