using System.Runtime.CompilerServices;
using UdpGateway.Aws.Tests;
using UdpGateway.Tests;

namespace UdpGateway.Provider.Tests.Fleets;

/// <summary>A test against moto that takes minutes: it runs with <c>UDPGW_LONG_TESTS=1</c> and is otherwise skipped, also in CI, which has its short form.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class LongMotoFactAttribute([CallerMemberName] string? test = null) : SkippableFactAttribute(ReasonToSkip(), test)
{
    private static string? ReasonToSkip() => Environment.GetEnvironmentVariable("UDPGW_LONG_TESTS") != "1" ? "takes minutes, so it runs with UDPGW_LONG_TESTS=1 only."
        : RequiresMotoFactAttribute.IsAvailable ? null : "The moto server is not installed: pip install 'moto[server]'.";
}
