using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using UdpGateway.WireGuard;

namespace UdpGateway.Benchmarks;

/// <summary>
/// Compares the engine's steps with the bare cryptography they cannot do without, in short slices that take turns, so that
/// a noisy machine disturbs both alike. Prints medians of the slices; judges nothing.
/// </summary>
internal static class EngineRatios
{
    private const int Rounds = 9;

    /// <summary>Rounds in which the runtime still improves its code.</summary>
    private const int WarmUpRounds = 4;
    private const int Slices = 100;
    private const int Sessions = 10_000;
    private const int PacketsPerRound = 20_000;

    public static void Run(TextWriter output)
    {
        using var crypto = CryptoBackends.CreateBest();
        output.WriteLine($"backend: {crypto.Name}; medians of {Rounds * Slices} slices in turn");
        CompareOpen(output, crypto, 1420);
        CompareOpen(output, crypto, 64);
        CompareHandshake(output, crypto);
        MeasureDrops(output, crypto);
    }

    /// <summary>Initiations of unknown peers that one core answers when it does nothing else.</summary>
    public static double HandshakesPerSecond()
    {
        const int Handshakes = 500;
        using var crypto = CryptoBackends.CreateBest();
        using var fleet = new PeerFleet(crypto);
        var reply = new byte[WireGuardEngine.MaxReplySize];
        var initiations = Enumerable.Range(0, Handshakes).Select(_ => fleet.NewInitiation()).ToArray();
        return 1e9 / Time(Handshakes, i => fleet.Engine.Receive(initiations[i], fleet.Source, fleet.Now, reply).Verdict == ReceiveVerdict.InitiationAnswered);
    }

    private static void CompareOpen(TextWriter output, ICryptoBackend crypto, int payloadLength)
    {
        using var fleet = new PeerFleet(crypto);
        fleet.Add(Sessions);
        var key = RandomNumberGenerator.GetBytes(32);
        var size = WireGuardEngine.HeaderSize + payloadLength + WireGuardEngine.TagSize;
        var reply = new byte[WireGuardEngine.MaxReplySize];
        var random = new Random(1);
        var (bare, engine) = Alternate(
            () =>
            {
                var block = new byte[PacketsPerRound * size];
                for (var i = 0; i < PacketsPerRound; i++)
                    crypto.Seal(key, (ulong)i, block.AsSpan((i * size) + WireGuardEngine.HeaderSize, payloadLength), default, block.AsSpan((i * size) + WireGuardEngine.HeaderSize, payloadLength + WireGuardEngine.TagSize));
                return i =>
                {
                    var text = block.AsSpan((i * size) + WireGuardEngine.HeaderSize, payloadLength + WireGuardEngine.TagSize);
                    return crypto.TryOpen(key, (ulong)i, text, default, text[..payloadLength]);
                };
            },
            () =>
            {
                var block = fleet.SealPackets(PacketsPerRound, payloadLength, random);
                return i =>
                {
                    // As the gateway does with the datagrams of one recvmmsg.
                    if (i + 1 < PacketsPerRound)
                        fleet.Engine.Prefetch(block.AsSpan((i + 1) * size, size));
                    return fleet.Engine.Receive(block.AsSpan(i * size, size), fleet.Source, fleet.Now, reply).Verdict == ReceiveVerdict.Data;
                };
            },
            PacketsPerRound);
        Print(output, $"open {payloadLength} bytes, {Sessions} sessions in random order", bare, engine);
    }

    private static void CompareHandshake(TextWriter output, ICryptoBackend crypto)
    {
        const int Handshakes = 300;
        using var fleet = new PeerFleet(crypto);
        var reply = new byte[WireGuardEngine.MaxReplySize];
        var publicKey = new byte[32];
        var shared = new byte[32];
        var own = crypto.ImportPrivateKey(RandomNumberGenerator.GetBytes(32), publicKey);
        var strangers = Enumerable.Range(0, Handshakes * 4).Select(_ =>
        {
            var stranger = new byte[32];
            crypto.Release(crypto.ImportPrivateKey(RandomNumberGenerator.GetBytes(32), stranger));
            return stranger;
        }).ToArray();
        var (bare, engine) = Alternate(
            () => i =>
            {
                var ephemeral = crypto.ImportPrivateKey(strangers[i], publicKey);
                var agrees = crypto.TryAgree(own, strangers[i * 4], shared) & crypto.TryAgree(own, strangers[(i * 4) + 1], shared)
                    & crypto.TryAgree(ephemeral, strangers[(i * 4) + 2], shared) & crypto.TryAgree(ephemeral, strangers[(i * 4) + 3], shared);
                crypto.Release(ephemeral);
                return agrees;
            },
            () =>
            {
                var initiations = Enumerable.Range(0, Handshakes).Select(_ => fleet.NewInitiation()).ToArray();
                return i => fleet.Engine.Receive(initiations[i], fleet.Source, fleet.Now, reply).Verdict == ReceiveVerdict.InitiationAnswered;
            },
            Handshakes);
        crypto.Release(own);
        Print(output, "responder handshake, unknown peer, against 4 derives + 1 keygen", bare, engine);
    }

    private static void MeasureDrops(TextWriter output, ICryptoBackend crypto)
    {
        const int Datagrams = 400_000;
        using var fleet = new PeerFleet(crypto);
        fleet.Add(Sessions);
        var reply = new byte[WireGuardEngine.MaxReplySize];
        var initiation = fleet.NewInitiation();
        initiation[120] ^= 1;
        var data = fleet.SealPackets(1, 64, new Random(1));
        var mac1 = Median(Rounds, () => Time(Datagrams, _ => fleet.Engine.Receive(initiation, fleet.Source, fleet.Now, reply).Verdict == ReceiveVerdict.Mac1Invalid));
        var unknown = Median(Rounds, () => Time(Datagrams, i =>
        {
            // A counter through a multiplication: other places of the table every time.
            BitConverter.TryWriteBytes(data.AsSpan(4), (uint)i * 2_654_435_761);
            return fleet.Engine.Receive(data, fleet.Source, fleet.Now, reply).Verdict is ReceiveVerdict.UnknownIndex or ReceiveVerdict.NotAuthentic;
        }));
        output.WriteLine(Invariant($"dropped at mac1: {1e3 / mac1:F2} M/s; at an unknown index: {1e3 / unknown:F2} M/s"));
    }

    /// <param name="a">Prepares one round; what it returns does step i of it, and says whether it came to what it should.</param>
    private static (double A, double B) Alternate(Func<Func<int, bool>> a, Func<Func<int, bool>> b, int steps)
    {
        var (first, second) = (new List<double>(), new List<double>());
        for (var round = -WarmUpRounds; round < Rounds; round++)
        {
            var (stepA, stepB) = (a(), b());
            for (var slice = 0; slice < Slices; slice++)
            {
                var (from, count) = (slice * steps / Slices, steps / Slices);
                var (timeA, timeB) = (Time(count, i => stepA(from + i)), Time(count, i => stepB(from + i)));
                if (round < 0)
                    continue;
                first.Add(timeA);
                second.Add(timeB);
            }
        }

        return (Middle(first), Middle(second));
    }

    private static double Middle(List<double> values)
    {
        values.Sort();
        return values[values.Count / 2];
    }

    private static double Median(int rounds, Func<double> measure)
    {
        measure();
        var values = Enumerable.Range(0, rounds).Select(_ => measure()).Order().ToArray();
        return values[rounds / 2];
    }

    /// <summary>Nanoseconds per step. A step that did not come to what it should makes the measurement worthless.</summary>
    private static double Time(int count, Func<int, bool> step)
    {
        var watch = Stopwatch.StartNew();
        var succeeded = 0;
        for (var i = 0; i < count; i++)
            succeeded += step(i) ? 1 : 0;
        var elapsed = watch.Elapsed;
        if (succeeded != count)
            throw new InvalidOperationException($"{count - succeeded} of {count} steps failed.");
        return elapsed.TotalNanoseconds / count;
    }

    private static void Print(TextWriter output, string what, double bare, double engine) =>
        output.WriteLine(Invariant($"{what}: bare {bare:F0} ns, engine {engine:F0} ns, rate {100 * bare / engine:F1} % of bare"));

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
