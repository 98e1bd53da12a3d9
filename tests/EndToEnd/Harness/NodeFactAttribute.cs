using System.Runtime.CompilerServices;
using UdpGateway.Tests;

namespace UdpGateway.EndToEnd.Tests.Harness;

/// <summary>Skips where Node.js is not installed; in CI the test runs, and fails if it must.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NodeFactAttribute([CallerMemberName] string? test = null) : SkippableFactAttribute(ReasonToSkip(), test)
{
    private static string? ReasonToSkip() =>
        Environment.GetEnvironmentVariable("CI") == "true"
        || (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(folder => File.Exists(Path.Combine(folder, "node")))
            ? null
            : "'node' is not on PATH.";
}
