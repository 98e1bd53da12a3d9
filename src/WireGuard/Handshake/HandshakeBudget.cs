namespace UdpGateway.WireGuard.Handshake;

/// <summary>
/// Limits handshakes to a share of the worker's time, so that established sessions keep flowing while strangers make
/// it compute. The worker measures and reports; the engine itself never reads a clock.
/// </summary>
/// <param name="share">Between 0 and 1.</param>
internal sealed class HandshakeBudget(double share)
{
    /// <summary>Time that may be spent at once after a quiet spell.</summary>
    private static readonly TimeSpan Burst = TimeSpan.FromMilliseconds(50);

    /// <summary>Being under load lasts this long after the share was used up.</summary>
    private static readonly TimeSpan Memory = TimeSpan.FromSeconds(1);

    private TimeSpan _available = Burst;
    private TimeSpan _refilled;
    private TimeSpan _underLoadUntil = TimeSpan.MinValue;

    public bool IsUnderLoad(TimeSpan now) => now < _underLoadUntil;

    public bool IsExhausted(TimeSpan now)
    {
        Refill(now);
        return _available <= TimeSpan.Zero;
    }

    public void Spend(TimeSpan elapsed, TimeSpan now)
    {
        Refill(now);
        // Debt is bounded, so that one handshake during which the machine stood still does not lock out the next thousand.
        _available = _available - elapsed > -Burst ? _available - elapsed : -Burst;
        if (_available <= TimeSpan.Zero)
            _underLoadUntil = now + Memory;
    }

    private void Refill(TimeSpan now)
    {
        // A clock that is set back gains nothing, but takes nothing either.
        var gained = now > _refilled ? (now - _refilled) * share : TimeSpan.Zero;
        _refilled = now;
        _available = _available + gained < Burst ? _available + gained : Burst;
    }
}
