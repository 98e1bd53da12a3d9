using System.Runtime.CompilerServices;
using UdpGateway.Tests;

namespace UdpGateway.Samples.Tests;

/// <summary>A test that runs Python: skipped, with the reason, where there is none; never skipped in CI.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class PythonFactAttribute([CallerMemberName] string? test = null) : SkippableFactAttribute(ReasonToSkip(), test)
{
    private static string? ReasonToSkip() => Environment.GetEnvironmentVariable("CI") == "true" || IsOnPath("python3")
        ? null
        : "python3 is not on the PATH; the sample's function is Python.";

    private static bool IsOnPath(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(directory => File.Exists(Path.Combine(directory, program)));
}
