namespace UdpGateway.Tests;

/// <summary>
/// A test that is skipped where a real part that it needs is missing. The console lists skipped tests by name only, so the
/// name carries the reason.
/// </summary>
/// <param name="reasonToSkip">Null when the test must run.</param>
/// <param name="test">The method's name, which the compiler fills in for attributes.</param>
[AttributeUsage(AttributeTargets.Method)]
public abstract class SkippableFactAttribute(string? reasonToSkip, string? test) : FactAttribute
{
    public sealed override string? Skip { get; set; } = reasonToSkip;

    public sealed override string? DisplayName { get; set; } = reasonToSkip is null ? null : $"{test}: {reasonToSkip}";
}
