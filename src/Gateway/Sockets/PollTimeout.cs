namespace UdpGateway.Gateway.Sockets;

/// <summary>A wait rounded up to whole milliseconds, so that a timer is never a little early and spins.</summary>
internal static class PollTimeout
{
    private const int Longest = 60_000;

    public static int Milliseconds(TimeSpan timeout) =>
        timeout <= TimeSpan.Zero ? 0
        : timeout.TotalMilliseconds >= Longest ? Longest
        : (int)Math.Ceiling(timeout.TotalMilliseconds);
}
