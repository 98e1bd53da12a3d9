namespace UdpGateway.WireGuard.Tests.Crypto;

internal static class Allocation
{
    /// <summary>Managed bytes that one run allocates on this thread, after enough runs that nothing is initialized any more.</summary>
    public static long OfOneRun(Action run)
    {
        const int Runs = 100;
        for (var i = 0; i < Runs; i++)
            run();

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < Runs; i++)
            run();
        return (GC.GetAllocatedBytesForCurrentThread() - before) / Runs;
    }
}
