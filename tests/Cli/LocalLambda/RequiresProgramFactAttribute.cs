namespace UdpGateway.Cli.Tests.LocalLambda;

/// <summary>Skips where a program is not installed; in CI the test runs, and fails if it must.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class RequiresProgramFactAttribute : FactAttribute
{
    public RequiresProgramFactAttribute(string program)
    {
        var isContinuousIntegration = string.Equals(Environment.GetEnvironmentVariable("CI"), "true", StringComparison.OrdinalIgnoreCase);
        if (!isContinuousIntegration && Cli.LocalLambda.Runtimes.Executables.Find(program) is null)
            Skip = $"'{program}' is not on PATH.";
    }
}
