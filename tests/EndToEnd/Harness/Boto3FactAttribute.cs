using System.Diagnostics;
using System.Runtime.CompilerServices;
using UdpGateway.Tests;

namespace UdpGateway.EndToEnd.Tests.Harness;

/// <summary>Runs only where functions in Python can import boto3; in CI they must.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class Boto3FactAttribute([CallerMemberName] string? test = null)
    : SkippableFactAttribute(IsAvailable.Value ? null : "boto3 is not installed: pip install boto3.", test)
{
    private static readonly Lazy<bool> IsAvailable = new(() =>
    {
        try
        {
            using var python = Process.Start(new ProcessStartInfo("python3", ["-c", "import boto3"]) { UseShellExecute = false, RedirectStandardError = true })!;
            python.WaitForExit();
            return python.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    });
}
