using System.Runtime.CompilerServices;
using UdpGateway.Tests;

namespace UdpGateway.Cli.Tests.LocalLambda;

/// <summary>Skips where a program is not installed; in CI the test runs, and fails if it must.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class RequiresProgramFactAttribute(string program, [CallerMemberName] string? test = null)
    : SkippableFactAttribute(ReasonToSkip(program), test)
{
    private static string? ReasonToSkip(string program) =>
        Environment.GetEnvironmentVariable("CI") == "true" || Cli.LocalLambda.Runtimes.Executables.Find(program) is not null
            ? null
            : $"'{program}' is not on PATH.";
}
