using System.Diagnostics;

namespace UdpGateway.Gateway.Observability;

/// <summary>Lets one line of a kind through every ten seconds and counts the others. Any thread.</summary>
internal sealed class LogGate
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private long _opened = long.MinValue;
    private long _suppressed;

    /// <summary>For the end of the line: what the gate held back, or nothing.</summary>
    public static string More(long suppressed) => suppressed == 0 ? "" : $" ({suppressed} more since the last line)";

    public bool TryOpen(out long suppressed)
    {
        suppressed = 0;
        var last = Volatile.Read(ref _opened);
        var now = Stopwatch.GetTimestamp();
        var mayOpen = last == long.MinValue || Stopwatch.GetElapsedTime(last, now) >= Interval;
        if (!mayOpen || Interlocked.CompareExchange(ref _opened, now, last) != last)
        {
            Interlocked.Increment(ref _suppressed);
            return false;
        }

        suppressed = Interlocked.Exchange(ref _suppressed, 0);
        return true;
    }
}
