using System.Diagnostics;
using System.Globalization;

namespace UdpGateway.Benchmarks.Load;

/// <summary>What all processors, and what this program and its gateway, have spent up to a moment.</summary>
internal readonly record struct ProcessorUse(long Moment, TimeSpan Idle, TimeSpan Ours)
{
    private const double TicksPerSecond = 100; // USER_HZ

    public static ProcessorUse Now(GatewayProcess gateway)
    {
        // "cpu" of all processors, then user, nice, system, idle, iowait
        var words = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var idle = (long.Parse(words[4], CultureInfo.InvariantCulture) + long.Parse(words[5], CultureInfo.InvariantCulture)) / TicksPerSecond;
        return new ProcessorUse(Stopwatch.GetTimestamp(), TimeSpan.FromSeconds(idle), Environment.CpuUsage.TotalTime + gateway.ProcessorTime);
    }

    /// <summary>The share of the processors that went to anything else; interrupts count.</summary>
    public double OthersSince(ProcessorUse before)
    {
        var whole = Stopwatch.GetElapsedTime(before.Moment, Moment) * Environment.ProcessorCount;
        return Math.Max(0, (whole - (Idle - before.Idle) - (Ours - before.Ours)) / whole);
    }
}
