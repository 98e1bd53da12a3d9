using System.Runtime.InteropServices;

namespace UdpGateway.Cli.LocalLambda.Runtimes;

/// <summary>Finds programs as a shell would.</summary>
internal static class Executables
{
    /// <returns>The full path, or null when no folder of PATH has the program.</returns>
    public static string? Find(string name)
    {
        string[] suffixes = OperatingSystem.IsWindows() ? [".exe", ".cmd"] : [""];
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        return folders
            .Where(Path.IsPathRooted)
            .SelectMany(folder => suffixes.Select(suffix => Path.Combine(folder, name + suffix)))
            .FirstOrDefault(IsExecutable);
    }

    /// <summary>The <c>dotnet</c> program that runs this process, or the one on PATH when the process brings its own runtime.</summary>
    public static string? FindDotNet()
    {
        // <root>/shared/Microsoft.NETCore.App/<version>/
        var root = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));
        var own = Path.Combine(root, OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet");
        return IsExecutable(own) ? own : Find("dotnet");
    }

    public static bool IsExecutable(string path)
    {
        if (!File.Exists(path)) return false;
        if (OperatingSystem.IsWindows()) return true;
        const UnixFileMode anyExecute = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        return (File.GetUnixFileMode(path) & anyExecute) != UnixFileMode.None;
    }
}
