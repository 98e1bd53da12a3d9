using FsCheck.Fluent;
using UdpGateway.WireGuard.Messages;
using UdpGateway.WireGuard.Sessions;
using UdpGateway.WireGuard.Tests.Crypto;
using UdpGateway.WireGuard.Tests.Scenarios;

namespace UdpGateway.WireGuard.Tests.Properties;

public sealed class SessionProperties
{
    /// <summary>The kernel and wireguard-go remember 8,192 counters less one word.</summary>
    private const ulong Reach = 8128;

    [Fact]
    public void Replay_window_accepts_what_a_set_of_all_seen_counters_would()
    {
        // Counters move on by small steps, jump by about a word, by about a window, and beyond; and go back as far.
        var distance = Gen.Frequency(
            (8, Gen.Choose(0, 3)), (4, Gen.Choose(0, 70)), (2, Gen.Choose(60, 68)), (2, Gen.Choose(8060, 8260)), (1, Gen.Choose(0, 20_000)));
        var step = distance.Zip(Gen.Choose(0, 4), (by, direction) => direction == 0 ? -by : by);

        Property.HoldsForSteps(step.ArrayOf().Resize(400), steps =>
        {
            using var rings = new ReplayRings(1);
            var window = ReplayWindow.Create();
            var seen = new HashSet<ulong>();
            var (greatest, counter) = (0UL, 0UL);
            foreach (var by in steps)
            {
                counter = by < 0 ? counter - Math.Min(counter, (ulong)-by) : counter + (ulong)by;
                var expected = !seen.Contains(counter) && (counter >= greatest || greatest - counter <= Reach);
                Assert.Equal((counter, expected), (counter, window.IsNew(counter)));
                Assert.Equal(expected, window.IsNew(counter));
                if (!expected)
                    continue;
                window.Accept(counter, rings);
                seen.Add(counter);
                greatest = Math.Max(greatest, counter);
            }

            window.Release(rings);
        }, runs: 400);
    }

    [Fact]
    public void Replay_window_without_a_ring_forgets_the_gaps_behind_it_but_never_accepts_twice()
    {
        const ulong Inline = 64;
        var step = Gen.Frequency((8, Gen.Choose(0, 3)), (4, Gen.Choose(-70, 70)), (1, Gen.Choose(-9000, 9000)));

        Property.HoldsForSteps(step.ArrayOf().Resize(400), steps =>
        {
            // Another session has the only ring, and gives it back half way.
            using var rings = new ReplayRings(1);
            ReplayWindow window = ReplayWindow.Create(), other = ReplayWindow.Create();
            other.Accept(10_000, rings);
            var seen = new HashSet<ulong>();
            var (greatest, counter) = (0UL, 0UL);
            for (var i = 0; i < steps.Length; i++)
            {
                if (i == steps.Length / 2)
                    other.Release(rings);
                counter = steps[i] < 0 ? counter - Math.Min(counter, (ulong)-steps[i]) : counter + (ulong)steps[i];
                var isNew = window.IsNew(counter);
                if (seen.Contains(counter) || greatest > counter + Reach)
                    Assert.False(isNew);
                else if (seen.Count == 0 || counter + Inline > greatest)
                    Assert.True(isNew);
                if (!isNew)
                    continue;
                window.Accept(counter, rings);
                seen.Add(counter);
                greatest = Math.Max(greatest, counter);
            }

            window.Release(rings);
            Assert.Equal(steps.Length == 0 ? 1 : 0, rings.Count);
            other.Release(rings);
        }, runs: 400);
    }

    [Fact]
    public void Replay_window_of_a_client_that_loses_nothing_never_takes_its_ring()
    {
        var shuffles = Gen.Choose(1, 60).ArrayOf(50);

        Property.Holds(shuffles, blocks =>
        {
            using var rings = new ReplayRings(1);
            var window = ReplayWindow.Create();
            var next = 0UL;
            foreach (var length in blocks)
            {
                // Each block arrives backwards: reordered, but within the inline part.
                for (var i = length - 1; i >= 0; i--)
                {
                    Assert.True(window.IsNew(next + (ulong)i));
                    window.Accept(next + (ulong)i, rings);
                }

                next += (ulong)length;
            }

            Assert.False(window.HasRing);
            window.Release(rings);
        });
    }

    [Fact]
    public void Replay_window_without_a_ring_to_be_had_refuses_what_it_cannot_tell_apart()
    {
        using var rings = new ReplayRings(0);
        var window = ReplayWindow.Create();
        window.Accept(1000, rings);

        Assert.False(window.HasRing);
        Assert.False(window.IsNew(1000));
        Assert.True(window.IsNew(999));
        Assert.True(window.IsNew(1000 - 63));
        Assert.False(window.IsNew(1000 - 64));
        Assert.True(window.IsNew(1001));
    }

    [Theory, OnOpenSsl, OnPortable]
    public void Payload_of_every_length_is_sealed_and_opened_and_no_other_key_or_counter_opens_it(string backend)
    {
        using var crypto = TestBackends.Create(backend);
        var random = new Random(20260603);
        using var rings = new ReplayRings(1);
        Session sender = default, receiver = default;
        sender.Start(1, 2, 0, TimeSpan.Zero);
        receiver.Start(2, 1, 0, TimeSpan.Zero);
        random.NextBytes(sender.SendingKey);
        sender.SendingKey.CopyTo(receiver.ReceivingKey);

        for (var length = 0; length <= 1500; length++)
        {
            var payload = new byte[length];
            random.NextBytes(payload);
            var datagram = new byte[length + Paper.TransportOverhead];
            payload.CopyTo(datagram, 16);
            Assert.Equal(datagram.Length, sender.Seal(crypto, datagram, length));
            var wrongCounter = datagram.ToArray();
            wrongCounter[9] ^= 0x40;
            var wrongByte = datagram.ToArray();
            wrongByte[16 + random.Next(length + 16)] ^= (byte)(1 << random.Next(8));

            Assert.Equal(ReceiveVerdict.NotAuthentic, receiver.TryOpen(crypto, rings, wrongCounter, TimeSpan.Zero));
            Assert.Equal(ReceiveVerdict.NotAuthentic, receiver.TryOpen(crypto, rings, wrongByte, TimeSpan.Zero));
            Assert.Equal(length == 0 ? ReceiveVerdict.Keepalive : ReceiveVerdict.Data, receiver.TryOpen(crypto, rings, datagram, TimeSpan.Zero));
            Assert.Equal(payload, datagram[16..^16]);
            Assert.Equal((ulong)length, new TransportDataMessage(datagram).Counter);
        }

        receiver.Release(rings);
    }

    [Fact]
    public void Session_table_finds_exactly_what_a_dictionary_would()
    {
        // Positive: remove one of the living; otherwise add.
        var steps = Gen.Choose(-3, 4).ArrayOf().Resize(300);

        Property.HoldsForSteps(steps, choices =>
        {
            using var table = new SessionTable(40, maxReplayRings: 1, worker: 1, workers: 3, SessionIndexCipher.Create([1, 2, 3, 4, 5, 6, 7, 8]));
            var living = new Dictionary<uint, uint>();
            var dead = new List<uint>();
            foreach (var choice in choices)
            {
                if (choice <= 0 || living.Count == 0)
                {
                    Assert.Equal(living.Count < 40, table.TryAdd(out var slot, out var index));
                    if (living.Count == 40)
                        continue;
                    table[slot].Start(index, 0, slot, TimeSpan.Zero);
                    Assert.True(living.TryAdd(index, slot));
                }
                else
                {
                    var (index, slot) = living.ElementAt(choice * 7 % living.Count);
                    table.Remove(slot);
                    living.Remove(index);
                    dead.Add(index);
                }

                Assert.Equal(living.Count, table.Count);
                Assert.All(living, session => Assert.True(table.TryFind(session.Key, out var slot, out _) && slot == session.Value));
                Assert.All(dead, index => Assert.False(table.TryFind(index, out _, out _)));
            }
        });
    }

    [Fact]
    public void Slab_hands_out_each_free_record_once_zeroed_and_never_more_than_its_capacity()
    {
        var steps = Gen.Choose(-3, 4).ArrayOf().Resize(500);

        Property.HoldsForSteps(steps, choices =>
        {
            using var slab = new NativeSlab<ulong>(100);
            var taken = new List<uint>();
            var most = 0;
            foreach (var choice in choices)
            {
                if (choice <= 0 || taken.Count == 0)
                {
                    Assert.Equal(taken.Count < 100, slab.TryTake(out var slot));
                    if (taken.Count == 100)
                        continue;
                    Assert.DoesNotContain(slot, taken);
                    Assert.Equal(0UL, slab[slot]);
                    slab[slot] = ulong.MaxValue;
                    taken.Add(slot);
                }
                else
                {
                    var slot = taken[choice * 13 % taken.Count];
                    slab.Free(slot);
                    Assert.Equal(0UL, slab[slot]);
                    taken.Remove(slot);
                }

                most = Math.Max(most, taken.Count);
                Assert.Equal((uint)taken.Count, slab.Count);
                // Memory grows with the most that were ever in use at once, not with use.
                Assert.Equal((uint)most, slab.End);
            }
        });
    }

    [Fact]
    public void Index_tells_its_worker_to_all_workers_and_its_session_to_the_owner_only()
    {
        Property.Holds(Gen.Choose(1, 16).Zip(Gen.Choose(0, 1000)), values =>
        {
            var (workers, seed) = values;
            var key = BitConverter.GetBytes((ulong)seed * 0x9e3779b97f4a7c15);
            var tables = Enumerable.Range(0, workers).Select(worker => new SessionTable(64, 1, worker, workers, SessionIndexCipher.Create(key))).ToList();
            for (var owner = 0; owner < workers; owner++)
            {
                Assert.True(tables[owner].TryAdd(out var slot, out var index));
                tables[owner][slot].Start(index, 0, 0, TimeSpan.Zero);
                for (var asked = 0; asked < workers; asked++)
                {
                    Assert.Equal(asked == owner, tables[asked].TryFind(index, out _, out var told));
                    Assert.Equal(owner, told);
                }
            }

            tables.ForEach(table => table.Dispose());
        });
    }

    [Fact]
    public void Index_cipher_is_a_permutation()
    {
        uint[] edges = [0, 1, 0x7fff, 0x8000, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000, uint.MaxValue];

        Property.Holds(Gen.Choose(int.MinValue, int.MaxValue).Four(), numbers =>
        {
            var (keyHigh, keyLow, value, other) = numbers;
            var cipher = SessionIndexCipher.Create(BitConverter.GetBytes((ulong)(uint)keyHigh << 32 | (uint)keyLow));
            foreach (var plain in edges.Append((uint)value))
            {
                Assert.Equal(plain, cipher.Decrypt(cipher.Encrypt(plain)));
                Assert.Equal(plain, cipher.Encrypt(cipher.Decrypt(plain)));
            }

            Assert.Equal(value == other, cipher.Encrypt((uint)value) == cipher.Encrypt((uint)other));
        }, runs: 500);
    }
}
