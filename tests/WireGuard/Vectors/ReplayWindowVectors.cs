using UdpGateway.WireGuard.Messages;
using UdpGateway.WireGuard.Sessions;
using UdpGateway.WireGuard.Tests.Crypto;

namespace UdpGateway.WireGuard.Tests.Vectors;

/// <summary>
/// The counter cases of wireguard-go (replay/replay_test.go, MIT, which took them from the Linux kernel's self test): 34 in one
/// sequence and six runs over the edge of the window, which reaches 8128 counters back: 8192 bits less the word that is being filled.
/// </summary>
public sealed class ReplayWindowVectors
{
    private const ulong Window = 8128;
    private const ulong L = Window + 1;
    private const ulong R = WireGuardSpecification.RejectAfterMessages;

    /// <summary>Counter and whether it is accepted, numbered 1 to 34 in order.</summary>
    private static readonly (ulong Counter, bool Accepted)[] Cases =
    [
        (0, true),
        (1, true),
        (1, false),
        (9, true),
        (8, true),
        (7, true),
        (7, false),
        (L, true),
        (L - 1, true),
        (L - 1, false),
        (L - 2, true),
        (2, true),
        (2, false),
        (L + 16, true),
        (3, false),
        (L + 16, false),
        (4 * L, true),
        (4 * L - (L - 1), true),
        (10, false),
        (4 * L - L, false),
        (4 * L - (L + 1), false),
        (4 * L - (L - 2), true),
        (4 * L + 1 - L, false),
        (0, false),
        (R, false),
        (R - 1, true),
        (R, false),
        (R - 1, false),
        (R - 2, true),
        (R + 1, false),
        (R + 2, false),
        (R - 2, false),
        (R - 3, true),
        (0, false),
    ];

    /// <summary>Each starts with a new window.</summary>
    private static readonly (ulong Counter, bool Accepted)[][] Runs =
    [
        [.. Forward(1, Window), (0, true), (0, false)],
        [.. Forward(2, Window + 1), (1, true), (0, false)],
        [.. Backward(Window + 1, 1)],
        [.. Backward(Window + 2, 2), (0, false)],
        [.. Backward(Window, 1), (Window + 1, true), (0, false)],
        [.. Backward(Window, 1), (0, true), (Window + 1, true)],
    ];

    /// <summary>0 is the sequence of the 34 cases, 1 to 6 the runs.</summary>
    public static TheoryData<int> Sequences => [.. Enumerable.Range(0, 7)];

    public static TheoryData<string, int> SequencesOnEveryBackend
    {
        get
        {
            var data = new TheoryData<string, int>();
            foreach (var backend in TestBackends.Names)
            {
                for (var sequence = 0; sequence < 7; sequence++)
                    data.Add(backend, sequence);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Sequences))]
    public void Window_accepts_exactly_the_known_counters(int sequence)
    {
        using var rings = new ReplayRings(1);
        var window = ReplayWindow.Create();
        var steps = Steps(sequence);

        for (var i = 0; i < steps.Length; i++)
        {
            // The limit is the session's to keep: the window never sees such a counter.
            if (steps[i].Counter >= R)
                continue;
            var accepted = window.IsNew(steps[i].Counter);
            if (accepted)
                window.Accept(steps[i].Counter, rings);
            Assert.True(steps[i].Accepted == accepted, $"Sequence {sequence}, step {i + 1}, counter {steps[i].Counter}: accepted is {accepted}.");
        }

        window.Release(rings);
    }

    [Theory]
    [MemberData(nameof(SequencesOnEveryBackend))]
    public void Session_accepts_exactly_the_known_counters_as_packets(string backend, int sequence)
    {
        using var crypto = TestBackends.Create(backend);
        using var rings = new ReplayRings(1);
        var session = default(Session);
        session.Start(1, 2, 0, TimeSpan.Zero);
        var steps = Steps(sequence);

        for (var i = 0; i < steps.Length; i++)
        {
            var (counter, expected) = steps[i];
            var datagram = new byte[TransportDataMessage.MinimumSize];
            new TransportDataMessage(datagram).WriteHeader(1, counter);
            crypto.Seal(session.ReceivingKey, counter, default, default, datagram.AsSpan(TransportDataMessage.HeaderSize));

            var verdict = session.TryOpen(crypto, rings, datagram, TimeSpan.Zero);

            var wanted = expected ? ReceiveVerdict.Keepalive : counter >= R ? ReceiveVerdict.SessionExpired : ReceiveVerdict.Replayed;
            Assert.True(wanted == verdict, $"Sequence {sequence}, step {i + 1}, counter {counter}: {verdict}.");
        }

        session.Release(rings);
    }

    private static (ulong Counter, bool Accepted)[] Steps(int sequence) => sequence == 0 ? Cases : Runs[sequence - 1];

    private static IEnumerable<(ulong Counter, bool Accepted)> Forward(ulong first, ulong last)
    {
        for (var counter = first; counter <= last; counter++)
            yield return (counter, true);
    }

    private static IEnumerable<(ulong Counter, bool Accepted)> Backward(ulong first, ulong last)
    {
        for (var counter = first; counter >= last; counter--)
            yield return (counter, true);
    }
}
