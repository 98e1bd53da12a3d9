namespace UdpGateway.Gateway;

/// <summary>One monotonic clock for all workers and engines, and the wall clock for timestamps of packets.</summary>
internal sealed class GatewayClock(TimeProvider time)
{
    private readonly long _start = time.GetTimestamp();

    public TimeSpan Now => time.GetElapsedTime(_start);

    public long UnixMilliseconds => time.GetUtcNow().ToUnixTimeMilliseconds();
}
