using System.Net;
using System.Security.Cryptography;
using UdpGateway.Gateway.Tests.TestDoubles;
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
        isWithin &= CheckPath(output, crypto);
        return isWithin;
    }

    /// <summary>The whole path from a datagram to a batch that a destination takes, which does nothing.</summary>
    private static bool CheckPath(TextWriter output, ICryptoBackend crypto)
    {
        const int Packets = 40_000;
        var source = PeerEndpoint.From(new IPEndPoint(IPAddress.Loopback, 40_000));
        using var plain = new PacketPathDriver();
        var payload = new byte[200];
        var isWithin = MeasureSteady(output, "packet path, plain UDP", Packets, _ => plain.Process(payload, source));

        var serverKey = RandomNumberGenerator.GetBytes(SecretKey.Size);
        var serverPublicKey = new byte[SecretKey.Size];
        WireGuardKeys.ComputePublicKey(serverKey, serverPublicKey);
        using var serverSecret = new SecretKey(serverKey);
        using var clientSecret = new SecretKey(RandomNumberGenerator.GetBytes(SecretKey.Size));
        using var tunnel = new PacketPathDriver(new TunnelConfiguration { TunnelId = 0, PrivateKeys = [serverSecret], AllowUnknownPeers = true });
        using var client = new WireGuardClient(clientSecret, serverPublicKey, null, crypto, RandomNumberGenerator.Fill);
        var buffer = new byte[256];
        var reply = new byte[WireGuardEngine.MaxReplySize];
        client.Connect(tunnel.Now);
        while (client.TryTakeDatagram(tunnel.Now, DateTimeOffset.UtcNow, buffer, out var length))
            client.Receive(reply.AsSpan(0, tunnel.Engine.Receive(buffer.AsSpan(0, length), source, tunnel.Now, reply).ReplyLength), tunnel.Now, out _, out _);
        isWithin &= MeasureSteady(output, "packet path, WireGuard", Packets, _ =>
        {
            client.TrySeal(buffer, 200, pad: false, tunnel.Now, out var length);
            tunnel.Process(buffer.AsSpan(0, length), source);
        });
        return isWithin && NothingDropped(output, plain) && NothingDropped(output, tunnel);
    }

    /// <summary>
    /// Batches are pooled, and the pool grows, up to its cap, whenever the destination's threads fall behind for the first time.
    /// So the budget holds for the best of a few spells: one without growth must allocate nothing at all.
    /// </summary>
    private static bool MeasureSteady(TextWriter output, string what, int count, Action<int> step)
    {
        for (var spell = 1; ; spell++)
        {
            using var line = new StringWriter();
            var isWithin = Measure(line, what, count, 0, step);
            if (!isWithin && spell < 8)
                continue;
            output.Write(line);
            return isWithin;
        }
    }

    /// <summary>A path that drops its packets allocates nothing either.</summary>
    private static bool NothingDropped(TextWriter output, PacketPathDriver driver)
    {
        if (driver.Drops > 0)
            output.WriteLine($"{driver.Drops} packets were dropped: the figures above mean nothing");
        return driver.Drops == 0;
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
