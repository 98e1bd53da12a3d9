using System.Runtime.CompilerServices;
using UdpGateway.EndToEnd.Tests.Harness;
using UdpGateway.Tests;

namespace UdpGateway.EndToEnd.Tests.WireGuard;

/// <summary>
/// A test that waits for the protocol's own minutes. It runs when the environment says <c>UDPGW_LONG_TESTS=1</c> and is
/// otherwise skipped, also in CI, which has its short form.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class LongNamespaceFactAttribute([CallerMemberName] string? test = null) : SkippableFactAttribute(ReasonToSkip(), test)
{
    private static string? ReasonToSkip() => Environment.GetEnvironmentVariable("UDPGW_LONG_TESTS") == "1"
        ? NamespaceFactAttribute.ReasonToSkip()
        : "takes minutes, so it runs with UDPGW_LONG_TESTS=1 only.";
}
