using System.Diagnostics;
using UdpGateway.Cli.LocalLambda.Runtimes;

namespace UdpGateway.Cli.Tests;

/// <summary>Packs the tool and installs it from the folder, as a user without any package source would.</summary>
public sealed class ToolPackageTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("udpgw-tool-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Installs_and_runs_from_its_own_package()
    {
        var (packages, tools) = (Path.Combine(_folder.FullName, "packages"), Path.Combine(_folder.FullName, "tools"));
        var configuration = Path.Combine(_folder.FullName, "nuget.config");
        await File.WriteAllTextAsync(configuration, $"<configuration><packageSources><clear/><add key=\"local\" value=\"{packages}\"/></packageSources></configuration>");
        var template = Path.Combine(_folder.FullName, "template.yaml");
        await File.WriteAllTextAsync(template, "Resources: {F: {Type: \"AWS::Lambda::Function\", Properties: {Runtime: python3.12, Handler: index.handler, Code: {ZipFile: \"x = 1\"}}}}");

        await RunAsync(Executables.FindDotNet()!, "pack", FindProject(), "-c", "Release", "--no-build", "--output", packages);
        await RunAsync(Executables.FindDotNet()!, "tool", "install", "udpgw", "--tool-path", tools, "--configfile", configuration);
        var tool = Path.Combine(tools, OperatingSystem.IsWindows() ? "udpgw.exe" : "udpgw");
        var key = await RunAsync(tool, "keys", "new");
        var validated = await RunAsync(tool, "validate", template);

        Assert.Equal(44, key.Trim().Length);
        Assert.EndsWith("valid, 0 listeners.", validated.Trim(), StringComparison.Ordinal);
        // What functions are started with travels within the assembly.
        Assert.Contains(typeof(FunctionRuntimes).Assembly.GetManifestResourceNames(), name => name.EndsWith("runtime_client.py", StringComparison.Ordinal));
    }

    private static string FindProject()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "Provider.sln")))
            folder = folder.Parent;
        return Path.Combine(folder.FullName, "src", "Cli", "udpgw.csproj");
    }

    private static async Task<string> RunAsync(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        // Under `dotnet test` these point to the SDK of that command.
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)).ToList())
            start.Environment.Remove(name);
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}\n{await output}\n{await error}");
        return await output;
    }
}
