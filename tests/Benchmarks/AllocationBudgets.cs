using UdpGateway.WireGuard;

namespace UdpGateway.Benchmarks;

/// <summary>What each step may allocate on the managed heap in steady state. Continuous integration fails above a budget.</summary>
internal static class AllocationBudgets
{
    private const int Steps = 5_000;

    /// <returns>Whether every step kept its budget.</returns>
    public static bool Check(TextWriter output)
    {
        using var crypto = CryptoBackends.CreateBest();
        using var fleet = new PeerFleet(crypto);
        fleet.Add(16);
        var reply = new byte[WireGuardEngine.MaxReplySize];
        var datagram = new byte[1500];
        var size = WireGuardEngine.HeaderSize + 200 + WireGuardEngine.TagSize;
        var packets = fleet.SealPackets(2 * Steps, 200, new Random(1));
        var initiations = Enumerable.Range(0, 400).Select(_ => fleet.NewInitiation()).ToArray();

        var isWithin = Measure(output, "open", Steps, 0, i => fleet.Engine.Receive(packets.AsSpan(i * size, size), fleet.Source, fleet.Now, reply));
        isWithin &= Measure(output, "seal", Steps, 0, i => fleet.Engine.Seal(fleet.Peers[i % 16], datagram, 200, pad: true, fleet.Now));
        // The peer table doubles now and then, which is spread over all peers: that is all that a handshake may allocate.
        isWithin &= Measure(output, "answer an initiation", 200, 64, i => fleet.Engine.Receive(initiations[i], fleet.Source, fleet.Now, reply));
        return isWithin;
    }

    /// <param name="step">Called twice <paramref name="count"/> times: the first half warms up.</param>
    public static bool Measure(TextWriter output, string what, int count, long budget, Action<int> step)
    {
        for (var i = 0; i < count; i++)
            step(i);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = count; i < 2 * count; i++)
            step(i);
        var perStep = (GC.GetAllocatedBytesForCurrentThread() - before) / (double)count;
        var isWithin = perStep <= budget;
        output.WriteLine($"{(isWithin ? "within" : "ABOVE")} budget: {what}: {perStep:F2} of {budget} bytes per step");
        return isWithin;
    }
}
