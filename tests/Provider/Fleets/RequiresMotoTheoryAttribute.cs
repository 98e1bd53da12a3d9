using System.Runtime.CompilerServices;
using UdpGateway.Aws.Tests;
using UdpGateway.Tests;
using Xunit.Sdk;

namespace UdpGateway.Provider.Tests.Fleets;

/// <summary>As <see cref="RequiresMotoFactAttribute"/>, for a test with data.</summary>
[AttributeUsage(AttributeTargets.Method)]
[XunitTestCaseDiscoverer("Xunit.Sdk.TheoryDiscoverer", "xunit.execution.{Platform}")]
public sealed class RequiresMotoTheoryAttribute([CallerMemberName] string? test = null)
    : SkippableFactAttribute(RequiresMotoFactAttribute.IsAvailable ? null : "The moto server is not installed: pip install 'moto[server]'.", test);
