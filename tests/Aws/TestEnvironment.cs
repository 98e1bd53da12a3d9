using System.Runtime.CompilerServices;
using Amazon.Runtime;

namespace UdpGateway.Aws.Tests;

/// <summary>Keeps what a developer or a CI machine has configured for AWS out of the tests.</summary>
internal static class TestEnvironment
{
    public const string Region = "us-west-2";

    public static AWSCredentials Credentials { get; } = new BasicAWSCredentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");

    [ModuleInitializer]
    internal static void Clear()
    {
        var inherited = Environment.GetEnvironmentVariables().Keys.Cast<string>().Where(name => name.StartsWith("AWS_", StringComparison.Ordinal));
        foreach (var name in inherited.ToList())
            Environment.SetEnvironmentVariable(name, null);
        Environment.SetEnvironmentVariable("AWS_EC2_METADATA_DISABLED", "true");
        Environment.SetEnvironmentVariable("AWS_CONFIG_FILE", "/nonexistent/config");
        Environment.SetEnvironmentVariable("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials");
    }
}

/// <summary>Tests that set environment variables run alone and take them back.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class EnvironmentVariables
{
    public const string Name = "environment variables";

    internal static IDisposable Set(string name, string value)
    {
        Environment.SetEnvironmentVariable(name, value);
        return new Restore(name);
    }

    private sealed class Restore(string name) : IDisposable
    {
        public void Dispose() => Environment.SetEnvironmentVariable(name, null);
    }
}
