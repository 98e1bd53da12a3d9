namespace UdpGateway.Benchmarks.Load;

/// <summary>
/// When each packet was given to the kernel, and how long the endpoint had it. Packets carry their number here instead of a time, so
/// that sealing a run of them does not count. A number is used again when that many packets have been sent since.
/// </summary>
internal sealed class DelayLedger
{
    private const int Capacity = 1 << 20;

    private readonly long[] _sent = new long[Capacity];
    private readonly long[] _atEndpoint = new long[Capacity];
    private long _next;

    /// <summary>Ticks of UTC, as <see cref="ArrivalStamps"/> has them.</summary>
    public static long Now => DateTime.UtcNow.Ticks;

    public long Next() => _next++ % Capacity;

    /// <summary>The newest packets are on their way.</summary>
    public void Sent(int count)
    {
        var now = Now;
        for (var number = _next - count; number < _next; number++)
            _sent[number % Capacity] = now;
    }

    /// <summary>On the endpoint's thread, before it answers.</summary>
    public void Answer(long number, long arrived) => Volatile.Write(ref _atEndpoint[number], Now - arrived);

    /// <summary>How long the endpoint had the packet.</summary>
    public TimeSpan AtEndpoint(long number) => TimeSpan.FromTicks(Volatile.Read(ref _atEndpoint[number]));

    /// <summary>From sending to the reply's arrival, without the time at the endpoint.</summary>
    public TimeSpan Added(long number, long arrived) => TimeSpan.FromTicks(arrived - _sent[number]) - AtEndpoint(number);
}
