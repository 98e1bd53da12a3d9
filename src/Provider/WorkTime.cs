namespace UdpGateway.Provider;

/// <summary>
/// How the time until a deadline is divided: most of it for the work, the rest, which grows with it, so that what comes after
/// the work still gets done: asking to go on later, or storing the failure, taking back, and sending the answer.
/// </summary>
internal sealed class WorkTime
{
    private static readonly TimeSpan ShortestGuard = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LongestGuard = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LongestSettling = TimeSpan.FromSeconds(30);

    private readonly TimeProvider _time;
    private readonly TimeSpan _guard;

    public WorkTime(DateTimeOffset deadline, TimeProvider time)
    {
        _time = time;
        Deadline = deadline;
        _guard = TimeSpan.FromTicks(Math.Clamp((deadline - time.GetUtcNow()).Ticks / 10, ShortestGuard.Ticks, LongestGuard.Ticks));
    }

    public DateTimeOffset Deadline { get; }

    /// <summary>Until the work is asked to end; it can still say what was missing.</summary>
    public TimeSpan ForWork => Left(_guard * 1.5);

    /// <summary>Until work that did not end is left to itself.</summary>
    public TimeSpan UntilAbandoned => Left(_guard);

    // What is left after these is for sending the answer. A process's first call of a service takes its time.
    public TimeSpan ToContinue => _guard * 0.75;

    /// <summary>Longer than the least when the work failed early: what a balancer holds for a moment yet can then still be taken back.</summary>
    public TimeSpan ToSettle => Left(_guard / 2) is var left && left < _guard / 2 ? _guard / 2 : left < LongestSettling ? left : LongestSettling;

    /// <summary>CloudFormation has its answer by now, so an invocation that ran out of time here would fail for nothing.</summary>
    public TimeSpan ToAcknowledge => Left(_guard / 10) is { Ticks: > 0 } left ? left : _guard / 2;

    private TimeSpan Left(TimeSpan reserve) => Deadline - _time.GetUtcNow() is var left && left > reserve ? left - reserve : TimeSpan.Zero;
}
