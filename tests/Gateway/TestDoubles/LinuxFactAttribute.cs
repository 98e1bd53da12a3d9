using System.Runtime.CompilerServices;
using UdpGateway.Tests;

namespace UdpGateway.Gateway.Tests.TestDoubles;

/// <summary>A test of what only Linux has.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class LinuxFactAttribute(string reason, [CallerMemberName] string? test = null)
    : SkippableFactAttribute(OperatingSystem.IsLinux() ? null : $"Not on Linux: {reason}.", test);
