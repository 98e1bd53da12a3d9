using System.Diagnostics;
using System.Runtime.CompilerServices;
using UdpGateway.Tests;

namespace UdpGateway.EndToEnd.Tests.Harness;

/// <summary>
/// A test with a real WireGuard client in a network namespace: skipped, with the reason, where root or a tool is missing;
/// never skipped in CI.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NamespaceFactAttribute([CallerMemberName] string? test = null) : SkippableFactAttribute(NamespaceFactAttribute.ReasonToSkip(), test)
{
    private static readonly string[] Tools = ["ip", "wg", "wireguard-go", "ping", "nft"];

    /// <summary>Null when the test must run.</summary>
    public static string? ReasonToSkip() => Environment.GetEnvironmentVariable("CI") == "true" ? null : Obstacle();

    private static string? Obstacle()
    {
        if (!Environment.IsPrivilegedProcess)
            return "Network namespaces need root.";
        var missing = Tools.Where(tool => !IsOnPath(tool)).ToArray();
        if (missing.Length > 0)
            return $"Not installed: {string.Join(", ", missing)}.";
        if (!File.Exists("/dev/net/tun"))
            return "There is no /dev/net/tun.";
        return CanAddNamespace() ? null : "This machine does not permit network namespaces (ip netns add fails).";
    }

    private static bool IsOnPath(string program) =>
        $"{Environment.GetEnvironmentVariable("PATH")}:/usr/sbin:/sbin".Split(':').Any(directory => File.Exists(Path.Combine(directory, program)));

    private static bool CanAddNamespace()
    {
        var name = $"udpgw-probe-{Environment.ProcessId}";
        return Run("add", name) && Run("delete", name);

        static bool Run(string verb, string name)
        {
            using var process = Process.Start(new ProcessStartInfo("ip", ["netns", verb, name]) { UseShellExecute = false, RedirectStandardError = true, RedirectStandardOutput = true })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
    }
}
